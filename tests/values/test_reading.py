"""Whatever a video is made from, reading it equals the same done to arrays, and reads no more than that needs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow.values import Frames, Video, VideoInfo
from vidflow.values.frames import Underway

HEIGHT, WIDTH = 2, 3
Needed = frozenset[tuple[int, int]]
"""Which frames (tape, index) one frame is made from."""


class Tape:
    """A source of frames that counts what is asked of it."""

    def __init__(self, frames: int, seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> None:
        chance = np.random.default_rng(seed)
        self.frames = chance.integers(0, 256, (frames, height, width, 3), np.uint8)
        self.read: list[int] = []
        self.opened = self.closed = self.seeks = 0
        self.video = Video.from_source(VideoInfo(width, height, Fraction(25), frames), lambda: Head(self))


class Head:
    """A cursor into a tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.at = 0
        tape.opened += 1

    def read(self, start: int, stop: int) -> Frames:
        self.tape.seeks += start != self.at
        self.at = stop
        self.tape.read.extend(range(start, stop))
        return Frames(self.tape.frames[start:stop].copy())

    def close(self) -> None:
        self.tape.closed += 1


@dataclass(frozen=True)
class Film:
    """A video, the frames that it must give, and what each of them is made from."""

    video: Video
    frames: np.ndarray
    needs: Sequence[Needed]


def pixels(video: Video, start: int = 0, stop: int | None = None) -> np.ndarray:
    """The frames of a range as one array."""
    return np.concatenate([frames.numpy() for frames in video.read(start, stop)])


def summed(frames: Sequence[np.ndarray], k: int) -> np.ndarray:
    """A frame that shows what it was made from, in which order, as which frame."""
    total = np.full((HEIGHT, WIDTH, 3), k, np.uint8)
    for place, frame in enumerate(frames):
        total = total + frame * np.uint8(2 * place + 1)
    return total


@st.composite
def films(draw: st.DrawFn) -> tuple[Film, list[Tape]]:
    """A video composed of random steps, each on any of the videos made before: chains, diamonds and joins."""
    tapes = [Tape(draw(st.integers(1, 9)), seed) for seed in range(draw(st.integers(1, 2)))]
    made = [
        Film(tape.video, tape.frames, [frozenset({(number, k)}) for k in range(len(tape.frames))])
        for number, tape in enumerate(tapes)
    ]
    for _ in range(draw(st.integers(0, 7))):
        film = draw(st.sampled_from(made))
        count = len(film.frames)
        kind = draw(st.sampled_from(["map", "there and back", "pick", "make", "join"]))
        if kind == "map":
            by = draw(st.integers(0, 255))
            made.append(
                Film(film.video.map(lambda frame, by=by: frame + np.uint8(by)), film.frames + np.uint8(by), film.needs)
            )
        elif kind == "there and back":
            floats = film.video.map(lambda frame: frame, takes="float32")
            made.append(Film(floats.map(lambda frame: frame, takes="uint8"), film.frames, film.needs))
        elif kind == "pick":
            order = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=12))
            info = replace(film.video.info, frames=len(order))
            video = film.video.resample(None, lambda k, order=order: (order[k],), info)
            made.append(Film(video, film.frames[order], [film.needs[at] for at in order]))
        elif kind == "make":
            several = st.lists(st.integers(0, count - 1), max_size=3)
            orders = draw(st.lists(several, min_size=1, max_size=12))
            info = replace(film.video.info, frames=len(orders))
            video = film.video.resample(summed, lambda k, orders=orders: orders[k], info)
            frames = np.stack([summed(film.frames[order], k) for k, order in enumerate(orders)])
            made.append(Film(video, frames, [frozenset().union(*(film.needs[at] for at in order)) for order in orders]))
        else:
            other = draw(st.sampled_from(made))
            frames = np.concatenate([film.frames, other.frames])
            made.append(Film(Video.joined([film.video, other.video]), frames, [*film.needs, *other.needs]))
    return made[-1], tapes


@given(films(), st.data())
def test_any_composition_gives_what_arrays_give(composed: tuple[Film, list[Tape]], data: st.DataObject) -> None:
    film, _ = composed
    assert film.video.info.frames == len(film.frames)
    assert (pixels(film.video) == film.frames).all()
    start = data.draw(st.integers(0, len(film.frames) - 1))
    stop = data.draw(st.integers(start + 1, len(film.frames)))
    assert (pixels(film.video, start, stop) == film.frames[start:stop]).all()


