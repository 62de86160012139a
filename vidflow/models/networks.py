"""Networks that come alone in a file: RIFE's and ESRGAN's. Found by their name, recognised by their weights, loaded.

Published ones are pickles (`.pkl`, `.pth`). They are read by torch's reader of plain weights, which runs nothing; what
holds more than weights is refused. A safetensors file is preferred, for it can be looked at without torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from vidflow import heap
from vidflow.errors import ModelError
from vidflow.models import esrgan, foreign, rife
from vidflow.models.checkpoint import network_file, shapes
from vidflow.models.library import find

if TYPE_CHECKING:
    import torch

Task = Literal["interpolation", "upscaling"]
Shape = tuple[int, ...]
PICKLES = (".pth", ".pkl")
_EXPECTED: Mapping[Task, str] = {
    "interpolation": "expected the IFNet of a RIFE 4.x",
    "upscaling": "expected an RRDBNet or SRVGGNetCompact of ESRGAN",
}
_WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model")
"""Under which the weights lie in a file that holds more; the first is the best."""
_PREFIXES = ("module.", "netG.")
"""In front of all names, where a network was saved from within another."""


class Network(Protocol):
    """What `opened` gives: a module, with the layout that its weights have."""

    layout: Any

    def __call__(self, *given: Any, **settings: Any) -> Any: ...


def weights_of(name: str) -> Path:
    """The file of weights that a name stands for: of a model in the box, of a folder, or itself. Raises ModelError."""
    return network_file(find(name).folder)


def layout_in(task: Task, path: Path) -> Any:
    """The layout of the network in a file. Raises ModelError where it is none for this task.

    A safetensors file is only looked at, without torch, unless it takes spandrel to know it; a pickle is read whole.
    """
    state = _read(path) if path.suffix in PICKLES else None
    found = _shapes_of(state) if state is not None else {name: shape for name, (_, shape) in shapes(path).items()}
    try:
        return _recognised(task, path, found)[0]
    except ModelError:
        other = _foreign(task, state or _read(path))
        if other is None:
            raise
        return other.layout


def can_look(path: Path) -> bool:
    """Whether `layout_in` can tell without torch that a file is of no use."""
    return path.suffix not in PICKLES and not foreign.is_here()


@contextmanager
def opened(task: Task, path: Path, device: str, dtype: str) -> Iterator[Network]:
    """The network in a file, in memory for as long as the block lasts, and afterwards for as long as there is room.

    Raises ModelError for a file that holds another network, or none.
    """
    import torch

    from vidflow.models.residency import RESIDENT

    place = torch.device(device)
    status = path.stat()
    key = (task, str(path), status.st_size, status.st_mtime_ns, device, dtype)
    load = partial(_load, task, path, place, getattr(torch, dtype))
    # As a pickle may be compressed, this is no more than near.
    with RESIDENT.held({"net": (key, status.st_size, load)}, place) as parts:
        yield parts["net"]
    if place.type == "cpu":
        heap.trim_now_and_then()


def dtype_on(device: str, asked: str) -> str:
    """The numbers that a network computes with: on a GPU half as long as they are stored, unless others are asked
    for."""
    return asked if asked != "auto" else "float32" if device == "cpu" else "float16"


def _load(task: Task, path: Path, device: torch.device, dtype: torch.dtype) -> Any:
    import torch

    if device.type == "cpu":
        heap.reuse()
    state = _read(path)
    try:
        layout, names = _recognised(task, path, _shapes_of(state))
    except ModelError:
        other = _foreign(task, state)
        if other is None:
            raise
        return other.to(device, dtype, memory_format=torch.channels_last)
    with torch.device("meta"):
        net = _built(task, layout)
    net.load_state_dict({names[name]: state[name] for name in names}, assign=True)
    return net.to(device, dtype, memory_format=torch.channels_last).eval().requires_grad_(False)


def _foreign(task: Task, state: dict[str, torch.Tensor]) -> Any | None:
    return foreign.network(state) if task == "upscaling" and foreign.is_here() else None


def _shapes_of(state: Mapping[str, torch.Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _built(task: Task, layout: Any) -> Any:
    from vidflow.models import generators, ifnet

    return ifnet.IFNet(layout) if task == "interpolation" else generators.network(layout)


def _recognised(task: Task, path: Path, found: Mapping[str, Shape]) -> tuple[Any, dict[str, str]]:
    """The layout that names and shapes tell of, and what the network calls each name. Raises ModelError."""
    prefix = next((one for one in _PREFIXES if found and all(name.startswith(one) for name in found)), "")
    names = {name: name.removeprefix(prefix) for name in found}
    if task == "interpolation":
        # Beside them lie, in some files, parts that only training used.
        names = {old: new for old, new in names.items() if rife.is_own(new)}
    else:
        renamed = esrgan.renamed(list(names.values())) or {}
        names = {old: renamed.get(new, new) for old, new in names.items()}
    given = {new: found[old] for old, new in names.items()}
    layout = (rife if task == "interpolation" else esrgan).likely_layout(given)
    if layout is None:
        raise ModelError(f"{path} holds another network ({_first(found)}); {_EXPECTED[task]}.")
    wanted = layout.shapes
    if missing := sorted(wanted.keys() - given.keys()):
        raise ModelError(f"{path} lacks {len(missing)} of its weights, {missing[0]} first; fetch it again.")
    for name, shape in given.items():
        if name not in wanted:
            raise ModelError(f"{path} has weights that no such network has, {name} first; {_EXPECTED[task]}.")
        if shape != wanted[name]:
            fits = list(wanted[name])
            raise ModelError(f"{path} does not fit together: {name} has the shape {list(shape)}; expected {fits}.")
    return layout, names


def _first(found: Mapping[str, Shape]) -> str:
    if not found:
        return "it has no weights"
    name = min(found)
    return f"its first weights are {name[:60]}, {list(found[name])}"


def _read(path: Path) -> dict[str, torch.Tensor]:
    """The weights in a file by their names. Raises ModelError."""
    import torch

    from vidflow.models.residency import out_of_memory

    if path.suffix not in PICKLES:
        shapes(path)
        from safetensors.torch import load_file

        return load_file(path)
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except Exception as error:
        if out_of_memory(error):
            raise
        said = str(error)
        if "Unsupported global" in said or "weights_only" in said.lower().replace(" ", "_"):
            which = re.search(r"GLOBAL ([\w.]+)", said)
            what = f" ({which[1]})" if which else ""
            message = f"{path} holds more than weights{what}, which could run code and is not loaded."
        else:
            message = f"{path} is damaged or no file of weights; fetch it again."
        raise ModelError(message) from error
    for name in _WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
            break
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds no weights by their names.")
    state: dict[str, torch.Tensor] = {
        str(name): tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)
    }
    for name, tensor in state.items():
        if tensor.layout != torch.strided or tensor.numel() * tensor.itemsize > tensor.untyped_storage().nbytes():
            raise ModelError(f"{path} is damaged: {name} claims to be larger than what is stored of it.")
    return state
