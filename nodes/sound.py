"""The sound of a video."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any, Literal

from vidflow.api import Audio, AudioReader, NodeError, Number, Video, media, node

from .timing import between, exact, trim

Seconds = Annotated[float, Number(0, unit="s")]


@node(title="Set audio", category="Sound", version=2)
def set_audio(
    video: Video,
    audio: Audio,
    *,
    mode: Literal["replace", "mix"] = "replace",
    gain_db: Annotated[float, Number(-60, 24, unit="dB")] = 0.0,
    start: Seconds = 0.0,
    fade_in: Seconds = 0.0,
    fade_out: Seconds = 0.0,
    length: Literal["video", "shortest", "loop"] = "video",
) -> Video:
    """Lay sound under a video, instead of its own or mixed with it.

    The sound begins `start` seconds into the video. `length`: `video` cuts it off with the picture or lets it end
    early, `shortest` ends the picture with it, `loop` repeats it to the end. The fades are at its two ends.
    """
    rate = audio.info.rate
    if mode == "mix" and video.audio is not None:
        audio = media.convert(audio, video.audio.info.rate, video.audio.info.layout)
        rate = audio.info.rate
    if not audio.info.samples:
        raise NodeError("the sound is empty; choose another file.")
    delay = round(exact(start) * rate)
    room = round(video.info.duration * rate) - delay
    if room <= 0:
        raise NodeError(f"start is {start:g} s, but the video ends after {float(video.info.duration):.3f} s.")
    if length == "loop" and audio.info.samples < room:
        audio = Audio.from_source(replace(audio.info, samples=room), lambda sound=audio: _Looped(sound))
    if length == "shortest" and audio.info.samples < room:
        begun = int(Fraction(delay, rate) * video.info.rate) + 1
        frames = max(begun, round(Fraction(delay + audio.info.samples, rate) * video.info.rate))
        video = trim(video, end=frames, unit="frames")
        room = round(video.info.duration * rate) - delay
    audio = audio.slice(0, min(audio.info.samples, room))
    level = 10 ** (gain_db / 20)
    if (level, fade_in, fade_out) != (1.0, 0.0, 0.0):
        fades = round(exact(fade_in) * rate), round(exact(fade_out) * rate)
        audio = Audio.from_source(audio.info, lambda sound=audio: _Shaped(sound, level, *fades))
    audio = between(audio.slice(-delay, audio.info.samples), Fraction(0), video.info.duration)
    if mode == "mix" and video.audio is not None:
        own = between(video.audio, Fraction(0), video.info.duration)
        audio = Audio.from_source(audio.info, lambda sounds=(own, audio): _Mixed(*sounds))
    return video.with_audio(audio)


class _Looped:
    """A sound again and again."""

    def __init__(self, sound: Audio) -> None:
        self._reader: AudioReader = sound.open()
        self._samples = sound.info.samples

    def read(self, start: int, stop: int) -> Any:
        import numpy as np

        count, first = self._samples, start % self._samples
        if first + stop - start <= count:
            return self._reader.read(first, first + stop - start)
        if stop - start >= count:
            return self._reader.read(0, count)[np.arange(start, stop) % count]
        return np.concatenate([self._reader.read(first, count), self._reader.read(0, first + stop - start - count)])

    def close(self) -> None:
        self._reader.close()


class _Shaped:
    """A sound with a gain, and linear fades at its two ends."""

    def __init__(self, sound: Audio, level: float, fade_in: int, fade_out: int) -> None:
        self._reader: AudioReader = sound.open()
        self._samples = sound.info.samples
        self._level, self._fade_in, self._fade_out = level, fade_in, fade_out

    def read(self, start: int, stop: int) -> Any:
        import numpy as np

        # Whole numbers: float32 cannot count the samples of more than six minutes.
        at = np.arange(start, stop)[:, None]
        gain = np.full(at.shape, self._level)
        if self._fade_in:
            gain *= np.clip(at / self._fade_in, 0, 1)
        if self._fade_out:
            gain *= np.clip((self._samples - at) / self._fade_out, 0, 1)
        return (self._reader.read(start, stop) * gain).astype(np.float32)

    def close(self) -> None:
        self._reader.close()


class _Mixed:
    """The sum of two sounds of one length."""

    def __init__(self, one: Audio, other: Audio) -> None:
        self._readers = one.open(), other.open()

    def read(self, start: int, stop: int) -> Any:
        one, other = self._readers
        return one.read(start, stop) + other.read(start, stop)

    def close(self) -> None:
        for reader in self._readers:
            reader.close()
