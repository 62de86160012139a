"""Still pictures in and out of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.container import open_input, reporting
from vidflow.media.depth import from_uint16, to_steps, to_uint8
from vidflow.media.mending import ended_jpeg, mended_png
from vidflow.media.still import Still, is_whole, recognised
from vidflow.values import Image

WRITABLE = (".png", ".jpg", ".jpeg", ".webp")
MOST_PIXELS = 2**28
"""A larger picture is refused before it is decoded: 16384 x 16384, which is 0.8 GB of 8-bit RGB."""
_MOST_DAMAGED = 2**25
"""Pixels of a damaged picture that something is made of: a little more than 8K."""
_EXPECTED = "expected for example PNG, JPEG, WebP or TIFF."
# What OpenCV reads, and reads rightly. FFmpeg's name of the decoder for the others, and for those that are damaged.
_BY_OPENCV = frozenset({"png", "jpeg", "webp", "bmp", "tiff", "pnm", "pfm", "hdr", "jp2", "avif"})
_DECODERS = {"jpeg": "mjpeg", "tga": "targa", "jp2": "jpeg2000", "pnm": "ppm"}
_IN_CONTAINERS = frozenset({"gif", "ico", "avif"})
BACK = {6: 8, 8: 6}
"""The orientations that another one undoes; the rest undo themselves."""
_LINEAR = frozenset({"hdr", "exr"})
_PADDED = frozenset({"webp", "bmp", "pnm", "pfm", "pam", "hdr", "tga", "pcx", "sgi", "dpx"})
"""A file of these that is cut off can be read once it is filled up with zeros."""

# What is wrong with a file is told as a MediaError; OpenCV would write it to the terminal besides.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def open_image(path: Path, note: Callable[[str], None] | None = None) -> Image:
    """The picture in the file at `path`, turned as it asks (EXIF).

    PNG, JPEG, WebP, AVIF, BMP, TIFF, GIF (its first picture), JPEG 2000, JPEG-LS, PNM, PAM, PFM, TGA, ICO (the
    largest), Radiance HDR, OpenEXR, QOI, PCX, SGI, Sun raster, DPX.

    uint8; float32 in 0..1 where the file has more than 8 bits. HDR and OpenEXR hold linear light, which is given the
    curve of sRGB (IEC 61966-2-1) and cut off at 1. Transparency is dropped and leaves the colours as they are
    stored. `note` is told of what is lost. Raises MediaError where the file is missing, holds no picture, or one of
    over `MOST_PIXELS`.
    """
    return Image.from_frame(read_image(path, note))


def read_image(path: Path, note: Callable[[str], None] | None = None) -> NDArray[Any]:
    """The pixels `[height, width, 3]` that `open_image` gives."""
    with reporting(path):
        if path.is_dir():
            raise MediaError(path, "this is a folder; expected a picture.")
        data = path.read_bytes() if path.exists() else None
    if data is None:
        raise MediaError(path, "there is no such file.")
    still = recognised(data, path.name)
    if still is None:
        raise MediaError(path, f"this is no picture that can be read; {_EXPECTED}")
    check_size(path, still.width, still.height)
    told = note or (lambda _: None)
    pixels = _decoded(path, data, still) if is_whole(data, still) else None
    if pixels is None:
        pixels = _damaged(path, data, still)
        told(f"{path.name} is damaged or cut off; what could be read of it is shown.")
    return _finished(pixels, still, path.name, told)


def check_size(path: Path, width: int, height: int, most: int = MOST_PIXELS) -> None:
    """Raises MediaError for a picture of over `most` pixels."""
    if width * height > most:
        raise MediaError(
            path, f"it says that it is of {width}x{height}; at most {most // 10**6} million pixels can be read."
        )


def write_image(path: Path, frame: NDArray[Any], quality: int = 95) -> None:
    """Write `frame` `[h, w, 3]` (uint8, or float32 in 0..1) to `path`, whose suffix says how: one of `WRITABLE`.

    A float frame gives a 16-bit PNG; elsewhere it is rounded to 8 bits. `quality` (1 to 100) is that of JPEG and
    WebP. Raises MediaError for another suffix, or where the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise MediaError(path, f"pictures are not written as {suffix or 'a file without suffix'}; use .png or .jpg.")
    deep = frame.dtype != np.uint8 and suffix == ".png"
    pixels = to_steps(frame, 16) if deep else to_uint8(frame)
    settings = {".webp": cv2.IMWRITE_WEBP_QUALITY, ".png": None}.get(suffix, cv2.IMWRITE_JPEG_QUALITY)
    try:
        good, data = cv2.imencode(suffix, pixels[..., ::-1], [settings, quality] if settings is not None else [])
    except cv2.error as error:
        raise MediaError(path, f"this picture of {frame.shape[1]}x{frame.shape[0]} cannot be written.") from error
    if not good:
        raise MediaError(path, f"this picture of {frame.shape[1]}x{frame.shape[0]} cannot be written.")
    with reporting(path, "cannot be written"):
        path.write_bytes(data.tobytes())


def _decoded(path: Path, data: bytes, still: Still) -> NDArray[Any] | None:
    """The picture as stored, `[h, w, 3 or 4]` in RGB(A): uint8, uint16 or float32. None where it is not whole."""
    # OpenCV multiplies the colours of a TIFF with its alpha.
    if still.kind in _BY_OPENCV and not (still.kind == "tiff" and still.alpha):
        found = by_opencv(data, still)
        if found is not None:
            return found
        if still.kind == "jpeg" and not data.rstrip(b"\0").endswith(b"\xff\xd9"):
            # FFmpeg would read a file that breaks off without a word.
            return None
    try:
        return _by_ffmpeg(path, data, still)
    except FFmpegError:
        return by_opencv(data, still) if still.kind == "tiff" else None


