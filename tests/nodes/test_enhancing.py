"""interpolate and upscale: which frames are made and which are kept, of whatever size, by whatever file of weights."""

from __future__ import annotations

import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.nodes.bench import CORE, Here, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, picture, pixels, tone
from tests.nodes.weights import COMPACT, RIFE, small_esrgan, small_rife, written
from vidflow.api import Image, NodeError, Video
from vidflow.errors import GraphError, ModelError
from vidflow.models import dense, esrgan, generators, ifnet
from vidflow.models.interpolation import Interpolator
from vidflow.models.transfers import apart, as_frame
from vidflow.models.upscaling import Upscaler
from vidflow.values.frames import arrived


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A RIFE of four small blocks."""
    return small_rife(tmp_path)


def moving(frames: int, width: int = 48, height: int = 40, rate: Fraction | int = 24, step: int = 1) -> Video:
    """A smooth pattern that moves to the right by two pixels every `step` frames."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    made = [
        np.stack([0.5 + 0.4 * np.sin((x - 2 * (k // step)) / 5 + c) * np.cos(y / 7 + c) for c in range(3)], -1)
        for k in range(frames)
    ]
    return Video.from_array(np.rint(np.stack(made) * 255).astype(np.uint8), rate, tone(frames * 2000))


# interpolate: which frames


@pytest.mark.parametrize(
    ("rate", "asked", "becomes"),
    [
        (Fraction(24), {"factor": 2}, Fraction(48)),
        (Fraction(24), {"factor": 3}, Fraction(72)),
        (Fraction(24), {"factor": 2.5}, Fraction(60)),
        (Fraction(24), {}, Fraction(48)),
        (Fraction(24), {"rate": "60"}, Fraction(60)),
        (Fraction(24000, 1001), {"rate": "60000/1001"}, Fraction(60000, 1001)),
        (Fraction(25), {"rate": "24"}, Fraction(24)),
        (Fraction(24000, 1001), {"rate": "50"}, Fraction(50)),
    ],
)
@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "float"])
def test_frames_that_fall_on_the_new_time_base_are_kept_bit_for_bit_and_only_the_others_are_made(
    call: Call, small: Path, rate: Fraction, asked: dict[str, Any], becomes: Fraction, deep: bool
) -> None:
    given = film(7, rate=rate, deep=deep)
    made = call("interpolate", video=given, model=str(small), scene_cut=1, **asked)
    assert made.info.rate == becomes
    assert made.info.frames == ceil(7 / rate * becomes)
    assert made.info.dtype == given.info.dtype
    before, after = pixels(given), pixels(made)
    for k, frame in enumerate(after):
        at = k * rate / becomes
        if at.denominator == 1 or at > 6:
            assert np.array_equal(frame, before[min(6, int(at))])
        else:
            assert not any(np.array_equal(frame, one) for one in before)


def test_sound_stays_as_it_is(call: Call, small: Path) -> None:
    given = film(12, rate=Fraction(24))
    made = call("interpolate", video=given, model=str(small))
    assert np.array_equal(made.audio.read(), given.audio.read())


@pytest.mark.parametrize("model", ["flow", "rife-small", "random"])
def test_motion_goes_on_between_the_frames(call: Call, small: Path, model: str) -> None:
    given = moving(6)
    made = pixels(call("interpolate", video=given, model=str(small) if model == "random" else model, factor=4))
    true = pixels(moving(21, step=1))
    if model == "random":
        assert made.shape == (24, 40, 48, 3)
        return
    # Two pixels in four steps: every second of them is a whole pixel, which another film has.
    half = pixels(_shifted(6))
    for k in range(5):
        error = np.abs(made[4 * k + 2, 8:-8, 8:-8].astype(int) - half[k, 8:-8, 8:-8])
        plain = np.abs(true[k].astype(int) + true[k + 1] - 2 * half[k])[8:-8, 8:-8] / 2
        assert error.mean() < 0.5 * plain.mean()


def test_the_flow_that_leads_a_network_is_found_once_for_all_moments_between_two_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = replace(RIFE, led=True)
    path, frames = small_rife(tmp_path, layout), pixels(moving(3, width=64, height=32))
    asked: list[int] = []
    find = dense.both_ways

    def counted(*given: Any, **how: Any) -> Any:
        asked.append(1)
        return find(*given, **how)

    monkeypatch.setattr(dense, "both_ways", counted)
    between = Interpolator(path, "cpu", "float32", None, ensemble=False).between
    made = [between((frames[k], frames[k + 1]), (k, k + 1), moment) for k in (0, 1) for moment in (0.25, 0.5)]
    assert len(asked) == 2
    net = ifnet.IFNet(layout)
    net.load_state_dict(load_file(path))
    first, second = (torch.from_numpy(one).permute(2, 0, 1)[None] / 255 for one in frames[1:])
    with torch.inference_mode():
        plain = net(first, second, torch.full((1, 1, 1, 1), 0.5))[0].permute(1, 2, 0)
    assert np.abs(arrived(made[3]) / 255 - plain.clamp(0, 1).numpy()).max() < 0.003
    assert not np.array_equal(arrived(made[2]), arrived(made[3]))


def _shifted(frames: int) -> Video:
    """The same film one pixel on: what is seen half way to each next frame."""
    y, x = np.mgrid[:40, :48].astype(np.float32)
    made = [
        np.stack([0.5 + 0.4 * np.sin((x - 2 * k - 1) / 5 + c) * np.cos(y / 7 + c) for c in range(3)], -1)
        for k in range(frames)
    ]
    return Video.from_array(np.rint(np.stack(made) * 255).astype(np.uint8), 24)


@pytest.mark.parametrize("model", ["flow", "small"])
def test_nothing_is_blended_across_a_cut(call: Call, small: Path, model: str) -> None:
    one, other = pixels(moving(5)), 255 - pixels(moving(5))[:, ::-1] // 2
    given = Video.from_array(np.concatenate((one, other)), 24)
    name = "flow" if model == "flow" else str(small)
    made = pixels(call("interpolate", video=given, model=name, factor=4))
    for k in range(17, 20):
        assert np.array_equal(made[k], one[4])
    assert not np.array_equal(made[15], one[3])
    blended = pixels(call("interpolate", video=given, model=name, factor=4, scene_cut=1))
    assert not np.array_equal(blended[18], one[4])


def test_a_drawing_that_is_held_for_two_frames_moves_on_where_duplicates_are_looked_for(call: Call) -> None:
    given = moving(8, step=2)
    plain = pixels(call("interpolate", video=given, model="flow"))
    assert np.array_equal(plain[0], plain[1])
    made = pixels(call("interpolate", video=given, model="flow", duplicates=True))
    smooth = pixels(_shifted(4))
    for k in range(3):
        assert np.array_equal(made[4 * k], pixels(given)[2 * k])
        assert np.abs(made[4 * k + 2].astype(int) - smooth[k])[8:-8, 8:-8].mean() < 3
        assert not np.array_equal(made[4 * k + 1], made[4 * k])
    again = pixels(call("interpolate", video=given, model="flow", duplicates=True, factor=1))
    assert again.shape == pixels(given).shape
    assert not np.array_equal(again[1], again[0])


@pytest.mark.parametrize("network", [False, True], ids=["flow", "network"])
def test_a_frame_is_the_same_in_whatever_order_frames_are_asked_for(call: Call, small: Path, network: bool) -> None:
    # A drawing that is held for five frames: what lies between its frames is made now of neighbours, now of frames
    # that are farther apart.
    whole = pixels(moving(3, step=1))
    given = Video.from_array(whole[[0, 1, 1, 1, 1, 1, 2]], 24, tone(14_000))
    model = str(small) if network else "flow"

    def made() -> Video:
        return call("interpolate", video=given, model=model, duplicates=True, scene_cut=1)

    straight, other = pixels(made()), made()
    for before, k in permutations(range(1, len(straight), 2), 2):
        other.frame(before)
        assert np.array_equal(other.frame(k), straight[k]), (before, k)


def test_what_stands_still_stays_as_it_is_where_duplicates_are_looked_for(call: Call) -> None:
    given = Video.from_array(np.repeat(pixels(moving(1)), 12, 0), 24)
    made = pixels(call("interpolate", video=given, model="flow", duplicates=True))
    assert np.abs(made.astype(int) - pixels(given)[0]).max() <= 1


@pytest.mark.parametrize(("width", "height"), [(16, 16), (33, 17), (5, 3), (1, 1), (64, 2)])
@pytest.mark.parametrize("model", ["flow", "small"])
def test_frames_of_any_size_are_interpolated(call: Call, small: Path, width: int, height: int, model: str) -> None:
    given = moving(3, width, height)
    made = call("interpolate", video=given, model="flow" if model == "flow" else str(small))
    assert pixels(made).shape == (6, height, width, 3)


def test_the_same_rate_or_one_frame_leave_a_video_as_it_is(call: Call, small: Path) -> None:
    given = film(5, rate=Fraction(24))
    assert np.array_equal(pixels(call("interpolate", video=given, model=str(small), rate="24")), pixels(given))
    still = pixels(call("interpolate", video=picture(), model=str(small)))
    assert len(still) == 2
    assert np.array_equal(still[0], still[1])


def test_a_frame_in_the_middle_is_the_same_whatever_was_read_before(call: Call, small: Path) -> None:
    made = call("interpolate", video=moving(9), model=str(small), factor=3)
    alone = pixels(made, 10, 11)
    assert np.array_equal(alone[0], pixels(made)[10])
    assert np.array_equal(pixels(made, 4, 6), pixels(made)[4:6])


def test_only_the_frames_that_a_frame_needs_are_read(small: Path, tmp_path: Path) -> None:
    asked: list[int] = []

    def counted(frame: Any) -> Any:
        asked.append(1)
        return frame

    run = Here(tmp_path)
    smooth = CORE["interpolate"].function(video=moving(40).map(counted), model=str(small), run=run)
    large = CORE["upscale"].function(
        video=smooth, model=str(small_esrgan(tmp_path, esrgan.Layout("compact", 2, 8, 1))), run=run
    )
    large.frame(41)
    assert len(asked) == 2
    large.frame(50)
    assert len(asked) == 3


# upscale


RRDB = esrgan.Layout("rrdb", 4, 8, 1, 4, 2)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, (96, 80)),
        ({"scale": 4}, (192, 160)),
        ({"scale": 3}, (144, 120)),
        ({"scale": 1.5}, (72, 60)),
        ({"height": 200}, (240, 200)),
        ({"height": 30}, (36, 30)),
    ],
)
def test_the_picture_gets_the_size_that_is_asked_for(
    call: Call, tmp_path: Path, asked: dict[str, Any], size: tuple[int, int]
) -> None:
    made = call("upscale", video=moving(2), model=str(small_esrgan(tmp_path, COMPACT)), **asked)
    assert (made.info.width, made.info.height) == size
    assert pixels(made).shape == (2, size[1], size[0], 3)
    assert made.info.frames == 2
    assert made.audio is not None


