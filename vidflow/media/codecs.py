"""What each codec is written with: containers, encoder, pixel format, options, and the sizes it takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from vidflow.values import VideoInfo

# Its log goes past everything to the standard error stream, and only this turns it down to errors.
os.environ.setdefault("SVT_LOG", "1")

Codec = Literal["h264", "hevc", "av1", "prores", "ffv1", "webp", "gif"]
Dither = Literal["ordered", "diffused", "none"]
# FFmpeg allocates no more, and counts a margin.
_MOST_PIXELS = 2**28
_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a video is encoded. A codec takes of it what it has a use for.

    `quality` is a CRF as x264 counts it (0 to 51, 18 looks like the original); for each codec that means::

        h264    the CRF
        hevc    the CRF, the same number
        av1     the CRF of SVT-AV1, on the line through 0:1, 10:5, 14:10, 18:20, 23:35, 28:50, 33:63
        prores  the profile: 422 HQ up to 18, 422 up to 23, LT up to 28, Proxy above; 4444 where the width is odd
        webp    the quality on the line through 10:97, 18:92, 23:85, 28:57, 33:35, 51:1; 0 is lossless
        gif     colours: 256 up to 23, 128 up to 33, 64 above

    None is what the encoder does by itself; so is any for ffv1, which is lossless. The numbers were chosen on two real
    clips at `medium`: the PSNR of their luma is 42.8 and 47.4 dB by x264 at 18, 43.7 and 46.9 by x265, 43.3 and 46.4 by
    SVT-AV1; at 28 it is 35.9 and 40.7, 37.9 and 41.3, 37.8 and 38.9.

    `preset` trades speed for size: the presets of x264 and x265; of SVT-AV1 12 to 3 (`medium` is 7). `depth` is in bits
    a component: h264, webp and gif have 8, prores 10, hevc and av1 8 or where asked 10, ffv1 8, 10 or 16 (by default
    8 for a uint8 video and 16 for a float one). `encoder` may be NVENC for h264, hevc and av1. `dither` is for gif.
    """

    codec: Codec = "h264"
    quality: int | None = 18
    preset: str = "medium"
    depth: int | None = None
    encoder: Literal["software", "nvenc"] = "software"
    dither: Dither = "ordered"


@dataclass(frozen=True, slots=True)
class CodecInfo:
    """What is fixed for a codec. Width and height are from `smallest` to `largest` pixels."""

    suffixes: tuple[str, ...]
    depths: tuple[int, ...]
    smallest: int
    largest: tuple[int, int]
    part_format: str | None
    """The container of a part that can be joined; None where a file is written in one go."""
    reorders: bool = False
    """Whether frames lie in the file in another order than they are shown."""
    nvenc: bool = False
    fastest: int | None = None
    """Frames per second above which players show it too slowly; None where there is no such limit."""
    passes: int = 1
    """How often the video is read."""


CODECS: dict[Codec, CodecInfo] = {
    # Matroska parts lose the decoding times that B-frames need.
    "h264": CodecInfo((".mp4", ".mov", ".mkv"), (8,), 1, (16383, 16383), "mp4", True, True),
    # At a width of 16 x265 leans on memory that nobody wrote, and gives other bytes each time.
    "hevc": CodecInfo((".mp4", ".mov", ".mkv"), (8, 10), 32, (16384, 16384), "mp4", True, True),
    # Outside what its manual allows SVT-AV1 may wait for ever; at 17x65 it does.
    "av1": CodecInfo((".mp4", ".mkv", ".webm"), (8, 10), 64, (16384, 8704), "mp4", False, True),
    "prores": CodecInfo((".mov",), (10,), 1, (16384, 16384), "mov"),
    "ffv1": CodecInfo((".mkv",), (8, 10, 16), 1, (32767, 32767), "matroska"),
    "webp": CodecInfo((".webp",), (8,), 1, (16383, 16383), None, fastest=90),
    "gif": CodecInfo((".gif",), (8,), 1, (32767, 32767), None, fastest=50, passes=2),
}


