"""The sound of a file that is being written, encoded as its container wants it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer

from vidflow.media.codecs import Codec
from vidflow.media.resample import convert
from vidflow.values import Audio, AudioReader

_STEP = 1024
"""Samples that are encoded at once: the length of an AAC frame."""


@dataclass(frozen=True, slots=True)
class SoundCoding:
    """An encoder of FFmpeg with what it takes. Empty `rates` or `layouts` are any; `bits` per second by layout."""

    name: str
    format: str
    rates: frozenset[int] = frozenset()
    bits: dict[str, int] | None = None


_AAC = SoundCoding(
    "aac",
    "fltp",
    frozenset({96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}),
    {"mono": 96_000, "stereo": 192_000, "5.1": 384_000, "7.1": 512_000},
)
_OPUS = SoundCoding(
    "libopus", "flt", frozenset({48000}), {"mono": 96_000, "stereo": 160_000, "5.1": 384_000, "7.1": 512_000}
)


def sound_coding(codec: Codec, suffix: str) -> SoundCoding:
    """How sound is written beside pictures of `codec` into a file that ends in `suffix`.

    Beside ffv1 it stays float samples; beside ProRes it is PCM of 24 bits; in WebM, and beside av1 in Matroska, Opus;
    AAC otherwise. AAC and Opus have mono, stereo, 5.1 and 7.1; what they do not take is converted to what is nearest.
    """
    if codec == "ffv1":
        return SoundCoding("pcm_f32le", "flt")
    if codec == "prores":
        return SoundCoding("pcm_s24le", "s32")
    return _OPUS if suffix == ".webm" or (codec, suffix) == ("av1", ".mkv") else _AAC


class SoundTrack:
    """The sound of a file while it is being written: encoded as far as the pictures have come."""

    def __init__(self, out: OutputContainer, audio: Audio, coding: SoundCoding) -> None:
        self._out = out
        self._audio = _fitting(audio, coding)
        self._layout = self._audio.info.layout
        self._format = coding.format
        self._at = 0
        stream = out.add_stream(coding.name, rate=self._audio.info.rate)
        assert isinstance(stream, AudioStream)
        self._stream = stream
        context = stream.codec_context
        # The stub knows these only as what a reader gets.
        settable: Any = context
        settable.layout, settable.format = self._layout, self._format
        context.time_base = Fraction(1, self._audio.info.rate)
        if coding.bits:
            context.bit_rate = coding.bits[self._layout]

    def __enter__(self) -> Self:
        self._reader: AudioReader = self._audio.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def encode_until(self, seconds: Fraction) -> None:
        """Encode what sounds before `seconds`."""
        info = self._audio.info
        while self._at < info.samples and self._at < seconds * info.rate:
            stop = min(self._at + _STEP, info.samples)
            samples = self._reader.read(self._at, stop)
            if self._format == "s32":
                # 24 bits, at the upper end of each word.
                steps = np.rint(np.nan_to_num(samples).astype(np.float64) * 2**23)
                samples = steps.clip(-(2**23), 2**23 - 1).astype(np.int32) << 8
            # Always packed, also for AAC: PyAV cannot make a planar frame of eight channels.
            form = "s32" if self._format == "s32" else "flt"
            frame = AudioFrame.from_ndarray(samples.reshape(1, -1).copy(), format=form, layout=self._layout)
            frame.sample_rate, frame.time_base, frame.pts = info.rate, Fraction(1, info.rate), self._at
            self._out.mux(self._stream.encode(frame))
            self._at = stop

    def finish(self) -> None:
        """Encode the rest."""
        self.encode_until(self._audio.info.duration + 1)
        self._out.mux(self._stream.encode())


def _fitting(audio: Audio, coding: SoundCoding) -> Audio:
    """`audio` at the rate and in the layout, of those that the encoder takes, that are nearest."""
    info = audio.info
    rate = info.rate if not coding.rates or info.rate in coding.rates else 48000
    if coding.bits is None or info.layout in coding.bits:
        return convert(audio, rate, info.layout)
    if info.channels == 1:
        return convert(audio, rate, "mono")
    for surround, starts in (("7.1", "7."), ("5.1", ("5.", "6."))):
        if info.layout.startswith(starts):
            return convert(audio, rate, surround)
    return convert(audio, rate, "stereo")
