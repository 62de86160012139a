"""grade: every value is what the plain definition in float64 says, and `.cube` files are read strictly."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nodes.bench import CORE, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, gradient, picture, pixels, samples
from vidflow.api import Image, NodeError, Video
from vidflow.errors import GraphError

LUMA = np.array([0.2126, 0.7152, 0.0722])
grade: Callable[..., Any] = CORE["grade"].function


def to_light(values: np.ndarray) -> np.ndarray:
    """SRGB to light, as the standard writes it."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_srgb(light: np.ndarray) -> np.ndarray:
    """Light to sRGB."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


GREY = float(to_srgb(np.array(0.18)))


def defined(
    values: np.ndarray,
    exposure: float = 0,
    temperature: float = 0,
    tint: float = 0,
    contrast: float = 1,
    saturation: float = 1,
) -> np.ndarray:
    """The definition in float64, values in 0..1 in, not clipped."""
    balance = np.array([2 ** (temperature / 2), 2 ** (-tint / 2), 2 ** (-temperature / 2)])
    light = to_light(values.astype(np.float64)) * 2**exposure * balance / (balance @ LUMA)
    values = (to_srgb(light) - GREY) * contrast + GREY
    grey = (values @ LUMA)[..., None]
    return grey + (values - grey) * saturation


def off(graded: Video, wanted: np.ndarray) -> float:
    """By how much the worst value is off, in steps of 255; rounding to bytes is not counted."""
    found = pixels(graded)
    if found.dtype == np.float32:
        return float(np.abs(found - wanted.clip(0, 1)).max() * 255)
    return float(np.abs(found - wanted.clip(0, 1) * 255).max() - 0.5)


def values_of(video: Video) -> np.ndarray:
    """The frames in 0..1."""
    found = pixels(video)
    return found / 255 if found.dtype == np.uint8 else found


SETTINGS: dict[str, dict[str, float]] = {
    "exposure": {"exposure": 1.3},
    "a dark exposure": {"exposure": -4},
    "warm": {"temperature": 0.7},
    "cool and green": {"temperature": -1, "tint": -0.4},
    "contrast": {"contrast": 1.7},
    "no contrast": {"contrast": 0},
    "saturation": {"saturation": 2.5},
    "black and white": {"saturation": 0},
    "all": {"exposure": 0.6, "temperature": -0.3, "tint": 0.2, "contrast": 1.4, "saturation": 1.8},
    "highlights brought back": {"exposure": 3, "contrast": 0.3, "saturation": 0.6},
}


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("name", SETTINGS)
def test_each_value_is_what_the_definition_says(call: Call, name: str, deep: bool) -> None:
    whole = film(3, 37, 41, deep=deep)
    graded = call("grade", video=whole, **SETTINGS[name])
    assert graded.info == whole.info
    assert off(graded, defined(values_of(whole), **SETTINGS[name])) < 0.01
    assert np.array_equal(samples(graded), samples(whole))


@given(
    exposure=st.floats(-4, 4),
    temperature=st.floats(-1, 1),
    tint=st.floats(-1, 1),
    contrast=st.floats(0, 4),
    saturation=st.sampled_from([0, 0.5, 1, 1.3, 4]),
    deep=st.booleans(),
    size=st.sampled_from([(1, 1), (3, 65), (40, 7)]),
)
@settings(max_examples=60, deadline=None)
def test_any_setting_gives_what_the_definition_says(deep: bool, size: tuple[int, int], **given: float) -> None:
    whole = film(1, *size, deep=deep)
    assert off(grade(whole, **given), defined(values_of(whole), **given)) < 0.02


def test_the_defaults_change_nothing(call: Call) -> None:
    whole = film(3)
    assert grade(whole) is whole
    assert (pixels(call("grade", video=whole)) == pixels(whole)).all()


def mean_of(video: Video) -> list[float]:
    """Mean red, green and blue."""
    return pixels(video).mean(axis=(0, 1, 2)).tolist()


def plain(*colour: int) -> Image:
    """A picture of one colour."""
    return Image.from_frame(np.full((4, 4, 3), colour, np.uint8))


def test_one_stop_doubles_the_light(call: Call) -> None:
    graded = pixels(call("grade", video=plain(100, 50, 20), exposure=1))[0, 0, 0]
    assert np.abs(to_light(graded / 255) / to_light(np.array([100, 50, 20]) / 255) - 2).max() < 0.05


def test_warm_is_redder_and_cool_is_bluer_at_the_same_brightness(call: Call) -> None:
    grey = plain(128, 128, 128)
    for temperature in (0.5, -0.5):
        red, green, blue = mean_of(call("grade", video=grey, temperature=temperature))
        assert (red > 128 > blue) if temperature > 0 else (red < 128 < blue)
        assert abs(to_light(np.array([red, green, blue]) / 255) @ LUMA - to_light(np.array(128 / 255))) < 0.003
    red, green, blue = mean_of(call("grade", video=grey, tint=0.5))
    assert red == blue > 128 > green


def test_contrast_keeps_middle_grey_and_moves_the_rest_away(call: Call) -> None:
    assert mean_of(call("grade", video=plain(60, 118, 200), contrast=1.5)) == [31, 118, 241]


def test_no_saturation_leaves_the_brightness(call: Call) -> None:
    assert mean_of(call("grade", video=plain(200, 60, 30), saturation=0)) == [88, 88, 88]


def test_an_image_stays_an_image(call: Call) -> None:
    assert isinstance(call("grade", video=picture(), exposure=1), Image)
    assert not isinstance(call("grade", video=film(1), exposure=1), Image)


@pytest.mark.parametrize(
    "inputs", [{"exposure": 5}, {"contrast": -1}, {"saturation": 4.5}, {"temperature": 5000}, {"tint": -2}]
)
def test_a_setting_out_of_range_is_refused_before_the_run(in_graph: InGraph, inputs: dict[str, float]) -> None:
    with pytest.raises(GraphError, match=rf"it\.{next(iter(inputs))}: .* is out of range"):
        in_graph("grade", video=film(1), **inputs)


# LUTs


def written(
    folder: Path, table: np.ndarray, dimensions: int = 3, head: str = "", name: str = "it's a [look], 50%;.cube"
) -> Path:
    """A `.cube` file of a table `[n, n, n, 3]`, indexed by blue, green, red, or `[n, 3]`."""
    rows = "\n".join(" ".join(f"{value:.9g}" for value in row) for row in table.reshape(-1, 3))
    path = folder / name
    path.write_text(f'TITLE "A look"\n# made of numbers\nLUT_{dimensions}D_SIZE {len(table)}\n{head}\n{rows}\n')
    return path


def tetrahedral(table: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values 0..1 in a table indexed by blue, green, red: from corner to corner in the order of their fractions."""
    top = len(table) - 1
    at = values.astype(np.float64).clip(0, 1) * top
    low = np.minimum(at.astype(int), top - 1)
    share = at - low
    order = np.argsort(-share, axis=-1, kind="stable")
    sorted_share = np.take_along_axis(share, order, axis=-1)
    weights = -np.diff(np.concatenate([np.ones_like(share[..., :1]), sorted_share, 0 * share[..., :1]], axis=-1))
    corner = low.copy()
    found = np.zeros_like(at)
    for step in range(4):
        found += weights[..., step, None] * table[corner[..., 2], corner[..., 1], corner[..., 0]]
        if step < 3:
            corner += np.arange(3) == order[..., step, None]
    return found


