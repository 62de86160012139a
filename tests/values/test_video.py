"""A video is described before any frame is made, and read in any range."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from vidflow.values import Audio, Frames, Image, Video, VideoInfo
from vidflow.values.video import BATCH_BYTES

ALL = np.random.default_rng(1).integers(0, 256, (10, 4, 6, 3), np.uint8)
SOUND = Audio.from_array(np.ones((400, 1), np.float32), 1000)


def film(dtype: str = "uint8") -> Video:
    """Ten frames of noise with sound."""
    frames = ALL if dtype == "uint8" else (ALL / np.float32(255)).astype(np.float32)
    return Video.from_array(frames, Fraction(25), SOUND)


def pixels(video: Video, start: int = 0, stop: int | None = None) -> np.ndarray:
    """The frames of a range as one array."""
    return np.concatenate([frames.numpy() for frames in video.read(start, stop)])


def test_what_a_video_is_stands_in_its_info() -> None:
    info = film().info
    assert info == VideoInfo(6, 4, Fraction(25), 10, "uint8", SOUND.info)
    assert info.duration == Fraction(10, 25)
    assert info.frame_bytes == 4 * 6 * 3
    assert replace(info, dtype="float32").frame_bytes == 4 * 6 * 3 * 4
    assert repr(film()) == "Video(6x4, 25 fps, 10 frames, uint8, Audio(1000 Hz, mono, 0.400 s))"


def test_a_batch_is_what_fits_and_at_least_one_frame() -> None:
    assert VideoInfo(1920, 1080, Fraction(25), 1).batch == BATCH_BYTES // (1920 * 1080 * 3)
    assert VideoInfo(16384, 16384, Fraction(25), 1).batch == 1


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (0, 1), (9, 10), (3, 7), (4, None)])
def test_any_range_can_be_read_again_and_again(start: int, stop: int | None) -> None:
    video = film()
    for _ in range(2):
        assert (pixels(video, start, stop) == ALL[start:stop]).all()


@pytest.mark.parametrize("at", [0, 5, 10])
def test_an_empty_range_gives_nothing(at: int) -> None:
    assert list(film().read(at, at)) == []


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (0, 11), (6, 5), (11, None)])
def test_a_range_that_is_not_inside_is_an_index_error(start: int, stop: int | None) -> None:
    with pytest.raises(IndexError, match="of a video of 10"):
        film().read(start, stop)


def test_one_frame_is_addressed_from_either_end() -> None:
    assert (film().frame(3) == ALL[3]).all()
    assert (film().frame(-1) == ALL[9]).all()
    for index in (10, -11):
        with pytest.raises(IndexError):
            film().frame(index)


def test_map_makes_each_frame_and_keeps_the_sound() -> None:
    video = film().map(lambda frame: frame[:2, :3] // 2, width=3, height=2)
    assert video.info == replace(film().info, width=3, height=2)
    assert video.audio is SOUND
    assert (pixels(video) == ALL[:, :2, :3] // 2).all()


def test_map_gives_the_depth_that_its_function_takes_and_promises() -> None:
    seen: list[str] = []

    def note(frame: np.ndarray) -> np.ndarray:
        seen.append(str(frame.dtype))
        return frame

    assert film().map(note, takes="float32").info.dtype == "float32"
    counted = film().map(lambda frame: (note(frame) * 255).astype(np.uint8), takes="float32", dtype="uint8")
    assert counted.info.dtype == "uint8"
    pixels(counted, 0, 1)
    assert seen == ["float32"]


def test_bytes_to_floats_and_back_are_the_same_bytes() -> None:
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    there = Video.from_array(every, 25).map(lambda frame: frame, takes="float32")
    back = there.map(lambda frame: frame, takes="uint8")
    assert there.info.dtype == "float32"
    assert (pixels(there) == (every.astype(np.float64) / 255).astype(np.float32)).mean() > 0.5
    assert np.abs(pixels(there) - every / 255).max() < 1e-7
    assert (pixels(back) == every).all()


@pytest.mark.parametrize(("off", "step"), [(-0.001, 0), (0.001, 1)])
def test_floats_are_rounded_to_the_nearest_byte(off: float, step: int) -> None:
    halfway = (np.arange(255) + 0.5) / 255
    frame = np.repeat(halfway + off, 3).reshape(1, 255, 1, 3).astype(np.float32)
    rounded = pixels(Video.from_array(frame, 25).map(lambda frame: frame, takes="uint8"))
    assert (rounded[0, :, 0, 0] == np.arange(255) + step).all()


def test_what_a_float_body_gives_is_clipped() -> None:
    video = film("float32").map(lambda frame: frame * 4 - 1)
    wanted = np.clip((ALL / np.float32(255)).astype(np.float32) * 4 - 1, 0, 1)
    assert np.allclose(pixels(video), wanted)
    assert pixels(video).dtype == np.float32
    assert (pixels(video).min(), pixels(video).max()) == (0, 1)


def test_resample_makes_a_frame_of_those_it_needs() -> None:
    asked: list[int] = []

    def mean(frames: list[np.ndarray], k: int) -> np.ndarray:
        asked.append(k)
        return np.mean(frames, axis=0).astype(np.uint8)

    info = replace(film().info, frames=5, rate=Fraction(25, 2))
    video = film().resample(mean, lambda k: (2 * k, 2 * k + 1), info)
    assert video.info == replace(info, audio=None)
    assert (pixels(video, 1, 4) == np.mean([ALL[2:8:2], ALL[3:9:2]], axis=0).astype(np.uint8)).all()
    assert asked == [1, 2, 3]


def test_resample_without_a_body_shows_frames_as_they_are() -> None:
    order = [9, 0, 0, 4]
    video = film().resample(None, lambda k: (order[k],), replace(film().info, frames=4), SOUND)
    assert (pixels(video) == ALL[order]).all()
    assert video.audio is SOUND


def test_joined_videos_follow_each_other_without_sound() -> None:
    video = Video.joined([film(), film().map(lambda frame: 255 - frame)])
    assert video.info == replace(film().info, frames=20, audio=None)
    assert (pixels(video, 8, 12) == np.concatenate([ALL[8:], 255 - ALL[:2]])).all()


def test_the_same_pictures_can_have_another_sound() -> None:
    assert film().with_audio(None).info.audio is None
    assert film().with_audio(SOUND.slice(0, 7)).info.audio.samples == 7
    assert (pixels(film().with_audio(None)) == ALL).all()


def test_an_image_is_a_video_of_one_frame() -> None:
    image = Image.from_frame(ALL[0])
    assert (image.info.frames, image.info.width, image.info.height) == (1, 6, 4)
    assert (image.numpy() == ALL[0]).all()
    brighter = image.map(lambda frame: frame | 1)
    assert isinstance(brighter, Image)
    assert (brighter.numpy() == ALL[0] | 1).all()


def test_only_one_frame_makes_an_image() -> None:
    one = film().resample(None, lambda k: (4,), replace(film().info, frames=1), SOUND)
    assert (Image.of(one).numpy() == ALL[4]).all()
    assert Image.of(one).audio is None
    with pytest.raises(ValueError, match="one frame, not 10"):
        Image.of(film())


def test_making_a_video_reads_nothing() -> None:
    def refuse() -> Frames:
        raise AssertionError("a frame was read")

    video = Video.from_source(film().info, refuse)  # type: ignore[arg-type]
    Video.joined([video.map(lambda frame: frame), video.resample(None, lambda k: (k,), video.info)])
