"""load_video, load_image, load_audio: what is in the file, and what is said where nothing is."""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.nodes.bench import CORE, Here, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, info, picture, pixels, samples, tone, write_film, write_picture, write_wave
from vidflow.api import Image, MediaError, NodeError
from vidflow.errors import GraphError


@pytest.mark.parametrize("rate", [25, Fraction(24000, 1001)])
def test_a_video_is_what_the_file_holds(call: Call, tmp_path: Path, rate: Fraction | int) -> None:
    whole = film(12, 18, 14, rate)
    found = call("load_video", path=str(write_film(tmp_path / "in.mkv", whole)))
    assert found.info == info(18, 14, rate, 12, audio=found.audio.info)
    assert (pixels(found) == pixels(whole)).all()
    assert np.array_equal(samples(found), samples(whole))


def test_a_silent_video_has_no_sound(call: Call, tmp_path: Path) -> None:
    path = write_film(tmp_path / "in.mkv", film(3, silent=True))
    assert call("load_video", path=str(path)).audio is None


def test_any_frame_can_be_had_first(call: Call, tmp_path: Path) -> None:
    whole = film(40)
    found = call("load_video", path=str(write_film(tmp_path / "in.mkv", whole)))
    for index in (39, 0, 17):
        assert (found.frame(index) == whole.frame(index)).all()


def test_deep_video_comes_as_floats(call: Call, tmp_path: Path) -> None:
    whole = film(2, deep=True)
    found = call("load_video", path=str(write_film(tmp_path / "in.mkv", whole, depth=16)))
    assert found.info.dtype == "float32"
    assert np.allclose(pixels(found), pixels(whole), atol=1 / 65535)


def test_an_image_is_what_the_file_holds(call: Call, tmp_path: Path) -> None:
    still = picture(9, 7)
    found = call("load_image", path=str(write_picture(tmp_path / "in.png", still)))
    assert isinstance(found, Image)
    assert found.info == info(9, 7, 1, 1)
    assert (found.numpy() == still.numpy()).all()


def test_a_sound_is_what_the_file_holds(call: Call, tmp_path: Path) -> None:
    whole = np.random.default_rng(0).integers(-(2**15), 2**15, (2000, 2)).astype(np.int16)
    found = call("load_audio", path=str(write_wave(tmp_path / "in.wav", whole, 44100)))
    assert (found.info.rate, found.info.layout, found.info.samples) == (44100, "stereo", 2000)
    assert np.array_equal(found.read(), whole / np.float32(2**15))


def test_the_sound_of_a_video_can_be_had_alone(call: Call, tmp_path: Path) -> None:
    whole = film(25, audio=tone(48000))
    found = call("load_audio", path=str(write_film(tmp_path / "in.mkv", whole)))
    assert np.array_equal(found.read(), samples(whole))


@pytest.mark.parametrize(
    ("type", "name", "said"),
    [
        ("load_video", "in.mp4", "this is no media file that can be read"),
        ("load_audio", "in.wav", "this is no media file that can be read"),
    ],
)
def test_a_file_that_is_no_media_is_named_with_node_and_input(
    in_graph: InGraph, tmp_path: Path, type: str, name: str, said: str
) -> None:
    (tmp_path / name).write_text("this is only text", "utf-8")
    with pytest.raises(NodeError) as caught:
        in_graph(type, path=str(tmp_path / name))
    assert str(caught.value).startswith(f"it.path: {tmp_path / name}: {said}")


def test_a_picture_that_is_none_is_named_before_the_run(in_graph: InGraph, tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_text("this is only text", "utf-8")
    with pytest.raises(GraphError) as caught:
        in_graph("load_image", path=str(path))
    assert str(caught.value).startswith(f"it.path: {path}: this is no picture that can be read.")


@pytest.mark.parametrize(
    ("type", "holds", "said"),
    [
        ("load_video", "sound", "this file holds sound but no pictures."),
        ("load_audio", "silent pictures", "this file holds no sound."),
        ("load_image", "sound", "this is no picture that can be read"),
    ],
)
def test_a_file_of_another_kind_is_told_so(in_graph: InGraph, tmp_path: Path, type: str, holds: str, said: str) -> None:
    path = tmp_path / "in.mkv"
    if holds == "sound":
        write_wave(path, np.zeros((100, 1), np.int16))
    else:
        write_film(path, film(2, silent=True))
    with pytest.raises(GraphError if type == "load_image" else NodeError) as caught:
        in_graph(type, path=str(path))
    assert str(caught.value).startswith(f"it.path: {path}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("type", ["load_video", "load_image", "load_audio"])
def test_a_file_that_is_not_there_is_found_before_the_run(in_graph: InGraph, tmp_path: Path, type: str) -> None:
    with pytest.raises(GraphError, match=r"it\.path: .*gone\.mp4"):
        in_graph(type, path=str(tmp_path / "gone.mp4"))
    with pytest.raises(GraphError, match=r"it\.path: "):
        in_graph(type)


def test_the_plain_function_raises_what_the_media_layer_says(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gone\.mp4"):
        CORE["load_video"].function(path=str(tmp_path / "gone.mp4"), run=Here(tmp_path))


def test_a_name_in_any_script_can_be_read(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "海 100%#.mkv"
    shutil.copy(write_film(tmp_path / "in.mkv", film(2)), path)
    assert (pixels(call("load_video", path=str(path))) == pixels(film(2))).all()


def test_real_clips_are_opened(call: Call, real_media: Path) -> None:
    found = call("load_video", path=str(real_media / "bigbuckbunny.mp4"))
    assert found.info.frames > 100
    assert found.info.audio.samples > 0
    assert found.frame(60).std() > 10, "it shows something"


def test_what_a_person_should_know_of_a_video_is_in_the_notes_of_the_node(in_graph: InGraph, tmp_path: Path) -> None:
    path = tmp_path / "woven.mkv"
    options = ["-f", "lavfi", "-i", "testsrc2=s=32x32:r=25:d=0.2,setfield=tff", "-c:v", "ffv1", "-field_order", "tt"]
    subprocess.run(["ffmpeg", "-v", "error", *options, str(path)], check=True, stdin=subprocess.DEVNULL)
    here = Here(tmp_path)
    woven = CORE["load_video"].function(path=str(path), run=here)
    assert len(here.notes) == 1
    assert "interlaced, top field first" in here.notes[0]
    whole = in_graph("load_video", path=str(path), deinterlace=True)
    assert whole.info == woven.info
    assert (pixels(whole) != pixels(woven)).any()
