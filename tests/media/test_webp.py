"""Animated WebP, which FFmpeg does not decode: frames equal to libwebp's own, in any order, in bounded memory."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow.errors import MediaError
from vidflow.media.decode import open_video
from vidflow.media.image import open_image
from vidflow.media.probe import probe
from vidflow.media.remarks import Remarks
from vidflow.media.webp import MOST_PIXELS, AnimationReader, animation

WAYS = {
    "lossless": {"lossless": True},
    "lossy": {"quality": 60},
    "mixed": {"allow_mixed": True},
    "small": {"lossless": True, "minimize_size": True},
    "without key frames": {"lossless": True, "kmin": 1000, "kmax": 1001},
}


def write(path: Path, alpha: bool, frames: int = 30, duration: int | list[int] = 40, **how: object) -> Path:
    """A box that moves over blocks of colour, half of them transparent with `alpha`."""
    chance = np.random.default_rng(1)
    base = np.kron(chance.integers(0, 256, (6, 8, 4)), np.ones((8, 8, 1))).astype(np.uint8)[:43, :61]
    pictures = []
    for k in range(frames):
        picture = base.copy()
        left = k * 5 % 49
        picture[4:16, left : left + 12] = [255, k * 7, 0, 200]
        pictures.append(PIL.Image.fromarray(picture if alpha else picture[..., :3]))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=duration, loop=0, **how)
    return path


def by_pillow(path: Path) -> np.ndarray:
    """What libwebp itself composes."""
    with PIL.Image.open(path) as image:
        return np.stack([np.asarray(one.convert("RGBA"))[..., :3] for one in PIL.ImageSequence.Iterator(image)])


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "transparent"])
@pytest.mark.parametrize("way", WAYS)
def test_frames_are_those_that_libwebp_composes_in_any_order(tmp_path, way, alpha):
    path = write(tmp_path / "moving.webp", alpha, **WAYS[way])
    video, expected = open_video(path), by_pillow(path)
    assert (video.info.width, video.info.height, video.info.rate, video.info.frames) == (61, 43, 25, 30)
    assert np.array_equal(np.concatenate([frames.numpy() for frames in video.read()]), expected)
    reader = video.made_by.open()
    for k in (29, 3, 28, 0, 1, 17, 16, 15, 29):
        assert np.array_equal(reader.read(k, k + 1)[0], expected[k])
    reader.close()


@pytest.fixture(scope="module")
def moving(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """An animation whose frames lean on each other, and what they are."""
    path = write(tmp_path_factory.mktemp("webp") / "moving.webp", False, lossless=True, kmin=1000, kmax=1001)
    return path, by_pillow(path)


@given(order=st.lists(st.integers(0, 29), max_size=12))
def test_what_was_read_before_changes_no_bit(moving, order):
    path, expected = moving
    found = animation(path)
    reader = AnimationReader(found, found.timing, Remarks(None))
    for k in order:
        assert np.array_equal(reader.read(k, k + 1)[0], expected[k])
    reader.close()


def chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def u24(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(3, "little") for number in numbers)


def still(colour: tuple[int, int, int, int], width: int, height: int) -> bytes:
    """The chunks of a lossless picture of one colour (RGBA)."""
    picture = np.full((height, width, 4), [colour[2], colour[1], colour[0], colour[3]], np.uint8)
    return cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()[12:]


def riff(width: int, height: int, *frames: bytes) -> bytes:
    head = chunk(b"VP8X", bytes([0x12, 0, 0, 0]) + u24(width - 1, height - 1))
    body = b"WEBP" + head + chunk(b"ANIM", bytes(6)) + b"".join(chunk(b"ANMF", frame) for frame in frames)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def frame(
    left: int, top: int, colour: tuple[int, int, int, int], size: tuple[int, int], time: int, flags: int
) -> bytes:
    """`flags`: 1 clears the rectangle afterwards, 2 replaces what is there instead of blending."""
    width, height = size
    return u24(left // 2, top // 2, width - 1, height - 1, time) + bytes([flags]) + still(colour, width, height)


def test_blending_replacing_and_clearing_are_as_the_format_says(tmp_path):
    path = tmp_path / "made.webp"
    path.write_bytes(
        riff(
            16, 8,
            frame(0, 0, (200, 0, 0, 255), (16, 8), 100, 0),
            frame(2, 2, (0, 200, 0, 128), (4, 4), 100, 0),
            frame(8, 2, (0, 0, 200, 255), (4, 4), 100, 1),
            frame(0, 0, (9, 9, 9, 0), (2, 2), 100, 2),
        )
    )  # fmt: skip
    a, b, c, d = np.concatenate([frames.numpy() for frames in open_video(path).read()])
    assert (a == [200, 0, 0]).all()
    assert b[3, 3] == pytest.approx([100, 100, 0], abs=1)
    assert c[3, 3].tolist() == b[3, 3].tolist()
    assert c[3, 9].tolist() == [0, 0, 200]
    assert d[3, 9].tolist() == [0, 0, 0], "the rectangle is cleared when its frame goes"
    assert d[3, 14].tolist() == [200, 0, 0]
    assert np.array_equal(np.stack([a, b, c]), by_pillow(path)[:3])


def test_frames_that_last_differently_are_conformed(tmp_path):
    path = write(tmp_path / "uneven.webp", False, 4, duration=[100, 300, 100, 100], lossless=True)
    video, expected = open_video(path), by_pillow(path)
    # Four frames in 0.6 s: frame k shows what is on screen at k x 0.15 s.
    assert (video.info.rate, video.info.frames) == (Fraction(20, 3), 4)
    shown = np.concatenate([frames.numpy() for frames in video.read()])
    assert np.array_equal(shown, expected[[0, 1, 1, 2]])


def test_a_frame_that_lasts_no_time_is_shown_as_browsers_do(tmp_path):
    path = tmp_path / "instant.webp"
    path.write_bytes(riff(4, 4, *(frame(0, 0, (k * 50, 0, 0, 255), (4, 4), 0, 0) for k in range(4))))
    video = open_video(path)
    assert (video.info.rate, video.info.frames) == (10, 4)


def test_transparency_and_a_broken_end_are_noted(tmp_path):
    path = write(tmp_path / "moving.webp", True, lossless=True)
    whole = by_pillow(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    notes: list[str] = []
    video = animation(path).video(notes.append)
    assert 10 < video.info.frames < 25
    shown = np.concatenate([frames.numpy() for frames in video.read()])
    assert np.array_equal(shown[:-1], whole[: len(shown) - 1])
    assert notes == [
        f"This file breaks off; of its pictures {video.info.frames} could be read.",
        "This video has transparent parts; transparency is dropped, the colours below it are shown.",
    ]


def test_an_animation_that_hides_nothing_has_no_note(tmp_path):
    path = write(tmp_path / "opaque.webp", False, lossless=True)
    notes: list[str] = []
    found = animation(path)
    assert any(part.alpha for part in found.parts)
    list(found.video(notes.append).read())
    assert notes == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_damaged_frame_leaves_what_was_there(tmp_path, order):
    path = tmp_path / "damaged.webp"
    bad = bytearray(frame(0, 0, (0, 0, 200, 255), (8, 8), 100, 2))
    bad[24 + 8 :] = b"\xff" * (len(bad) - 32)
    red, green = frame(0, 0, (200, 0, 0, 255), (8, 8), 100, 2), frame(0, 0, (0, 200, 0, 255), (4, 4), 100, 2)
    path.write_bytes(riff(8, 8, red, bytes(bad), green))
    found = animation(path)
    assert [part.key for part in found.parts] == [True, True, False]
    reader = AnimationReader(found, found.timing, Remarks(None))
    for k in order:
        shown = reader.read(k, k + 1)[0]
        assert shown[0, 0].tolist() == ([0, 200, 0] if k == 2 else [200, 0, 0])
        assert shown[7, 7].tolist() == [200, 0, 0]
    reader.close()


def test_a_still_webp_is_no_animation_and_an_animation_has_a_first_picture(tmp_path, moving):
    PIL.Image.new("RGB", (8, 8), (1, 2, 3)).save(tmp_path / "still.webp", lossless=True)
    assert animation(tmp_path / "still.webp") is None
    assert np.array_equal(open_image(moving[0]).numpy(), moving[1][0])


def test_probe_tells_what_it_is(moving):
    about = probe(moving[0])
    assert (about.container, about.picture.codec, about.picture.shown) == ("webp", "webp", (61, 43))
    assert about.duration == Fraction(30 * 40, 1000)


def test_a_canvas_without_measure_is_refused_and_one_without_frames_too(tmp_path):
    path = tmp_path / "bomb.webp"
    path.write_bytes(riff(16384, 16384, frame(0, 0, (1, 2, 3, 255), (2, 2), 100, 2)))
    assert MOST_PIXELS < 16384**2
    with pytest.raises(MediaError, match="it says that it is of 16384x16384"):
        open_video(path)
    path.write_bytes(riff(8, 8))
    with pytest.raises(MediaError, match="no whole picture"):
        open_video(path)
