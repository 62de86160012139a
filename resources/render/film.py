"""Pictures and sound into the small files that vidflow ships."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.container import OutputContainer


def write_film(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    rate: Fraction,
    sound: NDArray[np.float32] | None,
    pitch: int,
    crf: float,
) -> None:
    """H.264 and AAC in an MP4; `pitch` is the sound's samples per second, where there is sound."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        picture = out.add_stream("libx264", rate=rate)
        # One thread, so that the same bytes come out on any machine.
        picture.options = {"crf": str(crf), "preset": "slower", "threads": "1", "x264-params": X264}
        voice = None
        if sound is not None:
            voice = out.add_stream("aac", rate=pitch, layout="stereo")
            voice.bit_rate = 112_000
        for k, frame in enumerate(frames):
            if k == 0:
                picture.height, picture.width = frame.shape[:2]
                picture.pix_fmt = "yuv420p"
                context = picture.codec_context
                context.color_range = ColorRange.MPEG
                context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709
            whole = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            whole.pts = k
            whole.time_base = 1 / rate
            out.mux(picture.encode(whole))
        out.mux(picture.encode())
        if voice is not None and sound is not None:
            _sing(out, voice, sound, pitch)


def write_sound(path: Path, sound: NDArray[np.float32], pitch: int) -> None:
    """AAC in an M4A."""
    with av.open(str(path), "w", format="ipod", options={"movflags": "+faststart"}) as out:
        voice = out.add_stream("aac", rate=pitch, layout="stereo")
        voice.bit_rate = 128_000
        _sing(out, voice, sound, pitch)


def write_still(path: Path, picture: NDArray[np.uint8]) -> None:
    """PNG or JPEG by the name."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_OPTIMIZE, 1] if path.suffix == ".jpg" else []
    done, data = cv2.imencode(path.suffix, np.ascontiguousarray(picture[..., ::-1]), [*options])
    if not done:
        raise OSError(f"{path} could not be written")
    path.write_bytes(data.tobytes())


# Even shading is where H.264 shows steps: give it more bits, and keep the grain that hides them. Without mbtree, as its
# AVX-512 code gives other bytes each time where the width is no multiple of 128.
X264 = (
    "aq-mode=3:aq-strength=0.9:deblock=-1,-1:psy-rd=0.9,0.1:keyint=50:mbtree=0:"
    "colorprim=bt709:transfer=bt709:colormatrix=bt709"
)


def _sing(out: OutputContainer, voice: av.AudioStream, sound: NDArray[np.float32], pitch: int) -> None:
    size = 1024
    for start in range(0, len(sound), size):
        block = np.ascontiguousarray(sound[start : start + size].T)
        frame = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
        frame.rate = pitch
        frame.pts = start
        frame.time_base = Fraction(1, pitch)
        out.mux(voice.encode(frame))
    out.mux(voice.encode())