@pytest.mark.parametrize(
    "layout",
    [
        COMPACT,
        esrgan.Layout("compact", 4, 8, 1),
        RRDB,
        esrgan.Layout("rrdb", 2, 8, 1, 4, 2),
        esrgan.Layout("rrdb", 1, 8, 1, 4, 2),
    ],
    ids=lambda one: f"{one.kind} x{one.scale}",
)
@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "float"])
def test_tiles_leave_no_seam(call: Call, tmp_path: Path, layout: esrgan.Layout, deep: bool) -> None:
    model = str(small_esrgan(tmp_path, layout))
    given = film(1, width=171, height=149, deep=deep)
    whole = pixels(call("upscale", video=given, model=model, tile=1024))
    tiled = pixels(call("upscale", video=given, model=model, tile=64))
    assert whole.shape == (1, 149 * layout.scale, 171 * layout.scale, 3)
    assert whole.dtype == pixels(given).dtype
    assert np.abs(tiled.astype(float) - whole).max() <= (1e-3 if deep else 1)
    assert whole.std() > 0.01


def test_an_image_stays_an_image(call: Call, tmp_path: Path) -> None:
    made = call("upscale", video=picture(), model=str(small_esrgan(tmp_path, COMPACT)))
    assert isinstance(made, Image)


