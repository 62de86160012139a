"""`Video`: a lazy, seekable stream of frames, described by what it is made from; `Image` is one of a single frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from vidflow.values.audio import Audio, AudioInfo
from vidflow.values.frames import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

Depth = Literal["uint8", "float32"]
BATCH_BYTES = 8 * 2**20
"""A stage may always hold one batch: one frame, or as many as fit in this."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a video before any frame is made.

    `rate` is in frames per second; `frames` counts them; frame k shows from k / rate on. `dtype` is that of the
    frames: uint8, or float32 in [0, 1]. `audio` describes the sound, if there is any.
    """

    width: int
    height: int
    rate: Fraction
    frames: int
    dtype: Depth = "uint8"
    audio: AudioInfo | None = None

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return self.frames / self.rate

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame in memory."""
        return self.width * self.height * 3 * (1 if self.dtype == "uint8" else 4)

    @property
    def batch(self) -> int:
        """How many frames make one batch, at least 1."""
        return max(1, BATCH_BYTES // max(1, self.frame_bytes))


class FrameReader(Protocol):
    """A cursor into a source of frames. Used by one thread at a time; going on where it stands costs no seek."""

    def read(self, start: int, stop: int) -> Frames:
        """Exactly the frames `start` to `stop` (exclusive), `stop - start` of them, at most one batch."""
        ...

    def close(self) -> None:
        """Let go of files. Called once."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Frames that come from outside: a file, an array."""

    open: Callable[[], FrameReader]


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Frame k is `make(frame k of source)`. `takes` says which depth `make` wants, None its source's own."""

    source: Video
    make: Callable[[Any], Any]
    takes: Depth | None


@dataclass(frozen=True, slots=True, eq=False)
class Resample:
    """Frame k is `make([source frames needs(k)], k)`; without `make`, the one source frame that `needs(k)` names."""

    source: Video
    needs: Callable[[int], Sequence[int]]
    make: Callable[[list[Any], int], Any] | None
    takes: Depth | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Join:
    """The frames of several videos, one video after the other. Their sizes may differ."""

    sources: tuple[Video, ...]


class Runtime(Protocol):
    """Who makes the frames of a video: the engine, or (for a video outside any run) the calling thread."""

    def read(self, video: Video, start: int, stop: int) -> Iterator[Frames]:
        """Frames `start` to `stop` of `video` in order, in runs of at most one batch."""
        ...


class Video:
    """A lazy, seekable stream of frames. Nothing is made until it is read; any range can be read, again and again."""

    __slots__ = ("__weakref__", "audio", "info", "made_by", "runtime")

    def __init__(
        self,
        info: VideoInfo,
        made_by: Any,
        audio: Audio | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        """`made_by` is a `Source`, `Map`, `Resample` or `Join` (or one that a runtime adds)."""
        sound = audio.info if audio else None
        self.info = info if info.audio == sound else replace(info, audio=sound)
        self.made_by = made_by
        self.audio = audio
        self.runtime = runtime

    def __repr__(self) -> str:
        i = self.info
        return (
            f"{type(self).__name__}({i.width}x{i.height}, {i.rate} fps, {i.frames} frames, {i.dtype}, {self.audio!r})"
        )

    @classmethod
    def from_source(cls, info: VideoInfo, open: Callable[[], FrameReader], audio: Audio | None = None) -> Video:
        """A video whose frames come from the cursors that `open` makes; `open` itself must be cheap."""
        return cls(info, Source(open), audio)

    @classmethod
    def from_array(cls, frames: NDArray[Any], rate: Fraction | int, audio: Audio | None = None) -> Video:
        """A video of the frames `[n, height, width, 3]` in memory, uint8 or float32."""
        n, height, width, _ = frames.shape
        info = VideoInfo(width, height, Fraction(rate), n, "uint8" if frames.dtype == "uint8" else "float32")
        return cls(info, Source(lambda: _ArrayReader(frames)), audio)

    @classmethod
    def joined(cls, videos: Sequence[Video]) -> Video:
        """The frames of `videos` one after the other, at the first one's rate and without sound; see `Audio.joined`.

        Raises ValueError where their sizes or depths differ.
        """
        first = videos[0].info
        kinds = {(video.info.width, video.info.height, video.info.dtype) for video in videos}
        if len(kinds) > 1:
            raise ValueError(f"videos that are joined are of one size and dtype; these are {sorted(kinds)}")
        info = replace(first, frames=sum(video.info.frames for video in videos))
        return cls(info, Join(tuple(videos)), None, videos[0].runtime)

    @classmethod
    def combined(
        cls,
        videos: Sequence[Video],
        make: Callable[[list[Any]], Any],
        *,
        width: int | None = None,
        height: int | None = None,
        dtype: Depth | None = None,
        takes: Depth | None = None,
    ) -> Video:
        """Frame k is `make([frame k of each of videos])`, up to the end of the shortest.

        The frames come in one depth: that of `takes`, or where the videos differ, float32. Size, rate and sound are
        the first one's, unless another size is said.
        """
        depths = {video.info.dtype for video in videos}
        depth: Depth = takes or (videos[0].info.dtype if len(depths) == 1 else "float32")
        first, starts = videos[0].info, [0]
        for video in videos:
            starts.append(starts[-1] + video.info.frames)
        info = replace(
            first,
            width=width or first.width,
            height=height or first.height,
            frames=min(video.info.frames for video in videos),
            dtype=dtype or depth,
        )
        all_of_them = Video(replace(first, frames=starts[-1]), Join(tuple(videos)), None, videos[0].runtime)
        return all_of_them.resample(
            lambda frames, _: make(frames),
            lambda k: [start + k for start in starts[:-1]],
            info,
            videos[0].audio,
            takes=depth,
        )

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frames]:
        """Frames `start` to `stop` (exclusive; the end without it), in order, in runs of at most one batch.

        Raises IndexError where the range is not inside the video.
        """
        stop = self.info.frames if stop is None else stop
        if not 0 <= start <= stop <= self.info.frames:
            raise IndexError(f"frames {start} to {stop} of a video of {self.info.frames}")
        runtime = self.runtime
        if runtime is None:
            from vidflow.values.reading import INLINE

            runtime = INLINE
        return runtime.read(self, start, stop)

    def frame(self, index: int) -> Any:
        """The one frame at `index` (from the end where negative)."""
        index += self.info.frames if index < 0 else 0
        return next(self.read(index, index + 1))[0]

    def map(
        self,
        make: Callable[[Any], Any],
        *,
        width: int | None = None,
        height: int | None = None,
        dtype: Depth | None = None,
        takes: Depth | None = None,
    ) -> Self:
        """Every frame through `make`, which may run on several threads at once.

        `make` is given a frame of the video's own dtype, or of `takes`, and gives one of the new size and dtype.
        The sound is kept.
        """
        old = self.info
        info = replace(old, width=width or old.width, height=height or old.height, dtype=dtype or takes or old.dtype)
        return type(self)(info, Map(self, make, takes), self.audio, self.runtime)

    def resample(
        self,
        make: Callable[[list[Any], int], Any] | None,
        needs: Callable[[int], Sequence[int]],
        info: VideoInfo,
        audio: Audio | None = None,
        *,
        takes: Depth | None = None,
    ) -> Video:
        """A video described by `info` whose frame k is `make([the frames needs(k) of this one], k)`.

        `make` is given frames of the video's own dtype, or of `takes`, and gives one of `info.dtype`. Without `make`,
        `needs(k)` names one frame, which is shown as it is. The sound is `audio`; without it there is none.
        """
        old = self.info
        if make is None and (old.width, old.height, old.dtype) != (info.width, info.height, info.dtype):
            raise ValueError("frames that are only chosen keep their size and dtype; give `make`, or `map` them")
        return Video(info, Resample(self, needs, make, takes), audio, self.runtime)

    def with_audio(self, audio: Audio | None) -> Video:
        """The same pictures with another sound."""
        return Video(self.info, self.made_by, audio, self.runtime)


class Image(Video):
    """A video of one frame. It wires into any video port."""

    __slots__ = ()

    @classmethod
    def from_frame(cls, frame: NDArray[Any]) -> Image:
        """The picture `[height, width, 3]`, uint8 or float32 in 0..1."""
        return cls.of(Video.from_array(frame[None], 1))

    @classmethod
    def of(cls, video: Video) -> Image:
        """The same one-frame video as an Image. Raises ValueError where it has more frames."""
        if video.info.frames != 1:
            raise ValueError(f"an Image is one frame, not {video.info.frames}")
        return cls(video.info, video.made_by, None, video.runtime)

    def numpy(self) -> NDArray[Any]:
        """The picture `[height, width, 3]`."""
        return next(self.read(0, 1)).numpy()[0]


AnyVideo = TypeVar("AnyVideo", bound=Video)
"""For a node that gives an Image for an Image and a Video for a Video: `def resize(video: AnyVideo) -> AnyVideo`."""


class _ArrayReader:
    """A cursor into frames that are in memory."""

    def __init__(self, frames: NDArray[Any]) -> None:
        self._frames = frames

    def read(self, start: int, stop: int) -> Frames:
        return Frames(self._frames[start:stop])

    def close(self) -> None:
        pass
