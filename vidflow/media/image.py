"""Still pictures in and out of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.container import reporting
from vidflow.media.depth import from_uint16, to_steps, to_uint8
from vidflow.values import Image

WRITABLE = (".png", ".jpg", ".jpeg", ".webp")


def open_image(path: Path) -> Image:
    """The picture in the file at `path` (PNG, JPEG, WebP, BMP, TIFF, ...), turned as its EXIF orientation asks.

    uint8; float32 in 0..1 where the file has more than 8 bits. A transparent picture is laid over black. Raises
    MediaError where the file is missing or holds no picture.
    """
    import cv2

    with reporting(path):
        if path.is_dir():
            raise MediaError(path, "this is a folder; expected a picture.")
        data = np.fromfile(path, np.uint8) if path.exists() else None
    if data is None:
        raise MediaError(path, "there is no such file.")
    # Decoded from memory, so that no name is too strange for the library. Unchanged keeps alpha but ignores EXIF.
    found = _decoded(data, cv2.IMREAD_UNCHANGED)
    if found is not None and not (found.ndim == 3 and found.shape[2] == 4):
        found = _decoded(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if found is None:
        raise MediaError(path, "this is no picture that can be read; expected for example PNG, JPEG, WebP or TIFF.")
    if found.dtype not in (np.uint8, np.uint16):
        found = np.fmin(np.fmax(found.astype(np.float32), np.float32(0)), np.float32(1))
    colours = np.ascontiguousarray(found[..., 2::-1])
    if found.shape[2] == 4:
        top = 1 if found.dtype.kind == "f" else np.iinfo(found.dtype).max
        colours = (colours * (found[..., 3:] / np.float32(top)) + (0.5 if top > 1 else 0)).astype(found.dtype)
    return Image.from_frame(from_uint16(colours) if colours.dtype == np.uint16 else colours)


def write_image(path: Path, frame: NDArray[Any], quality: int = 95) -> None:
    """Write `frame` `[h, w, 3]` (uint8, or float32 in 0..1) to `path`, whose suffix says how: one of `WRITABLE`.

    A float frame gives a 16-bit PNG; elsewhere it is rounded to 8 bits. `quality` (1 to 100) is that of JPEG and
    WebP. Raises MediaError for another suffix, or where the file cannot be written.
    """
    import cv2

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


def _decoded(data: NDArray[np.uint8], flags: int) -> NDArray[Any] | None:
    import cv2

    if not data.size:
        return None
    try:
        return cv2.imdecode(data, flags)
    except cv2.error:
        return None
