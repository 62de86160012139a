"""Still pictures of every usual kind: their pixels, which way up, what is lost, and what is left of damaged ones."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest

from vidflow.errors import MediaError
from vidflow.media.image import open_image
from vidflow.media.still import recognised

Y, X = np.mgrid[0:40, 0:60]
RGB = np.stack([X * 4, Y * 6, (X + Y) // 2 + 60], -1).astype(np.uint8)
ALPHA = np.where(X < 20, 0, np.where(X < 40, 128, 255)).astype(np.uint8)
GREY = cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY)
FLOATS = (RGB / 255).astype(np.float32)
DEEP = RGB.astype(np.uint16) * 257

Write = Callable[[Path], object]


def pil(picture: np.ndarray, mode: str | None = None, **how: Any) -> Write:
    """Written by Pillow."""
    image = PIL.Image.fromarray(picture)
    return (
        (image.convert(mode) if mode else image).save
        if not how
        else lambda path: (image.convert(mode) if mode else image).save(path, **how)
    )


def opencv(picture: np.ndarray, *how: int) -> Write:
    """Written by OpenCV."""
    order = [2, 1, 0, 3][: picture.shape[2]] if picture.ndim == 3 else slice(None)
    return lambda path: cv2.imwrite(str(path), picture[..., order] if picture.ndim == 3 else picture, how)


def ffmpeg(pixels: str) -> str:
    """Written by FFmpeg in this pixel format, from the transparent picture."""
    return pixels


RGBA = np.dstack([RGB, ALPHA])
# Name, how it is written, how far from the source any value may be in steps of 255 and its depth.
KINDS: list[tuple[str, Write | str, float, str]] = [
    ("rgb.png", pil(RGB), 0, "uint8"),
    ("rgba.png", pil(RGBA), 0, "uint8"),
    ("sixteen.png", opencv(DEEP), 0.01, "float32"),
    ("sixteen_alpha.png", opencv(np.dstack([DEEP, ALPHA.astype(np.uint16) * 257])), 0.01, "float32"),
    ("lossless.webp", pil(RGB, lossless=True), 0, "uint8"),
    ("alpha.webp", pil(RGBA, lossless=True, exact=True), 0, "uint8"),
    ("lossy.webp", pil(RGB, quality=95), 12, "uint8"),
    ("full.jpg", pil(RGB, quality=98, subsampling=0), 5, "uint8"),
    ("progressive.jpeg", pil(RGB, quality=95, progressive=True), 8, "uint8"),
    ("inks.jpg", pil(RGB, "CMYK", quality=98), 3, "uint8"),
    ("inks.tif", pil(RGB, "CMYK"), 1, "uint8"),
    ("rgb.bmp", pil(RGB), 0, "uint8"),
    ("alpha.bmp", ffmpeg("bgra"), 0, "uint8"),
    ("rgb.tiff", pil(RGB), 0, "uint8"),
    ("lzw.tiff", pil(RGB, compression="tiff_lzw"), 0, "uint8"),
    ("deflated.tiff", pil(RGB, compression="tiff_adobe_deflate"), 0, "uint8"),
    ("jpeg.tiff", pil(RGB, compression="jpeg", quality=95), 8, "uint8"),
    ("alpha.tiff", pil(RGBA), 0, "uint8"),
    ("sixteen.tiff", opencv(DEEP), 0.01, "float32"),
    ("sixteen_alpha.tiff", ffmpeg("rgba64le"), 1, "float32"),
    ("float.tiff", opencv(FLOATS), 0.01, "float32"),
    ("ten.avif", opencv((DEEP >> 6).astype(np.uint16), cv2.IMWRITE_AVIF_DEPTH, 10), 14, "float32"),
    ("rgb.avif", pil(RGB, quality=98, subsampling="4:4:4"), 4, "uint8"),
    ("alpha.avif", pil(RGBA, quality=98, subsampling="4:4:4"), 4, "uint8"),
    ("rgb.jp2", pil(RGB, irreversible=False), 0, "uint8"),
    ("alpha.jp2", pil(RGBA, irreversible=False), 0, "uint8"),
    ("sixteen.jp2", opencv(DEEP, cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000), 0.01, "float32"),
    ("rgb.j2k", pil(RGB, irreversible=False), 0, "uint8"),
    ("rgb.ppm", pil(RGB), 0, "uint8"),
    ("sixteen.ppm", ffmpeg("rgb48be"), 1, "float32"),
    ("alpha.pam", ffmpeg("rgba"), 0, "uint8"),
    ("rgb.tga", pil(RGB), 0, "uint8"),
    ("alpha.tga", pil(RGBA, compression="tga_rle"), 0, "uint8"),
    ("rgb.ico", ffmpeg("bgr24"), 0, "uint8"),
    ("several.ico", pil(RGBA, sizes=[(16, 16), (60, 40)]), 0, "uint8"),
    ("alpha.qoi", ffmpeg("rgba"), 0, "uint8"),
    ("rgb.pcx", pil(RGB), 0, "uint8"),
    ("rgb.sgi", pil(RGB), 0, "uint8"),
    ("rgb.sun", ffmpeg("bgr24"), 0, "uint8"),
    ("rgb.dpx", ffmpeg("rgb24"), 0, "uint8"),
    ("rgb.jls", ffmpeg("rgb24"), 0, "uint8"),
]


WRITERS = {name: write for name, write, _, _ in KINDS}


@pytest.fixture(scope="session")
def made(tmp_path_factory, make_clip) -> Callable[[str, Write | str], Path]:
    """A function that gives the file of one of the kinds."""
    folder = tmp_path_factory.mktemp("stills")
    source = folder / "source.png"
    PIL.Image.fromarray(RGBA).save(source)

    def make(name: str, write: Write | str) -> Path:
        if isinstance(write, str):
            return make_clip(name, "-i", source, "-pix_fmt", write)
        write(folder / name)
        return folder / name

    return make


@pytest.mark.parametrize(("name", "write", "within", "dtype"), KINDS, ids=[kind[0] for kind in KINDS])
def test_every_usual_kind_is_read(made, name, write, within, dtype):
    found = open_image(made(name, write))
    assert (found.info.width, found.info.height, found.info.dtype) == (60, 40, dtype)
    values = found.numpy().astype(np.float64) * (255 if dtype == "float32" else 1)
    off = np.abs(values - RGB)
    assert off.max() <= within, f"at {np.unravel_index(off.argmax(), off.shape)}"


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("grey.png", "L"), ("grey_alpha.png", "LA"), ("bits.png", "1"), ("palette.png", "P"), ("grey.jpg", "L"),
        ("palette.gif", "P"), ("palette.bmp", "P"), ("bits.bmp", "1"), ("palette.tiff", "P"), ("bits.tiff", "1"),
        ("grey.pgm", "L"), ("bits.pbm", "1"), ("grey.webp", "L"), ("palette.tga", "P"), ("grey.jp2", "L"),
    ],
)  # fmt: skip
def test_grey_and_palettes_are_read_as_pillow_reads_them(tmp_path, name, mode):
    PIL.Image.fromarray(RGB).convert(mode).save(tmp_path / name)
    with PIL.Image.open(tmp_path / name) as image:
        expected = np.asarray(image.convert("RGBA"))[..., :3]
    found = open_image(tmp_path / name).numpy()
    assert found.dtype == np.uint8
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_few_bits_are_read(tmp_path, bits):
    image = PIL.Image.fromarray(RGB).quantize(2**bits)
    image.save(tmp_path / "few.png", bits=bits)
    assert recognised((tmp_path / "few.png").read_bytes()).kind == "png"
    assert np.array_equal(open_image(tmp_path / "few.png").numpy(), np.asarray(image.convert("RGB")))


def test_of_a_gif_the_first_picture_is_taken(tmp_path):
    first, second = (PIL.Image.fromarray(picture).quantize(64) for picture in (RGB, RGB[::-1]))
    first.save(tmp_path / "two.gif", save_all=True, append_images=[second], duration=100)
    assert np.array_equal(open_image(tmp_path / "two.gif").numpy(), np.asarray(first.convert("RGB")))


@pytest.mark.parametrize("suffix", ["hdr", "exr"])
def test_linear_light_gets_the_curve_of_srgb_and_ends_at_white(tmp_path, make_clip, suffix):
    linear = np.zeros((8, 16, 3), np.float32)
    linear[:, 4:8], linear[:, 8:12], linear[:, 12:] = 0.002, 0.2140411, 3.0
    if suffix == "hdr":
        path = tmp_path / "light.hdr"
        cv2.imwrite(str(path), linear)
    else:
        # FFmpeg's planes are green, blue, red.
        (tmp_path / "light.raw").write_bytes(linear[..., [1, 2, 0]].transpose(2, 0, 1).tobytes())
        raw = ("-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-s", "16x8", "-i", tmp_path / "light.raw")
        path = make_clip("light.exr", *raw, "-c:v", "exr")
    notes: list[str] = []
    found = open_image(path, notes.append).numpy()
    assert found.dtype == np.float32
    # Four greys: black, one in the straight part (12.92 x), middle grey, and more than white.
    assert found[0, [0, 5, 9, 14], 1] == pytest.approx([0, 0.02584, 0.5, 1], abs=2e-3)
    assert notes == [f"light.{suffix} holds light brighter than white, which is cut off."]


def exif(turn: int, order: str = "<") -> bytes:
    """EXIF with one entry, the orientation."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x112, 3, 1, turn, 0, 0)


TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: np.rot90(a, 2),
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(
    ("kind", "order"), [("jpg", "<"), ("jpg", ">"), ("png", "<"), ("webp", ">"), ("tiff", "<"), ("avif", "<")]
)
def test_every_orientation_is_turned_upright(tmp_path, turn, kind, order):
    path = tmp_path / f"turned.{kind}"
    image = PIL.Image.fromarray(RGB)
    if kind == "tiff":
        image.save(path, tiffinfo={274: turn})
    elif kind == "jpg":
        image.save(path, exif=b"Exif\0\0" + exif(turn, order), quality=98, subsampling=0)
    else:
        image.save(
            path,
            exif=exif(turn, order),
            **(
                {"lossless": True}
                if kind == "webp"
                else {"quality": 98, "subsampling": "4:4:4"}
                if kind == "avif"
                else {}
            ),
        )
    upright = TURNS[turn](RGB)
    found = open_image(path).numpy()
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= (0 if kind in ("png", "webp", "tiff") else 5)
    still = recognised(path.read_bytes())
    assert still.shown == (upright.shape[1], upright.shape[0])


@pytest.mark.parametrize(("name", "write", "within", "dtype"), KINDS, ids=[kind[0] for kind in KINDS])
def test_the_header_alone_tells_the_size(made, name, write, within, dtype):
    path = made(name, write)
    still = recognised(path.read_bytes(), name)
    assert still.shown == (60, 40)
    assert open_image(path).info.width == 60