@pytest.fixture
def table() -> np.ndarray:
    """A wild 3D table of 7 entries a side."""
    return np.random.default_rng(5).uniform(-0.2, 1.2, (7, 7, 7, 3))


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("before", [{}, {"contrast": 1.5}, {"saturation": 1.7, "exposure": 0.4}])
def test_a_3d_lut_is_interpolated_in_tetrahedra(
    call: Call, tmp_path: Path, table: np.ndarray, deep: bool, before: dict[str, float]
) -> None:
    whole = film(2, 37, 41, deep=deep)
    graded = call("grade", video=whole, lut=str(written(tmp_path, table)), **before)
    assert graded.info == whole.info
    assert off(graded, tetrahedral(table, defined(values_of(whole), **before))) < 0.1


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 50), (129, 33)])
def test_a_lut_fits_a_picture_of_any_size(tmp_path: Path, table: np.ndarray, size: tuple[int, int], deep: bool) -> None:
    whole = film(1, *size, deep=deep)
    assert off(grade(whole, lut=str(written(tmp_path, table))), tetrahedral(table, values_of(whole))) < 0.1


def test_what_is_no_number_becomes_black(tmp_path: Path, table: np.ndarray) -> None:
    frame = pixels(film(1, 37, 41, deep=True))[0].copy()
    frame[3:9, 5:30] = np.nan
    frame[9:12, 5:30] = np.inf
    frame[12:15, 5:30] = -np.inf
    graded = grade(Image.from_frame(frame), lut=str(written(tmp_path, table)))
    assert off(graded, tetrahedral(table, np.nan_to_num(frame, nan=0, posinf=1, neginf=0)[None])) < 0.1


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("size", [2, 33])
def test_a_lut_of_nothing_changes_nothing(call: Call, tmp_path: Path, size: int, deep: bool) -> None:
    steps = np.linspace(0, 1, size)
    same = np.stack(np.meshgrid(steps, steps, steps, indexing="ij")[::-1], axis=-1)
    whole = film(2, deep=deep)
    graded = pixels(call("grade", video=whole, lut=str(written(tmp_path, same))))
    assert np.abs(graded - pixels(whole).astype(np.float64)).max() <= (1e-5 if deep else 0)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("before", [{}, {"saturation": 0.5}])