def by_opencv(data: bytes, still: Still) -> NDArray[Any] | None:
    """The picture in `data` as OpenCV decodes it, `[h, w, 3 or 4]` in RGB(A), not turned; None where it cannot."""
    array = np.frombuffer(data, np.uint8)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    for flag in (cv2.IMREAD_UNCHANGED,) if still.alpha else (flags, cv2.IMREAD_UNCHANGED):
        try:
            found = cv2.imdecode(array, flag)
        except cv2.error:
            continue
        if found is not None:
            break
    else:
        return None
    if found.ndim == 2:
        found = cv2.cvtColor(found, cv2.COLOR_GRAY2RGB)
    else:
        code = cv2.COLOR_BGRA2RGBA if found.shape[2] == 4 else cv2.COLOR_BGR2RGB
        # In stripes, so that a large picture is not held twice.
        for top in range(0, len(found), 256):
            found[top : top + 256] = cv2.cvtColor(found[top : top + 256], code)
    if still.kind == "tiff":
        # The one kind that OpenCV turns whatever it is told.
        found = turned(found, BACK.get(still.turn, still.turn))
    if still.kind == "avif" and still.bits > 8:
        # Ten bits come as ten bits.
        found = np.divide(found, np.float32(2**still.bits - 1), dtype=np.float32)
    return found


def _by_ffmpeg(path: Path, data: bytes, still: Still) -> NDArray[Any]:
    if still.kind in _IN_CONTAINERS:
        return _array(_first_in_container(path))
    decoder = av.CodecContext.create(_DECODERS.get(still.kind, still.kind), "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.options = {"max_pixels": str(MOST_PIXELS)}
    pictures = [*decoder.decode(Packet(data)), *decoder.decode(None)]
    if not pictures:
        raise MediaError(path, "its picture cannot be decoded.")
    return _array(pictures[0])


def _first_in_container(path: Path) -> VideoFrame:
    with open_input(path) as found:
        streams = found.streams.video
        best = max(streams, key=lambda stream: stream.width * stream.height, default=None)
        if best is not None:
            check_size(path, best.width, best.height)
            for picture in found.decode(best):
                return picture
    raise MediaError(path, "its picture cannot be decoded.")


def _array(picture: VideoFrame) -> NDArray[Any]:
    components = picture.format.components
    if max(component.bits for component in components) == 32 and picture.format.name.startswith("gbr"):
        return picture.to_ndarray()
    deep = max(component.bits for component in components) > 8
    # What is transparent is known only to formats that say so, and to palettes.
    alpha = any(component.is_alpha for component in components) or picture.format.name == "pal8"
    return picture.to_ndarray(
        format=("rgba" if alpha else "rgb") + (("64le" if alpha else "48le") if deep else "" if alpha else "24")
    )


def _damaged(path: Path, data: bytes, still: Still) -> NDArray[Any]:
    """What can be read of a picture that is not whole; the rest is black or grey."""
    found = None
    if still.width * still.height > _MOST_DAMAGED:
        # What is missing would be made of nothing: a few bytes may claim anything.
        pass
    elif still.kind == "jpeg":
        found = by_opencv(ended_jpeg(data), still)
    elif still.kind == "png":
        whole = mended_png(data, still)
        found = by_opencv(whole, still) if whole else None
    else:
        # Filled up with zeros, so that what is missing is black to decoders that want all or nothing.
        more = min(16 * still.width * still.height, 2**28) + 64 if still.kind in _PADDED else 0
        try:
            found = by_opencv(data + bytes(more), still) if more and still.kind in _BY_OPENCV else None
            found = _by_ffmpeg(path, data + bytes(more), still) if found is None else found
        except FFmpegError:
            pass
    if found is None:
        raise MediaError(path, "this picture is damaged or cut off; nothing of it can be read.")
    return found


def _finished(pixels: NDArray[Any], still: Still, name: str, note: Callable[[str], None]) -> NDArray[Any]:
    """RGB as it is shown: without alpha, in sRGB, turned, uint8 or float32 in 0..1."""
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3]
        if alpha.min() < (1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max):
            note(f"{name} has transparent parts; transparency is dropped, the colours below it are shown.")
        pixels = pixels[..., :3]
    if pixels.dtype == np.uint16:
        pixels = from_uint16(np.ascontiguousarray(pixels))
    elif pixels.dtype != np.uint8:
        floats = np.asarray(pixels, np.float32)
        if still.kind in _LINEAR:
            if float(np.nanmax(floats, initial=0)) > 1:
                note(f"{name} holds light brighter than white, which is cut off.")
            floats = _to_srgb(floats)
        # fmax and fmin take the number where the other is NaN.
        pixels = np.fmin(np.fmax(floats, np.float32(0)), np.float32(1))
    return np.ascontiguousarray(turned(pixels, still.turn))


def _to_srgb(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light with the curve of sRGB (IEC 61966-2-1), clipped to 0..1."""
    light = np.fmin(np.fmax(linear, np.float32(0)), np.float32(1))
    return np.where(
        light <= 0.0031308,
        light * np.float32(12.92),
        np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055),
    ).astype(np.float32)


def turned(pixels: NDArray[Any], turn: int) -> NDArray[Any]:
    """The picture as it is shown that is stored in one of the eight orientations of EXIF."""
    if turn >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