def test_a_picture_larger_than_8k_is_read(tmp_path):
    PIL.Image.new("RGB", (8200, 4400), (10, 200, 30)).save(tmp_path / "large.png", compress_level=1)
    found = open_image(tmp_path / "large.png")
    assert (found.info.width, found.info.height) == (8200, 4400)
    assert found.numpy()[4399, 8199].tolist() == [10, 200, 30]


def _png(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = b"IDAT" + zlib.compress(bytes(10**6))
    chunks = [
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in (head, packed, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bomb.png", _png(65535, 65535)),
        ("bomb.bmp", b"BM" + struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, 65535, 65535, 1, 24, 0, 0, 0, 0, 0, 0)),
        ("bomb.tga", struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 65535, 65535, 24, 0) + bytes(100)),
        ("bomb.gif", b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(50)),
        ("bomb.ppm", b"P6 65535 65535 255\n" + bytes(100)),
        ("bomb.jpg", b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, 65535, 65535, 3) + bytes(50)),
        ("bomb.qoi", b"qoif" + struct.pack(">IIBB", 65535, 65535, 3, 0) + bytes(50)),
        ("bomb.webp", b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6 + b"VP8L" + bytes(20)),
    ],
)  # fmt: skip
def test_a_small_file_that_claims_a_gigantic_picture_takes_no_memory(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(MediaError, match=r"it says that it is of .*; at most 268 million pixels can be read\."):
            open_image(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "name",
    [
        "rgb.png", "rgba.png", "sixteen.png", "full.jpg", "progressive.jpeg", "rgb.bmp", "rgb.ppm", "rgb.tga",
        "alpha.qoi", "lossy.webp", "rgb.sun", "rgb.jls",
    ],
)  # fmt: skip
def test_of_a_picture_that_breaks_off_the_beginning_is_shown_and_that_is_noted(made, tmp_path, name):
    whole = made(name, WRITERS[name])
    cut = tmp_path / name
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 7 // 10])
    notes: list[str] = []
    found, expected = open_image(cut, notes.append).numpy(), open_image(whole).numpy()
    assert found.shape == expected.shape
    # These two are stored from the bottom up.
    rows = slice(-8, None) if name in ("rgb.bmp", "rgb.tga") else slice(0, 8)
    assert np.abs(found[rows].astype(float) - expected[rows]).max() < 40
    assert [note for note in notes if "transparent" not in note] == [
        f"{name} is damaged or cut off; what could be read of it is shown."
    ]


def test_a_png_with_a_flipped_bit_keeps_the_lines_before_it(tmp_path):
    chance = np.random.default_rng(3).integers(0, 256, (80, 100, 3), np.uint8)
    PIL.Image.fromarray(chance).save(tmp_path / "bit.png")
    data = bytearray((tmp_path / "bit.png").read_bytes())
    data[len(data) // 2] ^= 16
    (tmp_path / "bit.png").write_bytes(data)
    notes: list[str] = []
    found = open_image(tmp_path / "bit.png", notes.append).numpy()
    assert np.array_equal(found[:30], chance[:30])
    assert len(notes) == 1


@pytest.mark.parametrize("name", ["rgb.avif", "rgb.jp2"])
def test_where_nothing_can_be_had_one_message_says_so(made, tmp_path, name):
    whole = made(name, WRITERS[name])
    (tmp_path / name).write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(MediaError, match="this picture is damaged or cut off; nothing of it can be read"):
        open_image(tmp_path / name)