def test_a_1d_lut_is_interpolated_in_each_channel(
    call: Call, tmp_path: Path, deep: bool, before: dict[str, float]
) -> None:
    curves = np.random.default_rng(6).uniform(-0.2, 1.2, (11, 3))
    whole = film(2, 37, 41, deep=deep)
    graded = call("grade", video=whole, lut=str(written(tmp_path, curves, 1)), **before)
    given = defined(values_of(whole), **before).clip(0, 1)
    wanted = [np.interp(given[..., one], np.linspace(0, 1, 11), curves[:, one]) for one in range(3)]
    assert off(graded, np.stack(wanted, axis=-1)) < 0.1


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("head", "low", "high"),
    [
        ("DOMAIN_MIN 0.1 0.2 -0.5\nDOMAIN_MAX 0.8 1 2", (0.1, 0.2, -0.5), (0.8, 1, 2)),
        ("LUT_3D_INPUT_RANGE -0.25 1.5", (-0.25,) * 3, (1.5,) * 3),
    ],
)
def test_a_lut_is_used_over_its_domain(
    call: Call, tmp_path: Path, table: np.ndarray, head: str, low: Any, high: Any, deep: bool
) -> None:
    whole = film(2, 37, 41, deep=deep)
    graded = call("grade", video=whole, lut=str(written(tmp_path, table, head=head)), exposure=0.5)
    place = (defined(values_of(whole), exposure=0.5) - low) / (np.array(high) - low)
    assert off(graded, tetrahedral(table, place)) < 0.1


def test_one_frame_alone_and_many_threads_give_the_same_bits(tmp_path: Path, table: np.ndarray) -> None:
    graded = grade(film(12, 160, 90), lut=str(written(tmp_path, table)), saturation=1.2, temperature=0.1)
    whole = pixels(graded)
    order = [*range(11, -1, -1), *range(12)] * 4
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(graded.frame, order))
    finally:
        sys.setswitchinterval(before)
    assert all((frame == whole[k]).all() for frame, k in zip(found, order, strict=True))


