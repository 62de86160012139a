"""Small films and sounds made of numbers, and what one finds when one looks at them."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vidflow.api import Audio, Image, Video, VideoInfo, media

SAMPLES = 48000


def sound(samples: int, rate: int = SAMPLES, channels: int = 2, *, first: int = 1) -> Audio:
    """A sound whose samples are all different, and none of them silence: exact in float32 up to 2**22 of them."""
    steps = np.arange(first, first + samples * channels, dtype=np.float64).reshape(samples, channels)
    return Audio.from_array((steps / 2**23).astype(np.float32), rate)


def film(
    frames: int = 10,
    width: int = 16,
    height: int = 12,
    rate: Fraction | int = 25,
    *,
    seed: int = 0,
    deep: bool = False,
    audio: Audio | None = None,
    silent: bool = False,
) -> Video:
    """Noise, with a sound as long as the picture unless another is given (or it is to be silent)."""
    chance = np.random.default_rng(seed)
    pictures = chance.integers(0, 256, (frames, height, width, 3), np.uint8)
    shown = (pictures / np.float32(255)).astype(np.float32) if deep else pictures
    if audio is None and not silent:
        audio = sound(round(frames / Fraction(rate) * SAMPLES), first=1 + 10**5 * seed)
    return Video.from_array(shown, Fraction(rate), audio)


def picture(width: int = 16, height: int = 12, *, seed: int = 0, deep: bool = False) -> Image:
    """An image of noise."""
    return Image.of(film(1, width, height, 1, seed=seed, deep=deep, silent=True))


def gradient(width: int = 32, height: int = 24, frames: int = 5, rate: int = 25) -> Video:
    """Smooth colours that move: what a lossy encoder keeps nearly as it was."""
    y, x, k = np.mgrid[0:height, 0:width, 0:frames].astype(np.float64)
    channels = [np.sin((x + 2 * k) / width * 3), np.cos(y / height * 3), np.sin((x + y) / (width + height) * 3 + k / 5)]
    pictures = np.rint(np.stack(channels, axis=-1).transpose(2, 0, 1, 3) * 90 + 128).astype(np.uint8)
    return Video.from_array(pictures, rate)


def tone(samples: int, rate: int = SAMPLES, pitch: float = 440.0) -> Audio:
    """A sine in stereo, the right side softer."""
    wave_form = np.sin(np.arange(samples) * (2 * np.pi * pitch / rate))
    return Audio.from_array(np.stack([wave_form * 0.5, wave_form * 0.25], axis=1).astype(np.float32), rate)


def pixels(video: Video, start: int = 0, stop: int | None = None) -> np.ndarray:
    """The frames of a range as one array."""
    return np.concatenate([frames.numpy() for frames in video.read(start, stop)])


def samples(video: Video) -> np.ndarray:
    """All of a video's sound."""
    assert video.audio is not None
    assert video.info.audio == video.audio.info
    return video.audio.read()


def padded(array: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Samples `start` to `stop`, silence where there are none."""
    out = np.zeros((stop - start, array.shape[1]), np.float32)
    low, high = max(start, 0), min(stop, len(array))
    if low < high:
        out[low - start : high - start] = array[low:high]
    return out


def write_film(path: Path, video: Video, **encoding: Any) -> Path:
    """A file of this video and its sound; without loss unless told otherwise."""
    settings = media.Encoding(**{"codec": "ffv1", **encoding})
    part = path.with_name(f"{path.name}.part")
    with media.PartWriter(part, video.info, settings) as writer:
        for frames in video.read():
            writer.write(frames)
    media.join([part], path, video.info, settings, video.audio)
    part.unlink()
    return path


def write_picture(path: Path, image: Image) -> Path:
    """A PNG of this image, written by OpenCV alone."""
    assert cv2.imwrite(str(path), image.numpy()[..., ::-1])
    return path


def write_wave(path: Path, whole: np.ndarray, rate: int = SAMPLES) -> Path:
    """A WAV file of these int16 samples `[n, channels]`, written by the standard library."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(whole.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(whole.astype("<i2").tobytes())
    return path


def info(width: int, height: int, rate: Fraction | int, frames: int, **more: Any) -> VideoInfo:
    """A `VideoInfo` in fewer words."""
    return VideoInfo(width, height, Fraction(rate), frames, **more)
