"""The store's form of frames: nothing is lost, and damage is seen."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vidflow.errors import MediaError
from vidflow.media.segments import read_segment, round16, write_segment
from vidflow.values import Frames, VideoInfo


def info_of(frames: np.ndarray) -> VideoInfo:
    """The info of a video of `frames`."""
    count, height, width, _ = frames.shape
    return VideoInfo(width, height, Fraction(25), count, "uint8" if frames.dtype == np.uint8 else "float32")


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 48), (101, 33), (640, 2)])
@pytest.mark.parametrize("kind", ["noise", "flat", "ramp"])
def test_bytes_come_back_as_they_were(tmp_path, size, kind):
    width, height = size
    noise = np.random.default_rng(0).integers(0, 256, (5, height, width, 3), np.uint8)
    ramp = np.broadcast_to(np.arange(width, dtype=np.uint8)[:, None], noise.shape)
    frames = {"noise": noise, "flat": np.full_like(noise, 77), "ramp": ramp}[kind]
    write_segment(tmp_path / "segment", Frames(frames))
    info = info_of(frames)
    assert np.array_equal(read_segment(tmp_path / "segment", 0, 5, info).numpy(), frames)
    assert np.array_equal(read_segment(tmp_path / "segment", 2, 4, info).numpy(), frames[2:4])
    assert len(read_segment(tmp_path / "segment", 3, 3, info)) == 0


def test_floats_come_back_rounded_to_16_bits(tmp_path):
    frames = np.random.default_rng(0).uniform(-0.2, 1.2, (4, 33, 47, 3)).astype(np.float32)
    frames[0, 0, 0] = [np.nan, np.inf, -np.inf]
    write_segment(tmp_path / "segment", Frames(list(frames)))
    found = read_segment(tmp_path / "segment", 0, 4, info_of(frames))
    for kept, made in zip(found, frames, strict=True):
        assert kept.dtype == np.float32
        assert np.array_equal(kept, round16(made))
        assert np.array_equal(round16(kept), kept)
    assert found[0][0, 0].tolist() == [0, 1, 0]
    clipped = np.clip(frames[1].astype(np.float64), 0, 1)
    assert np.array_equal(
        round16(frames[1]), (np.rint(frames[1].clip(0, 1) * np.float32(65535)) / 65535).astype(np.float32)
    )
    assert np.abs(found[1] - clipped).max() < 0.51 / 65535


def test_the_same_frames_give_the_same_bytes(tmp_path):
    frames = Frames(np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), np.uint8))
    for name in "ab":
        write_segment(tmp_path / name, frames)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_damage_anywhere_is_an_error_and_never_another_picture(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), np.uint8)
    path = tmp_path / "segment"
    write_segment(path, Frames(frames))
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with pytest.raises(MediaError, match="segment"):
            read_segment(path, 0, 3, info_of(frames))
    for length in (0, 5, 40, 200, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(MediaError, match="segment"):
            read_segment(path, 0, 3, info_of(frames))
    path.unlink()
    with pytest.raises(MediaError, match="segment"):
        read_segment(path, 0, 3, info_of(frames))


def test_a_segment_of_another_video_is_refused(tmp_path):
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    path = tmp_path / "segment"
    write_segment(path, Frames(frames))
    with pytest.raises(MediaError, match="9x8"):
        read_segment(path, 0, 1, VideoInfo(9, 8, Fraction(25), 2))
    with pytest.raises(MediaError, match="float32"):
        read_segment(path, 0, 1, VideoInfo(8, 8, Fraction(25), 2, "float32"))
    with pytest.raises(IndexError):
        read_segment(path, 1, 3, info_of(frames))
    with pytest.raises(MediaError, match="cannot be written"):
        write_segment(tmp_path / "missing" / "segment", Frames(frames))
