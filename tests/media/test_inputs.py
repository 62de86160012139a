"""Every usual kind of video file: loaded, with the frames that ffmpeg itself shows and the count that ffprobe gives."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.media.conftest import MakeClip
from vidflow.media.decode import VideoFile, open_video

SOURCE = "testsrc2=s=66x50:r=25,noise=alls=12:allf=t"
"""An odd multiple of two and no multiple of four wide and high; every frame differs from the one before everywhere."""
SMALL = "testsrc2=s=64x48:r=25"
SIF = "testsrc2=s=176x144:r=25"
PAL = "testsrc2=s=720x576:r=25"
DOT = "testsrc2=s=64x48:r=25,scale=1:1:flags=area"
SLOWING = ("-vf", "select='lt(n,10)+not(mod(n,3))'", "-vsync", "vfr")
"""Every frame of the first ten, then every third."""
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
AV1 = ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime")


@dataclass(frozen=True)
class Made:
    """One file: how ffmpeg makes it, and how near its frames must come to what ffmpeg shows, in steps of 255."""

    name: str
    options: tuple[str, ...]
    source: str = SOURCE
    frames: int = 4
    within: float = 2

    def made(self, make_clip: MakeClip) -> Path:
        """The file."""
        inputs = () if self.source == "-" else ("-f", "lavfi", "-i", self.source)
        return make_clip(self.name, *inputs, "-frames:v", str(self.frames), *self.options)


def ffv1(pixels: str, within: float = 2) -> Made:
    """Matroska with FFV1, which takes most formats of planes."""
    return Made(f"{pixels}.mkv", ("-c:v", "ffv1", "-pix_fmt", pixels), within=within)


def raw(pixels: str, within: float = 2) -> Made:
    """NUT with bare pixels, which takes the rest."""
    return Made(f"{pixels}.nut", ("-c:v", "rawvideo", "-pix_fmt", pixels), within=within)


YUV = "yuv410p yuv411p yuv420p yuv422p yuv440p yuv444p yuva420p yuva444p yuv420p9le yuv420p10le yuv422p10le"
YUV += " yuv444p12le yuv420p14le yuv444p16le yuva444p10le"
PLAIN = "gray gray9le gray10le gray12le gray16le ya8 bgra gbrp9le gbrp10le gbrp12le gbrp14le gbrp16le gbrap16le rgb48le"
PACKED = "yuyv422 uyvy422 nv12 nv21 yuv444p10be"
BARE = "rgb24 bgr24 argb rgb565le rgb555le rgb8 pal8 monow monob gray16be rgb48be"

PIXELS = [
    *(ffv1(pixels) for pixels in YUV.split()),
    *(ffv1(pixels, 1) for pixels in PLAIN.split()),
    *(raw(pixels) for pixels in PACKED.split()),
    *(raw(pixels, 1) for pixels in BARE.split()),
]
CODECS = [
    Made("h264.mp4", (*X264, "-bf", "2"), frames=12),
    Made("h264-10.mov", (*X264, "-pix_fmt", "yuv422p10le")),
    Made("h264-rgb.mp4", ("-c:v", "libx264rgb", "-pix_fmt", "rgb24"), within=1),
    Made("h264-full.mp4", (*X264, "-pix_fmt", "yuvj420p")),
    Made("h264-709.mp4", (*X264, "-colorspace", "bt709", "-color_range", "tv")),
    Made("hevc.mp4", (*X265, "-pix_fmt", "yuv420p"), frames=12),
    Made("hevc10.mkv", (*X265, "-pix_fmt", "yuv420p10le")),
    Made("hevc12.mkv", (*X265, "-pix_fmt", "yuv444p12le")),
    Made("av1.mp4", (*AV1, "-pix_fmt", "yuv420p")),
    Made("av1-10.webm", (*AV1, "-pix_fmt", "yuv420p10le")),
    Made("vp8.webm", ("-c:v", "libvpx", "-deadline", "realtime"), frames=12),
    Made("vp9.webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-lag-in-frames", "10"), frames=20),
    Made("vp9-10.webm", (*VP9, "-pix_fmt", "yuv420p10le")),
    Made("vp9-rgb.mp4", (*VP9, "-pix_fmt", "gbrp"), within=1),
    Made("mpeg1.mpg", ("-c:v", "mpeg1video"), frames=12),
    Made("mpeg2.vob", ("-c:v", "mpeg2video", "-bf", "2"), frames=12),
    Made("mpeg2-422.mxf", ("-c:v", "mpeg2video", "-pix_fmt", "yuv422p", "-bf", "2"), SMALL, 12),
    Made("mpeg4.avi", ("-c:v", "mpeg4", "-bf", "2"), frames=12),
    Made("mpeg4.3gp", ("-c:v", "mpeg4"), SIF),
    Made("h263.3gp", ("-c:v", "h263"), "testsrc2=s=176x144:r=30000/1001"),
    Made("msmpeg4.avi", ("-c:v", "msmpeg4")),
    Made("mjpeg.avi", ("-c:v", "mjpeg")),
    Made("mjpeg444.mov", ("-c:v", "mjpeg", "-pix_fmt", "yuvj444p")),
    Made("prores.mov", ("-c:v", "prores_ks", "-profile:v", "hq")),
    Made("prores4444.mov", ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le")),
    Made(
        "dnxhr.mov", ("-c:v", "dnxhd", "-profile:v", "dnxhr_hqx", "-pix_fmt", "yuv422p10le"), "testsrc2=s=256x128:r=25"
    ),
    Made("huffyuv.avi", ("-c:v", "huffyuv", "-pix_fmt", "yuv422p")),
    Made("ffvhuff.avi", ("-c:v", "ffvhuff", "-pix_fmt", "yuv420p10le")),
    Made("utvideo.avi", ("-c:v", "utvideo", "-pix_fmt", "gbrp"), within=1),
    Made("magicyuv.avi", ("-c:v", "magicyuv", "-pix_fmt", "yuv444p")),
    Made("raw.avi", ("-c:v", "rawvideo", "-pix_fmt", "bgr24"), within=1),
    Made("v210.mov", ("-c:v", "v210")),
    Made("r210.mov", ("-c:v", "r210"), within=1),
    Made("theora.ogv", ("-c:v", "libtheora"), frames=12),
    Made("wmv1.asf", ("-c:v", "wmv1"), frames=12),
    Made("wmv2.wmv", ("-c:v", "wmv2"), frames=12),
    Made("flv1.flv", ("-c:v", "flv1"), frames=12),
    Made("h264.flv", X264, frames=12),
    Made("flash.swf", ("-c:v", "flv1")),
    Made("gif.gif", (), within=1),
    Made("apng.apng", ("-f", "apng", "-plays", "0"), within=1),
    Made("qtrle.mov", ("-c:v", "qtrle"), within=1),
    Made("png.mov", ("-c:v", "png", "-pix_fmt", "rgb24"), within=1),
    Made("png16.mov", ("-c:v", "png", "-pix_fmt", "rgb48be"), within=1),
    Made("cinepak.avi", ("-c:v", "cinepak"), SMALL, within=1),
    Made("svq1.mov", ("-c:v", "svq1"), SMALL),
    Made("jpeg2000.mxf", ("-c:v", "jpeg2000", "-pix_fmt", "yuv422p10le")),
    Made("cfhd.mov", ("-c:v", "cfhd", "-pix_fmt", "yuv422p10le"), SMALL),
    Made("zmbv.avi", ("-c:v", "zmbv"), within=1),
    Made("real.rm", ("-c:v", "rv10"), SIF),
]
CONTAINERS = [
    Made("transport.ts", (*X264, "-bf", "2"), frames=12),
    Made("disc.m2ts", (*X264, "-bf", "2"), frames=12),
    Made("bare.h264", (*X264, "-bf", "2"), frames=12),
    Made("bare.hevc", (*X265, "-pix_fmt", "yuv420p"), frames=12),
    Made("bare.m2v", ("-c:v", "mpeg2video", "-bf", "2"), frames=12),
    Made("bare.m4v", ("-c:v", "mpeg4", "-bf", "2"), frames=12),
    Made("bare.obu", (*AV1, "-pix_fmt", "yuv420p")),
    Made("bare.ivf", ("-c:v", "libvpx", "-deadline", "realtime"), frames=12),
    Made("bare.y4m", ("-pix_fmt", "yuv420p")),
    Made("deep.y4m", ("-pix_fmt", "yuv420p10le", "-strict", "-1")),
    Made("b.nut", ("-c:v", "mpeg4", "-bf", "2"), frames=12),
    Made("fragments.mp4", (*X264, "-movflags", "frag_keyframe+empty_moov", "-g", "4"), frames=12),
    Made("live.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-live", "1"), frames=12),
    Made("flash.f4v", X264),
    Made("recorder.wtv", ("-c:v", "mpeg2video")),
]
SHAPES = [
    Made("one.mp4", X264, frames=1),
    Made("dot.mkv", ("-c:v", "ffv1", "-pix_fmt", "gbrp"), DOT, within=1),
    Made("dot.mp4", (*X264, "-pix_fmt", "yuv444p"), DOT),
    Made("odd.mp4", (*X264, "-pix_fmt", "yuv444p"), "testsrc2=s=37x23:r=25"),
    Made("eight-k.mov", ("-c:v", "mjpeg", "-q:v", "9"), "testsrc2=s=7680x4320:r=25", 1),
    Made("12.mp4", ("-c:v", "mpeg4"), "testsrc2=s=66x50:r=12"),
    Made("23.976.mov", ("-c:v", "mpeg4"), "testsrc2=s=66x50:r=24000/1001", 12),
    Made("240.mkv", ("-c:v", "mpeg4"), "testsrc2=s=66x50:r=240", 12),
    Made("1.avi", ("-c:v", "mpeg4"), "testsrc2=s=66x50:r=1"),
    Made("variable.mkv", (*SLOWING, "-c:v", "ffv1"), "testsrc2=s=66x50:r=30", 16),
    Made("variable.mp4", (*SLOWING, *X264), "testsrc2=s=66x50:r=30", 16),
    Made("variable.gif", SLOWING, SOURCE, 16, 1),
    Made("interlaced.dv", ("-c:v", "dvvideo", "-pix_fmt", "yuv411p"), "testsrc2=s=720x480:r=30000/1001", 1),
    Made("interlaced.gxf", ("-c:v", "mpeg2video", "-flags", "+ildct+ilme"), PAL, 2),
    Made("interlaced.mov", ("-c:v", "prores_ks", "-flags", "+ildct", "-top", "1")),
    Made("interlaced.mp4", (*X264, "-flags", "+ildct+ilme"), SMALL),
    Made("anamorphic.mp4", (*X264, "-vf", "setsar=4/3")),
]
EVERY = [*PIXELS, *CODECS, *CONTAINERS, *SHAPES]


def check(path: Path, within: float, ffprobe) -> None:
    """That the file opens, and shows what ffmpeg shows, as often as ffprobe counts."""
    video = open_video(path)
    info = video.info
    file: VideoFile = video.made_by.open.__self__
    deep = info.dtype == "float32"
    frames = np.concatenate([part.numpy() for part in video.read()])
    # Threads of the conversion would each take a slice, and a mosaic is interpolated within a slice only.
    command = ["ffmpeg", "-v", "error", "-filter_threads", "1", "-i", path, "-map", "0:V:0", "-fps_mode", "passthrough"]
    command += ["-pix_fmt", "rgb48le" if deep else "rgb24", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    shown = np.frombuffer(raw, np.uint16 if deep else np.uint8).reshape(-1, info.height, info.width, 3)
    said = ffprobe(path, "stream=nb_read_frames", "-count_frames", "-select_streams", "V:0")
    count = int(said["streams"][0]["nb_read_frames"])
    assert len(file.index) == count
    assert len(shown) == count
    assert len(frames) == info.frames
    if not file.timing.variable:
        assert info.frames == count
    for number, frame in enumerate(frames):
        expected = shown[file.timing.source(number)]
        if deep:
            off = np.abs(frame * np.float32(255) - expected / np.float32(257)).max()
        else:
            off = (np.maximum(frame, expected) - np.minimum(frame, expected)).max()
        assert off <= within, f"frame {number} is off by {off:.2f}"


@pytest.mark.parametrize("made", EVERY, ids=lambda made: made.name)
def test_every_kind_of_file_shows_what_ffmpeg_shows(make_clip, ffprobe, made):
    check(made.made(make_clip), made.within, ffprobe)


def test_there_are_at_least_sixty_kinds():
    assert len({made.name for made in EVERY}) == len(EVERY) >= 60


@pytest.mark.parametrize("pixels", ["bayer_rggb8", "bayer_gbrg16le"])
def test_the_raw_mosaic_of_a_camera_is_shown_as_ffmpeg_shows_it(make_clip, ffprobe, pixels):
    grey = "gray" if pixels.endswith("8") else "gray16le"
    bare = make_clip("mosaic.gray", "-f", "lavfi", "-i", SMALL, "-frames:v", "2", "-pix_fmt", grey, "-f", "rawvideo")
    like = ("-f", "rawvideo", "-pixel_format", pixels, "-video_size", "64x48", "-framerate", "25")
    check(make_clip(f"{pixels}.nut", *like, "-i", bare, "-c", "copy"), 2, ffprobe)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_cover_of_a_film_is_not_its_pictures(make_clip, ffprobe, suffix):
    cover = make_clip("cover.png", "-f", "lavfi", "-i", "color=red:s=200x200", "-frames:v", "1")
    film = make_clip("film.mp4", "-f", "lavfi", "-i", SOURCE, "-frames:v", "5", *X264)
    if suffix == "mp4":
        inputs = ("-i", cover, "-i", film, "-map", "0", "-map", "1", "-disposition:v:0", "attached_pic")
    else:
        inputs = ("-i", film, "-attach", cover, "-metadata:s:t", "mimetype=image/png")
    clip = make_clip(f"covered.{suffix}", *inputs, "-c", "copy")
    check(clip, 2, ffprobe)
    assert open_video(clip).info.frames == 5


def test_data_and_subtitles_beside_the_pictures_change_nothing(make_clip, ffprobe, tmp_path):
    lines = tmp_path / "lines.srt"
    lines.write_text("1\n00:00:00,000 --> 00:00:09,000\nHello\n")
    inputs = (
        "-f",
        "lavfi",
        "-i",
        SOURCE,
        "-f",
        "lavfi",
        "-i",
        "sine",
        "-i",
        lines,
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "2",
    )
    options = ("-timecode", "01:00:00:00", "-c:s", "mov_text", "-t", "0.4", *X264)
    clip = make_clip("data.mov", *inputs, *options)
    check(clip, 2, ffprobe)
    said: list[str] = []
    assert open_video(clip, note=said.append).info.frames == 10
    assert said == []
