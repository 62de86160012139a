"""What a person should know of a video file that is not as plain as it looks, one sentence for each thing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction

from av.container import InputContainer
from av.video.stream import VideoStream

from vidflow.media.index import FrameIndex, PacketTable
from vidflow.media.probe import MediaInfo, PictureInfo, picture_streams
from vidflow.media.timing import Conformed
from vidflow.values import Audio

_OPEN_ENDED = frozenset({"gif", "apng", "ogg"})
"""These containers never say how long they are."""
_MISSED = Fraction(1, 2)
"""Seconds of picture or sound: a person would notice that so much is not there."""


class Remarks:
    """Passes on what is said of one file, each kind of thing once, whichever thread meets it first."""

    def __init__(self, note: Callable[[str], None] | None) -> None:
        self._note = note
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def say(self, kind: str, text: str) -> None:
        """Say `text`, unless something of this kind was said before."""
        if self._note is None or kind in self._said:
            return
        with self._lock:
            if kind in self._said:
                return
            self._said.add(kind)
        self._note(text)


def look_over(
    say: Callable[[str, str], None],
    about: MediaInfo,
    found: InputContainer,
    stream: VideoStream,
    tables: list[PacketTable],
    index: FrameIndex,
    timing: Conformed,
    audio: Audio | None,
) -> None:
    """Say what there is to say of a file that was opened; nothing of an ordinary one.

    `stream` is the one that is shown, `tables` are the packets that were read, its own first.
    """
    assert about.picture is not None
    _picture(say, about.picture)
    _streams(say, found, stream, timing, audio)
    _times(say, about, index, timing)
    _damage(say, about, stream, tables, index, len(found.streams))


def _picture(say: Callable[[str, str], None], picture: PictureInfo) -> None:
    if picture.transfer in ("smpte2084", "arib-std-b67"):
        name = "PQ" if picture.transfer == "smpte2084" else "HLG"
        say("range", f"This video is of high dynamic range ({name}); it is tone mapped to sRGB.")
    if picture.transparent:
        say("alpha", "This video has transparent parts; transparency is dropped, the colours below it are shown.")
    if picture.sample_aspect != 1:
        ratio = f"{picture.sample_aspect.numerator}:{picture.sample_aspect.denominator}"
        width = round(picture.width * picture.sample_aspect)
        width, height = (picture.height, width) if picture.turn.transposed else (width, picture.height)
        say(
            "aspect",
            f"The pixels of this video are not square ({ratio}) and are kept as they are; resize it to "
            f"{width}x{height} to see it in proportion.",
        )


def _streams(
    say: Callable[[str, str], None], found: InputContainer, stream: VideoStream, timing: Conformed, audio: Audio | None
) -> None:
    pictures = len(picture_streams(found))
    if pictures > 1:
        context = stream.codec_context
        say(
            "streams",
            f"This file holds {pictures} videos; stream {stream.index}, of {context.width}x{context.height}, is used.",
        )
    length = timing.frames / timing.rate
    if audio is None:
        if found.streams.audio:
            say("sound", "The sound of this file cannot be read; the video is silent.")
    elif length - audio.info.duration > max(_MISSED, length / 50):
        missing = _seconds(length - audio.info.duration)
        say("sound", f"The sound ends after {_seconds(audio.info.duration)}, {missing} before the picture.")


def _times(say: Callable[[str, str], None], about: MediaInfo, index: FrameIndex, timing: Conformed) -> None:
    if timing.variable:
        gaps = (index.times[1:] - index.times[:-1]).astype(float) * float(index.time_base)
        say(
            "rate",
            f"This video has a variable rate, {1 / gaps.max():.4g} to {1 / gaps.min():.4g} frames a second; it is "
            f"brought to a constant {_rate(timing.rate)}, {timing.frames} frames from {len(index)}.",
        )
    if timing.missing:
        say(
            "missing",
            f"{timing.missing} of this video's {timing.frames} frames are missing from the file; the frame before is "
            "shown for each.",
        )
    if about.duration is None and len(index) > 1 and not _OPEN_ENDED & set(about.container.split(",")):
        say(
            "duration",
            f"This file does not say how long it is; {len(index)} frames were found."
            if index.timed
            else f"This file holds pictures without their times; {_rate(timing.rate)} frames a second are assumed.",
        )


def _damage(
    say: Callable[[str, str], None],
    about: MediaInfo,
    stream: VideoStream,
    tables: list[PacketTable],
    index: FrameIndex,
    streams: int,
) -> None:
    packets = len(tables[0])
    if "mov" in about.container and stream.frames - packets > max(2, stream.frames // 100):
        say("broken", f"This file breaks off: of the {stream.frames} frames that it announces, {packets} can be read.")
        return
    length = about.duration or Fraction(0)
    if about.container == "avi" and stream.average_rate:
        # It counts dropped frames as well; how long it is, is reckoned from what is there.
        length = max(length, stream.frames / stream.average_rate)
    held = (index.end - int(index.times[0])) * index.time_base
    ends = [held, *((int(table.pts.max()) - table.start) * table.time_base for table in tables[1:] if len(table))]
    # A container is as long as its longest stream; of one that was not read nothing is known.
    short = streams == len(tables) and length - max(ends) > _MISSED
    if short or any(table.broken for table in tables):
        said = f" of {_seconds(length)}" if short else ""
        say("broken", f"This file breaks off or is damaged: pictures for {_seconds(held)}{said} can be read.")


def _seconds(time: Fraction) -> str:
    return f"{float(time):.4g} s"


def _rate(rate: Fraction) -> str:
    return str(rate.numerator) if rate.denominator == 1 else f"{float(rate):.5g}"