def test_a_result_that_is_too_large_is_refused(call: Call, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="smaller scale"):
        call("upscale", video=film(1, width=4096, height=16), model=str(small_esrgan(tmp_path, COMPACT)), scale=16)


# Files that are not what they should be


def told(in_graph: InGraph, type: str, model: Path | str, **more: Any) -> str:
    """What is said of a file, whether by the check or by the run."""
    with pytest.raises((GraphError, NodeError, ModelError)) as caught:
        pixels(in_graph(type, video=moving(3), model=str(model), **more))
    return str(caught.value)


class Bomb:
    """Says when it is executed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("type", ["interpolate", "upscale"])
def test_a_checkpoint_that_cannot_be_used_is_refused_by_name_and_nothing_in_it_runs(
    in_graph: InGraph, tmp_path: Path, type: str
) -> None:
    expected = "IFNet" if type == "interpolate" else "RRDBNet"
    right = ifnet.IFNet(RIFE) if type == "interpolate" else generators.network(COMPACT)
    other = generators.network(COMPACT) if type == "interpolate" else ifnet.IFNet(RIFE)
    for suffix in ("safetensors", "pth"):
        kind = written(other, tmp_path / f"other.{suffix}")
        said = told(in_graph, type, kind)
        assert "another network" in said
        assert expected in said
        assert str(kind) in said
        whole = written(right, tmp_path / f"whole.{suffix}")
        cut = tmp_path / f"cut.{suffix}"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
        assert str(cut) in told(in_graph, type, cut)
        text = tmp_path / f"text.{suffix}"
        text.write_text("no weights at all")
        assert str(text) in told(in_graph, type, text)

    state = right.state_dict()
    name = next(name for name in state if name.endswith("conv0.1.0.bias") or name == "body.2.bias")
    unfit = {**state, name: torch.zeros(len(state[name]) + 1)}
    save_file({key: one.clone() for key, one in unfit.items()}, tmp_path / "unfit.safetensors")
    said = told(in_graph, type, tmp_path / "unfit.safetensors")
    assert name in said
    assert "expected" in said
    lacks = {key: one.clone() for key, one in state.items() if key != name}
    save_file(lacks, tmp_path / "lacks.safetensors")
    assert name in told(in_graph, type, tmp_path / "lacks.safetensors")

    trace = tmp_path / "executed"
    torch.save({**state, "extra": Bomb(trace)}, tmp_path / "bomb.pth")
    assert "could run code" in told(in_graph, type, tmp_path / "bomb.pth")
    (tmp_path / "raw.pkl").write_bytes(pickle.dumps(Bomb(trace)))
    assert str(tmp_path / "raw.pkl") in told(in_graph, type, tmp_path / "raw.pkl")
    assert not trace.exists()

    huge = {**state, name: torch.zeros(1).expand(10**9)}
    torch.save(huge, tmp_path / "huge.pth")
    assert "larger than what is stored" in told(in_graph, type, tmp_path / "huge.pth")
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert str(tmp_path / "zip.pth") in told(in_graph, type, tmp_path / "zip.pth")
    assert "film.mp4" in told(in_graph, type, _written(tmp_path / "film.mp4"))
    assert "no-such-model" in told(in_graph, type, "no-such-model")


def _written(path: Path) -> Path:
    path.write_bytes(b"\0" * 64)
    return path


def test_settings_that_exclude_each_other_are_a_problem(in_graph: InGraph, small: Path, tmp_path: Path) -> None:
    assert "factor and rate" in told(in_graph, "interpolate", small, factor=2, rate="60")
    net = small_esrgan(tmp_path, COMPACT)
    assert "scale and height" in told(in_graph, "upscale", net, scale=2, height=90)


def test_a_version_without_ensemble_says_that_it_was_left_out(tmp_path: Path) -> None:
    layout = replace(RIFE, out=52)
    run = Here(tmp_path)
    model = small_rife(tmp_path, layout, "late.pth")
    made = CORE["interpolate"].function(video=moving(2), model=str(model), ensemble=True, run=run)
    assert pixels(made).shape[0] == 4
    assert "ensemble" in run.notes[0]


@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc's heap")
def test_in_a_process_of_its_own_a_frame_is_made_in_the_memory_of_the_one_before(tmp_path: Path) -> None:
    code = """