@given(films(), st.data())
def test_a_single_frame_reads_exactly_what_it_needs(composed: tuple[Film, list[Tape]], data: st.DataObject) -> None:
    film, tapes = composed
    index = data.draw(st.integers(0, len(film.frames) - 1))
    assert (film.video.frame(index) == film.frames[index]).all()
    read = sorted((number, frame) for number, tape in enumerate(tapes) for frame in tape.read)
    assert read == sorted(film.needs[index]), "each once, and no other"


@given(films())
def test_every_cursor_is_closed(composed: tuple[Film, list[Tape]]) -> None:
    film, tapes = composed
    pixels(film.video)
    begun = film.video.read()
    next(begun)
    begun.close()
    assert [tape.opened for tape in tapes] == [tape.closed for tape in tapes]


def doubled(video: Video) -> Video:
    """Twice the frames, those between made of two."""
    last = video.info.frames - 1
    info = replace(video.info, frames=2 * video.info.frames)
    return video.resample(
        lambda frames, k: frames[0],
        lambda k: (k // 2,) if k % 2 == 0 else (k // 2, min(k // 2 + 1, last)),
        info,
    )


def test_a_straight_read_goes_on_without_seeking_and_reads_each_frame_once() -> None:
    tape = Tape(300)
    video = doubled(tape.video.map(lambda frame: frame)).map(lambda frame: frame)
    assert (pixels(video) == tape.frames.repeat(2, axis=0)).all()
    assert (tape.opened, tape.seeks) == (1, 0)
    assert tape.read == list(range(300))


def test_a_straight_read_of_joined_videos_opens_each_once() -> None:
    tapes = [Tape(100, seed) for seed in range(3)]
    video = Video.joined([doubled(tape.video) for tape in tapes])
    assert len(pixels(video)) == 600
    assert [(tape.opened, tape.seeks) for tape in tapes] == [(1, 0)] * 3


def test_a_video_joined_to_itself_is_read_by_two_cursors() -> None:
    tape = Tape(100)
    assert (pixels(Video.joined([tape.video, tape.video])) == np.concatenate([tape.frames, tape.frames])).all()
    assert tape.seeks == 0
    assert tape.opened <= 2


def test_a_video_read_backwards_needs_no_more_cursors() -> None:
    tape = Tape(200)
    backwards = tape.video.resample(None, lambda k: (199 - k,), tape.video.info)
    assert (pixels(backwards) == tape.frames[::-1]).all()
    # It may be let go of at the end, where such a read begins.
    assert tape.opened <= 2
    assert sorted(tape.read) == list(range(200))


def test_two_places_of_one_source_are_read_side_by_side() -> None:
    tape = Tape(200)
    both = Video.joined([tape.video, tape.video.map(lambda frame: frame)])
    info = replace(tape.video.info, frames=100)
    video = both.resample(lambda pair, k: pair[0] ^ pair[1], lambda k: (k, 300 + k), info)
    assert (pixels(video) == tape.frames[:100] ^ tape.frames[100:]).all()
    assert tape.opened == 2
    assert tape.seeks <= 2, "each cursor goes to its place once"


def test_frames_given_to_a_body_are_read_only() -> None:
    tape = Tape(4)

    def spoil(frame: np.ndarray) -> np.ndarray:
        frame[:] = 0
        return frame

    for video in (
        tape.video.map(spoil),
        tape.video.resample(lambda frames, k: spoil(frames[0]), lambda k: (k,), tape.video.info),
    ):
        with pytest.raises(ValueError, match="read-only"):
            pixels(video)


def test_frames_in_an_array_stay_writable_for_their_owner() -> None:
    mine = Tape(3).frames
    video = Video.from_array(mine, 25).map(lambda frame: frame + np.uint8(1))
    pixels(video)
    mine[0] = 7
    assert (video.frame(0) == 8).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda frame: frame[:1], r"gave a frame of shape \[1, 3, 3\] where \[2, 3, 3\] was promised"),
        (lambda frame: frame[..., 0], r"gave a frame of shape \[2, 3\] where \[2, 3, 3\] was promised"),
        (lambda frame: frame / 255, "gave a frame of float64 where uint8 was promised"),
        (lambda frame: frame.astype(np.int8), "gave a frame of int8 where uint8 was promised"),
    ],
)
def test_a_body_that_gives_another_shape_or_depth_is_told_so(wrong: Any, message: str) -> None:
    tape = Tape(2)
    resampled = tape.video.resample(lambda frames, k: wrong(frames[0]), lambda k: (k,), tape.video.info)
    for video in (tape.video.map(wrong), resampled):
        with pytest.raises(ValueError, match=message):
            pixels(video)


