"""Files out: video, image, report. A file appears under its name only when it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Annotated, Literal

from vidflow.api import Audio, Frames, Image, NodeError, Number, OutputFile, Report, Run, Video, media, node

Codec = Literal["h264", "hevc", "av1", "prores", "ffv1", "webp", "gif"]
Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
PART_SECONDS = 10


@node(title="Save video", category="Output", sink=True, version=2)
def save_video(
    video: Video,
    *,
    path: Annotated[str, OutputFile((".mp4", ".mov", ".mkv", ".webm", ".webp", ".gif"))],
    codec: Codec = "h264",
    quality: Annotated[int | None, Number(0, 51)] = 18,
    preset: Preset = "medium",
    depth: Literal[8, 10, 16] | None = None,
    encoder: Literal["software", "nvenc"] = "software",
    dither: Literal["ordered", "diffused", "none"] = "ordered",
    embed_graph: bool = True,
    run: Run,
) -> str:
    """Write a video file with its sound.

    `h264` (.mp4 .mov .mkv) plays everywhere. `hevc` (the same) is smaller and slower, `av1` (.mp4 .mkv .webm) the
    smallest, for newer players. `prores` (.mov) is for other editors: 10 bits, 422 HQ. `ffv1` (.mkv) is lossless: its
    frames read back bit for bit. `webp` and `gif` are animations without sound that repeat for ever.

    `quality` is a constant rate factor as x264 counts it, for every codec: 18 looks like the original, 28 is small;
    left empty, the encoder chooses. Of ProRes it chooses the profile (HQ up to 18, 422 up to 23, LT up to 28, Proxy
    above), of webp the quality (0 is lossless), of gif the number of colours (256 up to 23, 128 up to 33, 64
    above). `preset` trades speed for size in h264, hevc and av1. `depth` is in bits: h264, webp and gif have 8,
    prores has 10, hevc and av1 take 8 or 10, ffv1 8, 10 or 16 (empty: 8, ffv1 16 for a video of floats). `encoder`
    nvenc uses an NVIDIA GPU for h264, hevc and av1. `dither` is how gif mixes its colours: an `ordered` pattern
    stands still, `diffused` is finer and flickers.

    The sound becomes AAC, in WebM Opus, beside ProRes PCM of 24 bits, beside ffv1 float samples; it is cut or filled
    with silence to end with the picture. With `embed_graph` the file carries the graph that made it, and what
    was used for it: versions, models, the device.

    The film is encoded in parts of about ten seconds, so that a run that was killed goes on where it was; a webp or gif
    is started anew.
    """
    encoding = media.Encoding(codec, quality, preset, depth, encoder, dither)
    about = media.CODECS[codec]
    wrong = media.encoding_problem(video.info, encoding, Path(path).suffix) or media.unavailable(video.info, encoding)
    if wrong:
        raise NodeError(wrong)
    if about.part_format is None:
        _save_animation(video, path, encoding, about, embed_graph, run)
        return path
    info = video.info
    length = max(1, ceil(PART_SECONDS * info.rate))
    frames = _Frames(video)
    parts: list[Path] = []
    for number, start in enumerate(range(0, info.frames, length)):
        stop = min(start + length, info.frames)

        def encode(target: Path, start: int = start, stop: int = stop) -> None:
            with media.PartWriter(target, info, encoding) as writer:
                for batch in frames.between(start, stop):
                    writer.write(batch)
                    run.step(frames.at, info.frames)

        parts.append(run.part(f"{number:05}", encode))
    with run.output(path) as target:
        media.join(parts, target, info, encoding, _ending_with(video), _carried(embed_graph, target, run))
    return path


def _save_animation(
    video: Video, path: str, encoding: media.Encoding, about: media.CodecInfo, embed_graph: bool, run: Run
) -> None:
    if video.audio is not None:
        run.note(f"A {encoding.codec} has no sound; that of the video is left out.")
    if about.fastest is not None and video.info.rate > about.fastest:
        run.note(
            f"Players show a {encoding.codec} of more than {about.fastest} frames per second slowly, so this one of "
            f"{float(video.info.rate):g} is written with {about.fastest}."
        )
        video = _slower(video, Fraction(about.fastest))
    info, done = video.info, 0

    def read() -> Iterator[Frames]:
        nonlocal done
        for batch in video.read():
            yield batch
            done += len(batch)
            run.step(done, info.frames * about.passes)

    with run.output(path) as target:
        media.write_animation(target, info, encoding, read, _carried(embed_graph, target, run))


def _slower(video: Video, rate: Fraction) -> Video:
    """The video at a lower `rate`: of its frames, those that show when a frame of the result begins."""
    info = video.info
    step = info.rate / rate
    return video.resample(None, lambda k: (int(k * step),), replace(info, rate=rate, frames=ceil(info.frames / step)))


def _ending_with(video: Video) -> Audio | None:
    """The sound, cut or filled with silence to end with the picture."""
    if video.audio is None:
        return None
    samples = round(video.info.duration * video.audio.info.rate)
    return video.audio if video.audio.info.samples == samples else video.audio.slice(0, samples)


def _carried(embed_graph: bool, target: Path, run: Run) -> dict[str, str]:
    """What is written into the file beside pictures and sound."""
    text = run.document(target) if embed_graph else None
    if text is None:
        return {}
    made = run.provenance()
    return {"vidflow": text} if made is None else {"vidflow": text, "vidflow_made": made}


class _Frames:
    """A video's frames in order: going on from one part to the next costs no seek."""

    def __init__(self, video: Video) -> None:
        self._video = video
        self._batches: Iterator[Frames] = iter(())
        self._rest: Frames | None = None
        self.at = 0

    def between(self, start: int, stop: int) -> Iterator[Frames]:
        """Frames `start` to `stop`, in batches."""
        if start != self.at or start == 0:
            self._batches, self._rest, self.at = self._video.read(start), None, start
        while self.at < stop:
            batch = self._rest or next(self._batches)
            self._rest = batch[stop - self.at :] if len(batch) > stop - self.at else None
            batch = batch[: stop - self.at]
            self.at += len(batch)
            yield batch


@node(title="Save image", category="Output", sink=True)
def save_image(
    image: Image,
    *,
    path: Annotated[str, OutputFile((".png", ".jpg", ".jpeg", ".webp"))],
    quality: Annotated[int, Number(1, 100)] = 95,
    run: Run,
) -> str:
    """Write a picture as PNG (16 bits where it is float), JPEG or WebP; `quality` is for the last two."""
    with run.output(path) as target:
        media.write_image(target, image.numpy(), quality)
    return path


@node(title="Save report", category="Output", sink=True)
def save_report(report: Report, *, path: Annotated[str, OutputFile((".json",))], run: Run) -> str:
    """Write a report as JSON."""
    with run.output(path) as target:
        target.write_text(json.dumps(dict(report), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path