def encoding_problem(info: VideoInfo, encoding: Encoding, suffix: str | None = None) -> str | None:
    """What keeps a video as `info` describes it from being written so (to a file that ends in `suffix`); one sentence,
    or None."""
    codec, about = encoding.codec, CODECS[encoding.codec]
    if suffix is not None and suffix.lower() not in about.suffixes:
        others = [name for name, other in CODECS.items() if suffix.lower() in other.suffixes]
        instead = f", or choose the codec {_listed(others)}" if others else ""
        return f"{codec} is written as {_listed(about.suffixes)}, not {suffix!r}; change the ending{instead}."
    if encoding.depth is not None and encoding.depth not in about.depths:
        others = [name for name, other in CODECS.items() if encoding.depth in other.depths]
        has = _listed([str(depth) for depth in about.depths])
        return (
            f"{codec} is written with {has} bits, not {encoding.depth}; leave depth out, or choose {_listed(others)}."
        )
    (widest, highest), least = about.largest, about.smallest
    if not (least <= info.width <= widest and least <= info.height <= highest):
        limits = f"from {least}x{least} to {widest}x{highest} pixels"
        return f"{codec} takes pictures {limits}, not {info.width}x{info.height}; resize them, or choose another codec."
    if (info.width + 128) * (info.height + 128) >= _MOST_PIXELS:
        return f"pictures of {info.width}x{info.height} are too large to be encoded; resize them."
    if encoding.encoder == "nvenc" and not about.nvenc:
        able = _listed([name for name, other in CODECS.items() if other.nvenc])
        return f"NVENC encodes {able}, not {codec}; choose one of them, or the encoder `software`."
    if encoding.encoder == "nvenc" and (info.width % 2 or info.height % 2):
        return (
            f"NVENC is used for even sizes only, not {info.width}x{info.height}; resize the video, or choose the "
            "encoder `software`."
        )
    return None


@dataclass(frozen=True, slots=True)
class Setup:
    """An encoder by its name in FFmpeg, its pixel format and its options.

    `tag` is the four letters for the codec in mp4, where FFmpeg's own are not what players look for.
    """

    name: str
    pixels: str
    options: dict[str, str]
    tag: str | None = None


def setup(info: VideoInfo, encoding: Encoding) -> Setup:
    """How the pictures of a video are encoded in parts."""
    odd = bool(info.width % 2 or info.height % 2)
    if encoding.encoder == "nvenc":
        return _nvenc(encoding)
    match encoding.codec:
        case "h264":
            return _x264(encoding, odd)
        case "hevc":
            return _x265(info, encoding, odd)
        case "av1":
            options = {"preset": str(_step(encoding, (12, 11, 10, 9, 8, 7, 5, 4, 3)))}
            if encoding.quality is not None:
                options["crf"] = str(svt_crf(encoding.quality))
            return Setup("libsvtav1", "yuv420p10le" if encoding.depth == 10 else "yuv420p", options)
        case "prores":
            return _prores(info, encoding)
        case _:
            return _ffv1(info, encoding)


def bits(info: VideoInfo, encoding: Encoding) -> int:
    """Bits a component of the pictures in the file."""
    if encoding.codec == "ffv1":
        return encoding.depth or (8 if info.dtype == "uint8" else 16)
    return encoding.depth or CODECS[encoding.codec].depths[0]


def svt_crf(quality: int) -> int:
    """The CRF of SVT-AV1 (1 to 63) that looks like x264's `quality`."""
    return _on_line(quality, [(0, 1), (10, 5), (14, 10), (18, 20), (23, 35), (28, 50), (33, 63)])


def webp_quality(quality: int) -> int:
    """The quality of WebP (1 to 100) that looks like x264's `quality`, 1 to 51."""
    return _on_line(quality, [(0, 100), (10, 97), (18, 92), (23, 85), (28, 57), (33, 35), (51, 1)])


