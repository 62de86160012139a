"""Still pictures in and out of files."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from vidflow.errors import MediaError
from vidflow.media.image import open_image, write_image


@pytest.fixture
def picture() -> np.ndarray:
    """Smooth colours, red unlike blue."""
    y, x = np.mgrid[0:40, 0:60]
    return np.stack([x * 4, y * 6, (x + y) // 2], -1).astype(np.uint8)


@pytest.mark.parametrize(("suffix", "tolerance"), [(".png", 0), (".jpg", 3), (".JPEG", 3), (".webp", 4)])
def test_a_picture_comes_back_from_its_file(tmp_path, picture, suffix, tolerance):
    path = tmp_path / f"a picture, 画像{suffix}"
    write_image(path, picture, 98)
    found = open_image(path)
    assert (found.info.width, found.info.height, found.info.frames, found.info.dtype) == (60, 40, 1, "uint8")
    assert np.abs(found.numpy().astype(int) - picture).mean() <= tolerance


def test_a_float_picture_becomes_a_16_bit_png(tmp_path):
    picture = np.random.default_rng(0).uniform(-0.1, 1.1, (20, 30, 3)).astype(np.float32)
    write_image(tmp_path / "deep.png", picture)
    found = open_image(tmp_path / "deep.png").numpy()
    assert found.dtype == np.float32
    assert np.abs(found - np.clip(picture, 0, 1)).max() < 1 / 65535


def test_a_float_picture_is_rounded_for_jpeg(tmp_path, picture):
    write_image(tmp_path / "a.jpg", picture / np.float32(255))
    write_image(tmp_path / "b.jpg", picture)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize("suffix", [".bmp", ".tiff", ".png"])
def test_other_kinds_are_read_too(tmp_path, picture, suffix):
    (tmp_path / f"a{suffix}").write_bytes(cv2.imencode(suffix, picture[..., ::-1])[1].tobytes())
    assert np.array_equal(open_image(tmp_path / f"a{suffix}").numpy(), picture)


def test_a_grey_picture_gives_three_equal_channels(tmp_path, picture):
    (tmp_path / "grey.png").write_bytes(cv2.imencode(".png", picture[..., 0])[1].tobytes())
    found = open_image(tmp_path / "grey.png").numpy()
    assert all(np.array_equal(found[..., channel], picture[..., 0]) for channel in range(3))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_transparent_picture_keeps_its_colours_and_that_is_noted(tmp_path, picture, depth):
    top = np.iinfo(depth).max
    colours = picture.astype(depth) * (top // 255)
    alpha = np.zeros((40, 60, 1), depth)
    alpha[:, 20:40], alpha[:, 40:] = top // 2, top
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", np.dstack([colours[..., ::-1], alpha]))[1].tobytes())
    notes: list[str] = []
    found = open_image(tmp_path / "a.png", notes.append).numpy()
    assert np.array_equal(found, picture if depth == np.uint8 else picture / np.float32(255))
    assert notes == ["a.png has transparent parts; transparency is dropped, the colours below it are shown."]


def test_an_alpha_channel_that_hides_nothing_is_not_worth_a_note(tmp_path, picture):
    alpha = np.full((40, 60, 1), 255, np.uint8)
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", np.dstack([picture[..., ::-1], alpha]))[1].tobytes())
    notes: list[str] = []
    assert np.array_equal(open_image(tmp_path / "a.png", notes.append).numpy(), picture)
    assert notes == []


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_picture_is_named_so(tmp_path, content):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"broken\.png"):
        open_image(path)


def test_a_picture_of_a_million_pixels_a_side_is_refused_before_it_is_decoded(tmp_path):
    head = struct.pack(">IIBBBBB", 2**20, 2**20, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "huge.png").write_bytes(data + b"\0\0\0\0IDAT\x35\xaf\x06\x1e")
    with pytest.raises(
        MediaError, match=r"huge\.png: it says that it is of 1048576x1048576; at most 268 million pixels"
    ):
        open_image(tmp_path / "huge.png")


def test_missing_files_folders_and_unknown_suffixes_are_named(tmp_path, picture):
    with pytest.raises(MediaError, match="no such file"):
        open_image(tmp_path / "missing.png")
    with pytest.raises(MediaError, match="folder"):
        open_image(tmp_path)
    with pytest.raises(MediaError, match=r"\.xyz"):
        write_image(tmp_path / "a.xyz", picture)
    with pytest.raises(MediaError, match="cannot be written"):
        write_image(tmp_path / "missing" / "a.png", picture)
