"""Several videos into one."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import Annotated, Literal

from vidflow.api import Audio, AudioInfo, NodeError, Video, VideoInfo, media, node

from .shape import fitted


@node(title="Concat", category="Time")
def concat(
    videos: list[Video],
    *,
    transition: Annotated[list[Literal["cut"]], "one for all joints, or one for each"] = ["cut"],  # noqa: B006
) -> Video:
    """Play videos one after the other.

    The film has the first clip's size and rate, and the first sound's layout; the others are brought to them, their
    proportions kept inside black bars.
    """
    if not videos:
        raise NodeError("there is no video to join; link at least one.")
    joints = len(videos) - 1
    if len(transition) not in (1, joints):
        raise NodeError(
            f"there are {len(transition)} transitions for {joints} joint{'s' * (joints != 1)}; give one for all, or "
            f"one for each."
        )
    depth = "float32" if any(video.info.dtype == "float32" for video in videos) else "uint8"
    target = replace(videos[0].info, dtype=depth)
    clips = [conformed(video, target) for video in videos]
    joined = Video.joined(clips)
    sound = next((video.audio.info for video in videos if video.audio), None)
    return joined.with_audio(joined_sound(clips, sound)) if sound else joined


def conformed(video: Video, target: VideoInfo) -> Video:
    """The video in the size, rate and depth of `target`."""
    info = video.info
    if (info.width, info.height) != (target.width, target.height):
        make = fitted(info.width, info.height, target.width, target.height, "contain", "bicubic")
        video = video.map(make, width=target.width, height=target.height)
    if video.info.dtype != target.dtype:
        video = video.map(lambda frame: frame, takes=target.dtype)
    if info.rate != target.rate:
        step = info.rate / target.rate
        count, last = ceil(info.duration * target.rate), info.frames - 1
        changed = replace(video.info, rate=target.rate, frames=count)
        video = video.resample(None, lambda k: (min(int(k * step), last),), changed, video.audio)
    return video


def joined_sound(clips: list[Video], like: AudioInfo) -> Audio:
    """The clips' sounds in the rate and layout of `like`, each exactly as long as its picture."""
    rate, frames, sounds = clips[0].info.rate, 0, list[Audio]()
    for clip in clips:
        first = round(frames / rate * like.rate)
        frames += clip.info.frames
        length = round(frames / rate * like.rate) - first
        if clip.audio is None:
            sounds.append(Audio.silence(like, length))
        else:
            sounds.append(media.convert(clip.audio, like.rate, like.layout).slice(0, length))
    return Audio.joined(sounds)