def gif_colours(quality: int | None) -> int:
    """How many colours a gif has."""
    return 256 if quality is None or quality <= 23 else 128 if quality <= 33 else 64


def _on_line(at: int, line: Sequence[tuple[int, int]]) -> int:
    for (low, a), (high, b) in pairwise(line):
        if at <= high:
            return round(a + (b - a) * (at - low) / (high - low))
    return line[-1][1]


def _x264(encoding: Encoding, odd: bool) -> Setup:
    # The AVX-512 form of one step of x264's rate control reads memory that nobody wrote: at widths that are no multiple
    # of 128 the same frames gave other bytes each time, on one thread too. This asks for the form that is the same on
    # every processor, at no cost that could be measured.
    settings = ["cpu-independent=1"]
    if not odd:
        # H.264's number for the centre of the block.
        settings.append("chromaloc=1")
    options = {"preset": encoding.preset, "x264-params": ":".join(settings)}
    if encoding.quality is not None:
        options["crf"] = str(encoding.quality)
    return Setup("libx264", "yuv444p" if odd else "yuv420p", options)


def _x265(info: VideoInfo, encoding: Encoding, odd: bool) -> Setup:
    # The number of frames in work changes the result: a fixed one gives the same on every machine. Nothing is said on
    # the standard error stream, and nothing of the machine in the file.
    settings = ["open-gop=0", "frame-threads=2", "log-level=none", "info=0"]
    if not odd:
        settings.append("chromaloc=1")
    small = min(info.width, info.height)
    if small < 128:
        # In pictures of few blocks cutree writes past its tables, and with one block a side x265 reads what nobody
        # wrote.
        settings += ["cutree=0", f"ctu={32 if small >= 64 else 16}"]
    options = {"preset": encoding.preset, "x265-params": ":".join(settings)}
    if encoding.quality is not None:
        options["crf"] = str(encoding.quality)
    pixels = ("yuv444p" if odd else "yuv420p") + ("10le" if encoding.depth == 10 else "")
    # Apple's players open hvc1 only.
    return Setup("libx265", pixels, options, "hvc1")


def _prores(info: VideoInfo, encoding: Encoding) -> Setup:
    if info.width % 2:
        return Setup("prores_ks", "yuv444p10le", {"profile": "4444", "vendor": "apl0"})
    quality = encoding.quality or 0
    profile = next((name for top, name in ((18, "hq"), (23, "standard"), (28, "lt")) if quality <= top), "proxy")
    return Setup("prores_ks", "yuv422p10le", {"profile": profile, "vendor": "apl0"})


def _ffv1(info: VideoInfo, encoding: Encoding) -> Setup:
    # bgr0 is how FFV1 stores 8-bit RGB. Slices let it use several cores; each carries a checksum.
    pixels = {8: "bgr0", 10: "gbrp10le", 16: "gbrp16le"}[bits(info, encoding)]
    slices = "16" if min(info.width, info.height) >= 4 else "1"
    return Setup("ffv1", pixels, {"level": "3", "g": "1", "slices": slices, "slicecrc": "1"})


def _nvenc(encoding: Encoding) -> Setup:
    options = {"preset": f"p{_step(encoding, (1, 1, 2, 2, 3, 4, 5, 6, 7))}", "forced-idr": "1"}
    if encoding.quality is not None:
        options |= {"rc": "vbr", "cq": str(max(1, encoding.quality)), "b": "0"}
    tag = "hvc1" if encoding.codec == "hevc" else None
    return Setup(f"{encoding.codec}_nvenc", "p010le" if encoding.depth == 10 else "yuv420p", options, tag)


def _step(encoding: Encoding, steps: tuple[int, ...]) -> int:
    return steps[_PRESETS.index(encoding.preset)]


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