def test_nothing_is_left_in_the_folder_of_temporary_files(
    tmp_path: Path, table: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "it's a [temporary], 50%;folder"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    graded = grade(gradient(), lut=str(written(tmp_path, table)))
    assert off(graded, tetrahedral(table, values_of(gradient()))) < 0.1
    assert list(folder.iterdir()) == []


def test_a_cube_file_may_have_any_line_ends_blanks_and_a_byte_order_mark(tmp_path: Path, table: np.ndarray) -> None:
    path = written(tmp_path, table)
    text = path.read_text().replace("\n", " \r\n\r\n  ").replace("D_SIZE ", "D_SIZE \t ")
    other = tmp_path / "other.cube"
    other.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert (pixels(grade(film(1), lut=str(other))) == pixels(grade(film(1), lut=str(path)))).all()


CORNERS = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# empty", "the LUT it.cube names no LUT_1D_SIZE or LUT_3D_SIZE; expected a .cube file."),
        ("\x89PNG\r\n\x1a\n\t\t", "the LUT it.cube names no LUT_1D_SIZE or LUT_3D_SIZE; expected a .cube file."),
        ("\x89PNG\r\n\x1a\n\0\0", "line 3 of the LUT it.cube reads '\\x00\\x00': this is no text."),
        ("hello world", "line 1 of the LUT it.cube reads 'hello': expected TITLE, "),
        (f"LUT_3D_SIZE 1\n{CORNERS}", "line 1 of the LUT it.cube reads 'LUT_3D_SIZE 1': expected a size of 2 to 129."),
        ("LUT_3D_SIZE 130", "line 1 of the LUT it.cube reads 'LUT_3D_SIZE 130': expected a size of 2 to 129."),
        ("LUT_3D_SIZE 99999999999", "line 1 of the LUT it.cube reads 'LUT_3D_SIZE 99999999999': expected a size"),
        ("LUT_1D_SIZE 65537", "line 1 of the LUT it.cube reads 'LUT_1D_SIZE 65537': expected a size of 2 to 65536."),
        ("LUT_3D_SIZE two", "line 1 of the LUT it.cube reads 'LUT_3D_SIZE two': expected a size of 2 to 129."),
        ("LUT_1D_SIZE 2\nLUT_3D_SIZE 2", "line 2 of the LUT it.cube reads 'LUT_3D_SIZE 2': a second size"),
        (f"LUT_3D_SIZE 2\n{CORNERS}\n0 0 0", "line 10 is after 8 colours, but a table of size 2 in 3 dimensions has 8"),
        (f"LUT_3D_SIZE 2\n{CORNERS[:-6]}", "the file ends after 7 colours, but a table of size 2 in 3 dimensions has"),
        (f"LUT_3D_SIZE 2\n{CORNERS[:-1]}nan", "line 9 of the LUT it.cube reads '1 1 nan': expected three finite"),
        (f"LUT_3D_SIZE 2\n{CORNERS[:-1]}1e999", "line 9 of the LUT it.cube reads '1 1 1e999': expected three finite"),
        (f"LUT_3D_SIZE 2\n{CORNERS[:-5]}1,0 1,0 1,0", "line 9 of the LUT it.cube reads '1,0 1,0 1,0': expected three"),
        (f"LUT_3D_SIZE 2\n{CORNERS[:-1]}1_0", "line 9 of the LUT it.cube reads '1 1 1_0': expected three numbers."),
        (f"LUT_3D_SIZE 2\n{CORNERS[:-2]}", "line 9 of the LUT it.cube reads '1 1': expected three numbers."),
        (f"LUT_3D_SIZE 2\n0 0 0\nTITLE x\n{CORNERS}", "line 3 of the LUT it.cube reads 'TITLE x': a keyword after"),
        (f"LUT_3D_SIZE 2\nDOMAIN_MIN 0 0\n{CORNERS}", "line 2 of the LUT it.cube reads '0 0': expected three numbers."),
        (f"LUT_3D_SIZE 2\nDOMAIN_MAX 1 0 1\n{CORNERS}", "the LUT it.cube has the domain (0.0, 0.0, 0.0) to (1.0, 0.0,"),
        (f"LUT_3D_SIZE 2\n{CORNERS}\n{'1' * 2000}", "line 10 of the LUT it.cube reads '1111111111"),
    ],
)
def test_a_file_that_is_no_lut_is_refused_with_its_line(call: Call, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "it.cube"
    path.write_text(text, "latin-1", newline="")
    with pytest.raises(NodeError) as caught:
        call("grade", video=film(1), lut=str(path))
    assert str(caught.value).startswith(said)


@given(data=st.binary(max_size=300), head=st.sampled_from([b"", b"LUT_1D_SIZE 2\n", b"LUT_3D_SIZE 2\n"]))
@settings(max_examples=150, deadline=None)
def test_no_content_of_a_file_does_worse_than_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.cube"
    path.write_bytes(head + data)
    try:
        graded = grade(film(1), lut=str(path))
    except NodeError:
        return
    assert pixels(graded).shape == (1, 12, 16, 3)


def test_a_lut_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"^the LUT .*none\.cube cannot be read: No such file"):
        grade(film(1), lut=str(tmp_path / "none.cube"))
