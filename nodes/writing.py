"""Files out: video, image, report. A file appears under its name only when it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Annotated, Literal

from vidflow.api import Frames, Image, NodeError, Number, OutputFile, Report, Run, Video, media, node

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
PART_SECONDS = 10


@node(title="Save video", category="Output", sink=True)
def save_video(
    video: Video,
    *,
    path: Annotated[str, OutputFile((".mp4", ".mov", ".mkv"))],
    codec: Literal["h264", "ffv1"] = "h264",
    quality: Annotated[int, Number(0, 51)] = 18,
    preset: Preset = "medium",
    run: Run,
) -> str:
    """Write a video file with its sound.

    `quality` is the constant rate factor: 18 looks like the original, 28 is small. `ffv1` (.mkv) is lossless: its
    frames read back bit for bit. The film is encoded in parts of about ten seconds, so that a run that was killed goes
    on where it was.
    """
    info = video.info
    encoding = media.Encoding(codec, quality, preset)
    if Path(path).suffix.lower() not in media.suffixes(codec):
        raise NodeError(f"{codec} is written as {' or '.join(media.suffixes(codec))}, not {Path(path).suffix}.")
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
        media.join(parts, target, info, encoding, video.audio)
    return path


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
