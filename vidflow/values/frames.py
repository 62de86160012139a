"""`Frames`: a short run of pictures in memory, and the two kinds of single frame that a node's body can ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    Frame: TypeAlias = NDArray[np.float32]
    Frame8: TypeAlias = NDArray[np.uint8]
else:

    class Frame:
        """One picture: float32 `[height, width, 3]`, sRGB in 0..1. A numpy array; this name only marks a parameter."""

    class Frame8:
        """One picture: uint8 `[height, width, 3]`, sRGB. A numpy array; this name only marks a parameter."""


class Underway:
    """A frame that is still on its way from a device. A function of frames may give one instead of an array: it is
    waited for where it is needed, and the device works on meanwhile."""

    __slots__ = ("_arrive", "dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: str, arrive: Callable[[], NDArray[Any]]) -> None:
        """`arrive` waits for the frame `[height, width, 3]`, which has this shape and dtype and needs no clipping."""
        self.shape = shape
        self.dtype = dtype
        self._arrive = arrive

    def numpy(self) -> NDArray[Any]:
        """The frame, once it is there."""
        return self._arrive()


def arrived(frame: Any) -> Any:
    """The frame itself, where it is still on its way."""
    return frame.numpy() if isinstance(frame, Underway) else frame


class Frames:
    """A short run of frames, `[n, height, width, 3]`, sRGB, uint8 or float32 in [0, 1].

    Holds one array, a list of single pictures, or a torch tensor of that layout on any device. Frames are shared
    between readers and so never written to: make new ones.
    """

    __slots__ = ("_block", "_pictures")

    def __init__(self, pictures: Any) -> None:
        """`pictures` is an array or tensor `[n, height, width, 3]`, or a sequence of `[height, width, 3]` ones."""
        if isinstance(pictures, list | tuple):
            self._pictures: Sequence[Any] | None = pictures
            self._block: Any = None
        else:
            if pictures.ndim != 4 or pictures.shape[3] != 3:
                raise ValueError(f"Frames need the shape [n, height, width, 3], not {list(pictures.shape)}")
            self._pictures = None
            self._block = pictures

    def __len__(self) -> int:
        return len(self._block) if self._pictures is None else len(self._pictures)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._block if self._pictures is None else self._pictures)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Frames: ...
    def __getitem__(self, index: int | slice) -> Any:
        picked = (self._block if self._pictures is None else self._pictures)[index]
        return Frames(picked) if isinstance(index, slice) else picked

    def __repr__(self) -> str:
        shape = [len(self), *self[0].shape] if len(self) else [0]
        return f"Frames({shape}, {self[0].dtype if len(self) else 'empty'})"

    @property
    def nbytes(self) -> int:
        """Bytes of all pictures together."""
        return sum(picture.nbytes for picture in self)

    def numpy(self) -> NDArray[Any]:
        """One array `[n, height, width, 3]`; a copy only where the pictures lie apart or on another device."""
        import numpy as np

        if self._block is None:
            pictures = [_to_numpy(picture) for picture in self._pictures or ()]
            if not pictures:
                return np.empty((0, 0, 0, 3), np.uint8)
            self._block = pictures[0][None] if len(pictures) == 1 else np.stack(pictures)
            self._pictures = None
        return _to_numpy(self._block)

    def torch(self, device: Any = "cpu", dtype: Any = None) -> Any:
        """One torch tensor `[n, height, width, 3]` on `device`; uint8 becomes 0..1 for a float `dtype`."""
        from importlib import import_module

        torch: Any = import_module("torch")
        block = self._block
        if not isinstance(block, torch.Tensor):
            array = self.numpy()
            block = torch.from_numpy(array if array.flags.writeable else array.copy())
        if dtype is not None and dtype.is_floating_point and not block.is_floating_point():
            return block.to(device).to(dtype).div_(255)
        return block.to(device=device, dtype=dtype)


def _to_numpy(value: Any) -> NDArray[Any]:
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value