def test_frames_from_a_device_are_waited_for_only_once_the_batch_is_under_way() -> None:
    tape, events = Tape(12), list[str]()

    def sent(frame: np.ndarray, number: int) -> Underway:
        events.append(f"sent {number}")

        def arrive() -> np.ndarray:
            events.append(f"came {number}")
            return frame + np.uint8(1)

        return Underway(frame.shape, str(frame.dtype), arrive)

    there_and_back = tape.video.resample(lambda frames, k: sent(frames[0], k), lambda k: (k,), tape.video.info)
    assert (pixels(there_and_back) == tape.frames + np.uint8(1)).all()
    # The first batch of a reading is one frame, that it is seen soon; the last is of several.
    assert events[:2] == ["sent 0", "came 0"]
    assert events[-4:] == ["came 8", "came 9", "came 10", "came 11"]
    # A function that follows is given the frame itself.
    followed = tape.video.map(lambda frame: sent(frame, 0)).map(lambda frame: frame * np.uint8(2))
    assert (pixels(followed) == (tape.frames + np.uint8(1)) * np.uint8(2)).all()
    wrong = tape.video.map(lambda frame: sent(frame[:1], 0))
    with pytest.raises(ValueError, match=r"gave a frame of shape \[1, 3, 3\]"):
        pixels(wrong)


def test_a_source_that_gives_too_few_frames_is_told_so() -> None:
    tape = Tape(5)
    video = Video.from_source(replace(tape.video.info, frames=8), lambda: Head(tape))
    with pytest.raises(ValueError, match=r"a source gave \d frames where \d were asked for"):
        pixels(video)


def test_asking_for_a_frame_that_is_not_there_is_an_index_error() -> None:
    video = Tape(5).video
    with pytest.raises(IndexError, match="asked for frame 5 of 5"):
        pixels(video.resample(None, lambda k: (k + 3,), replace(video.info, frames=4)))


def test_frames_before_one_that_fails_are_given() -> None:
    def picky(frames: list[np.ndarray], k: int) -> np.ndarray:
        if k == 1:
            raise RuntimeError("not this one")
        return frames[0]

    tape = Tape(3)
    reader = tape.video.resample(picky, lambda k: (k,), tape.video.info).read()
    assert len(next(reader)) == 1
    with pytest.raises(RuntimeError, match="not this one"):
        next(reader)
    assert tape.closed == tape.opened


def test_thousands_of_stages_need_no_recursion() -> None:
    tape = Tape(6)
    video = tape.video
    for number in range(2000):
        if number % 3 == 0:
            video = video.map(lambda frame: frame + np.uint8(1))
        elif number % 3 == 1:
            video = video.resample(None, lambda k: (5 - k,), video.info)
        else:
            video = Video.joined([video])
    # 667 of each kind: turned round an odd number of times.
    assert (pixels(video, 1, 3) == tape.frames[::-1][1:3] + np.uint8(667 % 256)).all()


def test_runs_of_frames_grow_up_to_a_batch() -> None:
    tape = Tape(200)
    sizes = [len(frames) for frames in tape.video.read()]
    assert sizes[:2] == [1, 2], "the first comes soon"
    assert max(sizes) <= 64
    large = Tape(5, height=1200, width=1200 * 4)
    assert max(len(frames) for frames in large.video.read()) <= large.video.info.batch == 1


def test_a_video_is_read_by_several_threads_at_once() -> None:
    tape = Tape(100)
    video = doubled(tape.video.map(lambda frame: frame ^ 255))
    found: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda number=number: found.update({number: pixels(video, number)}))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    wanted = (tape.frames ^ 255).repeat(2, axis=0)
    assert all((found[number] == wanted[number:]).all() for number in range(8))


def test_a_body_may_read_another_video() -> None:
    tape, other = Tape(4), Tape(4, seed=1)
    video = tape.video.map(lambda frame: frame ^ other.video.frame(2))
    assert (pixels(video) == tape.frames ^ other.frames[2]).all()
