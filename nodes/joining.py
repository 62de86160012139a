"""Several videos into one film, with transitions."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Annotated, Any

from vidflow.api import Audio, AudioInfo, NodeError, Number, Run, Video, VideoInfo, media, node

from .shape import fitted
from .timing import at_rate, exact
from .transitions import BLENDS, Crossing, Kind

STILLS_RATE = Fraction(25)
"""Frames per second of a film of stills alone."""


@node(title="Concat", category="Time", version=2)
def concat(
    videos: list[Video],
    *,
    transition: Annotated[list[Kind], "one for all joints, or one for each"] = ["cut"],  # noqa: B006
    transition_seconds: Annotated[list[float], Number(0, unit="s"), "one for all, or one for each"] = [1.0],  # noqa: B006
    run: Run,
) -> Video:
    """Play videos one after the other.

    The film has the first clip's size, the rate of the first that is no image, and the first sound's layout; the others
    are brought to them, their proportions kept inside black bars. An image is shown for one second.

    A transition overlaps the two clips beside it, so it makes the film shorter: `crossfade` mixes them, `fade` goes
    through black, `wipe` uncovers the second from the left. It is shortened where a clip is too short for it.
    """
    if not videos:
        raise NodeError("there is no video to join; link at least one.")
    joints = len(videos) - 1
    kinds = for_each(transition, joints, "transitions")
    seconds = for_each(transition_seconds, joints, "values of transition_seconds")
    clips = alike(videos)
    rate = clips[0].info.rate
    wanted = [0 if kind == "cut" else round(exact(one) * rate) for kind, one in zip(kinds, seconds, strict=True)]
    lengths = [clip.info.frames for clip in clips]
    overlaps = fitting(wanted, lengths)
    for number, (want, got) in enumerate(zip(wanted, overlaps, strict=True), 1):
        if got < want:
            run.note(
                f"The {kinds[number - 1]} at joint {number} lasts {got} frames, not {want}: a clip is too short for it."
            )
    cut = Cut(lengths, overlaps)
    film = Video.joined(clips)
    sound = next((video.audio.info for video in videos if video.audio), None)
    heard = film_sound(clips, cut, kinds, sound) if sound else None
    if not any(overlaps):
        return film.with_audio(heard)

    def make(frames: list[Any], k: int) -> Any:
        if len(frames) == 1:
            return frames[0]
        return BLENDS[kinds[cut.clip(k) - 1]](frames[0], frames[1], cut.share(k))

    return film.resample(make, cut.needs, replace(film.info, frames=cut.frames), heard)


def for_each(given: list[Any], joints: int, what: str) -> list[Any]:
    """One value for each joint of those that were given. Raises NodeError where their number fits neither way."""
    if len(given) not in (1, joints):
        raise NodeError(
            f"there are {len(given)} {what} for {joints} joint{'s' * (joints != 1)}; give one for all, or one for each."
        )
    return list(given) * joints if len(given) == 1 else list(given)


# The clips


def alike(videos: list[Video]) -> list[Video]:
    """The videos in one size, rate and depth."""
    depth = "float32" if any(video.info.dtype == "float32" for video in videos) else "uint8"
    stills = STILLS_RATE if len(videos) > 1 else videos[0].info.rate
    rate = next((video.info.rate for video in videos if (video.info.frames, video.info.rate) != (1, 1)), stills)
    target = replace(videos[0].info, dtype=depth, rate=rate)
    return [conformed(video, target) for video in videos]


def conformed(video: Video, target: VideoInfo) -> Video:
    """The video in the size, rate and depth of `target`."""
    info = video.info
    if (info.width, info.height) != (target.width, target.height):
        make = fitted(info.width, info.height, target.width, target.height, "contain", "bicubic")
        video = video.map(make, width=target.width, height=target.height)
    if video.info.dtype != target.dtype:
        video = video.map(lambda frame: frame, takes=target.dtype)
    return at_rate(video, target.rate)


# The cut


def fitting(wanted: list[int], lengths: list[int]) -> list[int]:
    """The overlaps in frames, as wanted where the clips are long enough.

    A clip that is too short for the two it takes part in is shared among them in proportion, so that no frame of it is
    in both.
    """
    before, after = [0, *wanted], [*wanted, 0]
    shares = [
        [want * length // max(length, one + other) for want in (one, other)]
        for one, other, length in zip(before, after, lengths, strict=True)
    ]
    return [min(left[1], right[0]) for left, right in pairwise(shares)]


class Cut:
    """Where each clip lies in the film, in frames."""

    def __init__(self, lengths: list[int], overlaps: list[int]) -> None:
        """`overlaps[n]` frames are those that clip n shares with clip n + 1."""
        self.overlaps = [0, *overlaps]
        self.starts = list(accumulate(map(int.__sub__, lengths, overlaps), initial=0))
        """The film's frame that each clip begins at."""
        self.ends = list(map(int.__add__, self.starts, lengths))
        self.frames = self.ends[-1]
        self._firsts = list(accumulate(lengths, initial=0))

    def clip(self, k: int) -> int:
        """Which clip is shown at frame k of the film; in a transition, the one that comes."""
        return bisect_right(self.starts, k) - 1

    def needs(self, k: int) -> tuple[int, ...]:
        """The frames that frame k of the film is made from, counted along all clips: two in a transition."""
        number = self.clip(k)
        place = k - self.starts[number]
        shown = self._firsts[number] + place
        if place >= self.overlaps[number]:
            return (shown,)
        return (self._firsts[number] - self.overlaps[number] + place, shown)

    def share(self, k: int) -> float:
        """How far a transition is at frame k of the film: evenly between 0 and 1, neither of which is reached."""
        number = self.clip(k)
        return (k - self.starts[number] + 1) / (self.overlaps[number] + 1)


def film_sound(clips: list[Video], cut: Cut, kinds: list[Kind], like: AudioInfo) -> Audio:
    """The clips' sounds in the rate and layout of `like`, each where its picture is and exactly as long."""

    def at(frame: int) -> int:
        # From the start of the film, so that what is rounded off never adds up.
        return round(frame / clips[0].info.rate * like.rate)

    own = [clip.audio and media.convert(clip.audio, like.rate, like.layout) for clip in clips]

    def heard(number: int, start: int, stop: int) -> Audio:
        """Clip `number` from `start` to `stop` in samples of the film."""
        origin, sound = at(cut.starts[number]), own[number]
        return sound.slice(start - origin, stop - origin) if sound else Audio.silence(like, stop - start)

    sounds: list[Audio] = []
    for number in range(len(clips)):
        begun, whole = at(cut.starts[number]), at(cut.starts[number] + cut.overlaps[number])
        leaves = at(cut.starts[number + 1]) if number + 1 < len(clips) else at(cut.frames)
        if begun < whole:
            both = heard(number - 1, begun, whole), heard(number, begun, whole)
            sounds.append(Crossing(*both, kinds[number - 1]).sound())
        sounds.append(heard(number, whole, leaves))
    return Audio.joined(sounds)