import resource, sys
import numpy as np
from pathlib import Path
from vidflow import heap
heap.steady()
heap._TRIM_EVERY = 60  # or a slow machine gives memory back after every frame
from vidflow.models.upscaling import Upscaler
upscaler = Upscaler(Path(sys.argv[1]), "cpu", "float32", None)
frame = np.zeros((360, 640, 3), np.uint8)
def faults():
    upscaler.enlarged(frame, 1, lambda k, n: None)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
seen = [faults() for _ in range(9)]
print(min(np.diff(seen)))  # now and then one needs some more
"""
    command = [sys.executable, "-c", code, str(small_esrgan(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # Each layer gives 7 MB: more than 1,800 pages, had they to be given anew, beside those of the frame itself, in
    # float32 and then in uint8.
    assert abs(int(done.stdout) - 720 * 1280 * 3 * (4 + 1) // 4096) < 500, done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc's heap")
def test_frames_that_are_made_lie_outside_the_heap_that_networks_work_in(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
import numpy as np
from vidflow import heap
heap.steady()
from vidflow.models.interpolation import Interpolator
from vidflow.models.upscaling import Upscaler
between = Interpolator(Path(sys.argv[1]), "cpu", "float32", None, ensemble=False)
upscaler = Upscaler(Path(sys.argv[2]), "cpu", "float32", None)
frames = np.random.default_rng(0).integers(256, size=(2, 360, 640, 3), dtype=np.uint8)
middle = between.between((frames[0], frames[1]), (0, 1), 0.5)
above = upscaler.enlarged(middle, 1, lambda *_: None)
kept = [part.numpy() for pair in between._seen.values() for part in pair]
first, last = next(line.split()[0] for line in open("/proc/self/maps") if "[heap]" in line).split("-")
print(*(int(first, 16) <= one.ctypes.data < int(last, 16) for one in (middle, above, *kept)))
"""
    command = [sys.executable, "-c", code, str(small_rife(tmp_path)), str(small_esrgan(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 6


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("height", [1, 64, 150])
def test_a_picture_becomes_the_frame_that_is_nearest(height: int, dtype: str) -> None:
    picture = torch.rand(1, 3, height, 40, generator=torch.Generator().manual_seed(height)) * 1.4 - 0.2
    given = picture.clone()
    frame = as_frame(picture, np.dtype(dtype))
    assert isinstance(frame, np.ndarray)
    assert frame.dtype == dtype
    values = np.clip(given[0].permute(1, 2, 0).numpy(), 0, 1)
    assert np.array_equal(frame, np.rint(values * 255) if dtype == "uint8" else values)
    assert torch.equal(picture, given)


def test_a_picture_becomes_a_frame_in_no_more_than_the_frame_needs() -> None:
    picture, made = torch.rand(1, 3, 640, 40), []

    class Made(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = func(*args, **(kwargs or {}))
            stores = [one.untyped_storage() for one in tree_leaves(found)]
            made.extend(one.nbytes() for one in stores if one.data_ptr() != picture.untyped_storage().data_ptr())
            return found

    with Made():
        frame = as_frame(picture, np.dtype("uint8"))
    assert isinstance(frame, np.ndarray)
    assert max(made) == frame.nbytes


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_part_of_a_larger_tensor_is_kept_apart_as_a_copy_of_it_is(layout: torch.memory_format) -> None:
    part = torch.rand(1, 4, 200, 300).contiguous(memory_format=layout)[:, :3, 8:, :280]
    kept = apart(part)
    assert torch.equal(kept, part)
    assert kept.stride() == part.clone().stride()
    part.zero_()
    assert kept.any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_gpu_gives_what_the_cpu_gives(tmp_path: Path, dtype: str) -> None:
    clip = np.random.default_rng(0).random((9, 48, 64, 3), np.float32)
    frames = clip if dtype == "float32" else (clip * 255).astype(np.uint8)
    rife, esrgan = small_rife(tmp_path), small_esrgan(tmp_path)
    found = []
    for device in ("cpu", "cuda:0"):
        between = Interpolator(rife, device, "float32", None, ensemble=False)
        above = Upscaler(esrgan, device, "float32", 32)
        # All are sent before the first is waited for.
        made = [between.between((frames[k], frames[k + 1]), (k, k + 1), 0.5) for k in range(8)]
        made += [above.enlarged(frame, 2, lambda k, n: None) for frame in frames]
        found.append([arrived(one).astype(np.float32) for one in made])
    for ours, theirs in zip(*found, strict=True):
        assert np.abs(ours - theirs).max() <= (1 if dtype == "uint8" else 1e-3)
