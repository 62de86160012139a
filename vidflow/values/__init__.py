"""What flows along a wire between two nodes. Importing this loads neither numpy nor torch."""

from vidflow.values.audio import Audio, AudioInfo, AudioReader
from vidflow.values.data import Conditioning, Latents, Model, Prompt, Report
from vidflow.values.frames import Frame, Frame8, Frames
from vidflow.values.video import AnyVideo, FrameReader, Image, Video, VideoInfo

__all__ = [
    "AnyVideo",
    "Audio",
    "AudioInfo",
    "AudioReader",
    "Conditioning",
    "Frame",
    "Frame8",
    "FrameReader",
    "Frames",
    "Image",
    "Latents",
    "Model",
    "Prompt",
    "Report",
    "Video",
    "VideoInfo",
]
