"""Joining encoded parts and a sound into one file, without encoding the pictures again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from vidflow.errors import MediaError
from vidflow.media.codecs import CODECS, Encoding, encoding_problem
from vidflow.media.container import open_input, reporting
from vidflow.media.probe import picture_stream
from vidflow.media.soundtrack import SoundTrack, sound_coding
from vidflow.values import Audio, VideoInfo

_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
# What an mp4 file has a box of its own for; other keys need the freer kind of metadata.
_MP4_KEYS = frozenset({"title", "artist", "album", "comment", "copyright", "date", "description", "genre", "synopsis"})


def join(
    parts: Sequence[Path],
    target: Path,
    info: VideoInfo,
    encoding: Encoding,
    audio: Audio | None = None,
    metadata: Mapping[str, str] | None = None,
    suffix: str | None = None,
) -> None:
    """Write the `parts`, one after the other and without encoding them again, and `audio` to `target`.

    The container follows from `suffix`, by default that of `target`. Frame k is at exactly k / rate (Matroska and WebM
    round to milliseconds). For the sound see `sound_coding`. Holds no more than a few packets at a time. Raises
    MediaError where a part is damaged or `target` cannot be written.
    """
    kind = (suffix or target.suffix).lower()
    wrong = encoding_problem(info, encoding, kind)
    if wrong:
        raise MediaError(target, wrong)
    notes = dict(metadata or {})
    with ExitStack() as stack:
        first = stack.enter_context(open_input(parts[0]))
        template = picture_stream(first)
        if template is None:
            raise MediaError(parts[0], "this part holds no pictures.")
        stack.enter_context(reporting(target, "cannot be written"))
        out = av.open(str(target.absolute()), "w", format=_FORMATS[kind], container_options=_options(kind, notes))
        stack.callback(out.close)
        out.metadata.update(notes)
        stream = out.add_stream_from_template(template, opaque=True)
        if kind in (".mp4", ".mov"):
            # The tag tells hvc1 from hev1, and the profiles of ProRes from each other; FFmpeg would choose anew.
            stream.codec_context.codec_tag = template.codec_context.codec_tag
        delay = template.codec_context.reorder_depth if CODECS[encoding.codec].reorders else 0
        track = None
        if audio is not None and audio.info.samples:
            track = stack.enter_context(SoundTrack(out, audio, sound_coding(encoding.codec, kind)))
        for packet, at in _packets(parts, info, delay):
            packet.stream = stream
            if track:
                track.encode_until(at)
            out.mux(packet)
        if track:
            track.finish()


def _options(kind: str, notes: Mapping[str, str]) -> dict[str, str]:
    if kind in (".mkv", ".webm"):
        # Without this a random number goes into each file.
        return {"fflags": "+bitexact"}
    return {"movflags": "+faststart" if notes.keys() <= _MP4_KEYS else "+faststart+use_metadata_tags"}


def _packets(parts: Sequence[Path], info: VideoInfo, delay: int) -> Iterator[tuple[Packet[VideoStream], Fraction]]:
    """Every packet with its times in the whole, and that time in seconds.

    Packets come in the order of decoding, so the decoding time of the n-th is n less the delay that reordering needs;
    that of a part alone would depend on how short it is.
    """
    tick = 1 / info.rate
    number = start = 0
    for path in parts:
        with open_input(path) as found:
            stream = picture_stream(found)
            if stream is None:
                raise MediaError(path, "this part holds no pictures.")
            for packet in found.demux(stream):
                if not packet.size:
                    continue
                if packet.pts is None:
                    raise MediaError(path, "this part is damaged: a frame of it has no time.")
                own = number - start if delay == 0 else round(packet.pts * packet.time_base * info.rate)
                packet.time_base = tick
                packet.pts, packet.dts, packet.duration = start + own, number - delay, 1
                yield packet, (number - delay) * tick
                number += 1
        start = number
    if number != info.frames:
        raise MediaError(parts[-1], f"the parts hold {number} frames, expected {info.frames}.")
