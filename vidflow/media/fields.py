"""Interlaced pictures: which field comes first, and whole frames made of the two fields."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Literal, cast

from av.error import BlockingIOError, FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame

FieldOrder = Literal["progressive", "top field first", "bottom field first"]

_TIME_BASE = Fraction(1, 90000)


class Filter:
    """One filter of FFmpeg with a picture in and a picture out, for pictures of one size and pixel format."""

    def __init__(self, like: VideoFrame, name: str, arguments: str) -> None:
        self._graph = Graph()
        # Slices on other threads would give the same, but the readers of a run are on several threads already.
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=like.width, height=like.height, format=like.format, time_base=like.time_base or _TIME_BASE
        )
        self._graph.link_nodes(source, self._graph.add(name, arguments), self._graph.add("buffersink")).configure()

    def push(self, picture: VideoFrame | None) -> None:
        """Give the next picture; None is the end."""
        self._graph.vpush(picture)

    def pull(self) -> VideoFrame | None:
        """The next picture that is ready."""
        try:
            return self._graph.vpull()
        except (BlockingIOError, EOFError):
            return None


def kind(picture: VideoFrame) -> tuple[str, int, int]:
    """What pictures that go through one filter have in common."""
    return picture.format.name, picture.width, picture.height


def field_order(picture: VideoFrame) -> FieldOrder:
    """What the picture says of itself."""
    if not picture.interlaced_frame:
        return "progressive"
    try:
        # The binding does not tell which field is first; FFmpeg's own expressions do.
        chosen = Filter(picture, "select", "eq(interlace_type,TOPFIRST)")
        chosen.push(picture)
        return "top field first" if chosen.pull() else "bottom field first"
    except FFmpegError:
        return "top field first"


class Deinterlaced:
    """The pictures that `picture` gives, `count` of them, each whole: FFmpeg's bwdif, one frame for each frame.

    bwdif looks at the picture before and after. So a read that does not go on where the last one stopped begins one
    picture early, and gives the same as one from the start.
    """

    def __init__(self, picture: Callable[[int], VideoFrame], count: int) -> None:
        self._picture = picture
        self._count = count
        self._filter: Filter | None = None
        self._next = self._pushed = 0
        self._kind: tuple[str, int, int] = ("", 0, 0)

    def picture(self, number: int) -> VideoFrame:
        """Picture `number`."""
        if self._filter is None or number != self._next:
            made = self._begin(number)
        else:
            made = self._pull(number)
        self._next = number + 1
        return made

    def _begin(self, number: int) -> VideoFrame:
        before = self._picture(number - 1) if number else None
        here = self._picture(number)
        self._kind = kind(here)
        self._filter = Filter(here, "bwdif", "mode=send_frame:parity=auto:deint=all")
        if before is not None and kind(before) == self._kind:
            self._filter.push(before)
            self._filter.push(here)
            self._filter.pull()
        else:
            self._filter.push(here)
        self._pushed = number + 1
        return self._pull(number)

    def _pull(self, number: int) -> VideoFrame:
        assert self._filter is not None
        if self._pushed == number + 1:
            after = self._picture(self._pushed) if self._pushed < self._count else None
            if after is not None and kind(after) != self._kind:
                after = None
            self._filter.push(after)
            self._pushed += 1
            ended = after is None
        else:
            ended = True
        made = self._filter.pull()
        if ended:
            self._filter = None
        return made if made is not None else cast("VideoFrame", self._picture(number))
