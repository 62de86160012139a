"""image_sequence: which files it plays, in which order and size, and what it says of the others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE, Here, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import info, picture, pixels, write_picture
from vidflow.api import MediaError, NodeError, Video
from vidflow.media.image import write_image
from vidflow.media.sequence import fitted, natural


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Ten pictures whose names sort otherwise as text than as numbers."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for k in range(1, 11):
        write_picture(folder / f"shot{k}.png", picture(seed=k))
    return folder


def noted(path: Path, rate: str = "24") -> tuple[Video, list[str]]:
    """The video, and what was said of it."""
    here = Here(path.parent)
    return CORE["image_sequence"].function(path=str(path), rate=rate, run=here), here.notes


def test_pictures_of_a_folder_play_in_the_order_of_their_numbers(call: Call, shots: Path) -> None:
    found = call("image_sequence", path=str(shots))
    assert found.info == info(16, 12, 24, 10)
    expected = np.stack([picture(seed=k).numpy() for k in range(1, 11)])
    assert (pixels(found) == expected).all()
    for k in (9, 0, 4):
        assert (found.frame(k) == expected[k]).all()


def test_a_pattern_chooses_files_and_the_rate_is_what_was_asked(call: Call, shots: Path) -> None:
    found = call("image_sequence", path=str(shots / "shot1*.png"), rate="30000/1001")
    assert (found.info.rate, found.info.frames) == (Fraction(30000, 1001), 2)
    assert (found.frame(1) == picture(seed=10).numpy()).all()


def test_a_well_kept_folder_has_no_notes(shots: Path) -> None:
    assert noted(shots)[1] == []


def test_files_that_are_no_pictures_are_left_out_of_a_folder_and_named(shots: Path) -> None:
    (shots / "notes.txt").write_text("what was shot when", "utf-8")
    (shots / "shot3b.png").write_text("only the name is a picture's", "utf-8")
    found, notes = noted(shots)
    assert found.info.frames == 10
    assert notes == ["2 files of no kind of picture left out, the first is notes.txt."]


def test_hidden_files_and_folders_are_not_looked_at(shots: Path) -> None:
    write_picture(shots / ".hidden.png", picture())
    (shots / "shot99.png").mkdir()
    found, notes = noted(shots)
    assert (found.info.frames, notes) == (10, [])


def test_a_file_that_a_pattern_names_must_be_a_picture(in_graph: InGraph, shots: Path) -> None:
    (shots / "shot3b.png").write_text("no picture", "utf-8")
    with pytest.raises(NodeError, match=r"it\.path: .*\*\.png: shot3b\.png is no picture that can be read"):
        in_graph("image_sequence", path=str(shots / "*.png"))


def test_a_folder_without_pictures_is_named(in_graph: InGraph, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no picture", "utf-8")
    with pytest.raises(NodeError, match=r"it\.path: .*texts: there is no picture in this folder"):
        in_graph("image_sequence", path=str(tmp_path / "texts"))


def test_another_size_is_fitted_inside_with_black_bars_and_named(shots: Path) -> None:
    tall = np.full((24, 8, 3), 200, np.uint8)
    write_image(shots / "shot5.png", tall)
    write_image(shots / "shot7.png", tall)
    found, notes = noted(shots)
    assert notes == [
        "2 pictures of another size than 16x12 fitted inside with black bars, the first is shot5.png (8x24)."
    ]
    frame = found.frame(4)
    assert (frame[:, 6:10] == 200).all()
    assert not frame[:, :6].any()
    assert not frame[:, 10:].any()
    assert (found.frame(5) == picture(seed=6).numpy()).all()


def test_the_first_picture_gives_the_depth(tmp_path: Path) -> None:
    for name, deep in (("a", True), ("b", False), ("c", True)):
        write_image(tmp_path / f"{name}.png", picture(seed=1, deep=deep).numpy())
    (found, _), (other, _) = noted(tmp_path / "*.png"), noted(tmp_path / "[bc].png")
    assert (found.info.dtype, found.info.frames) == ("float32", 3)
    assert np.abs(found.frame(1) - found.frame(0)).max() < 0.003
    assert (other.info.dtype, other.info.frames) == ("uint8", 2)
    assert np.array_equal(other.frame(1), other.frame(0))


def test_only_the_first_picture_is_decoded_before_it_is_read(shots: Path) -> None:
    damaged = bytearray((shots / "shot8.png").read_bytes())
    damaged[33:] = b"\xff" * (len(damaged) - 33)
    (shots / "shot8.png").write_bytes(damaged)
    found, notes = noted(shots)
    assert (found.info.frames, notes) == (10, [])
    assert (found.frame(8) == picture(seed=9).numpy()).all()
    with pytest.raises(MediaError, match=r"shot8\.png: this picture is damaged"):
        found.frame(7)


def test_all_kinds_that_load_image_reads_can_be_mixed(tmp_path: Path) -> None:
    plain = np.full((12, 16, 3), [200, 100, 50], np.uint8)
    for name in ("a.png", "b.jpg", "c.webp"):
        write_image(tmp_path / name, plain)
    found, notes = noted(tmp_path)
    assert notes == []
    assert np.abs(pixels(found).astype(int) - plain).max() < 4


@pytest.mark.parametrize("rate", ["0", "-1", "fast", "1001"])
def test_a_rate_that_is_none_is_told_before_the_run(in_graph: InGraph, shots: Path, rate: str) -> None:
    with pytest.raises(Exception, match=r"it\.rate: .*is no frame rate"):
        in_graph("image_sequence", path=str(shots), rate=rate)


def test_a_picture_that_is_changed_changes_the_result(in_graph: InGraph, shots: Path) -> None:
    before = pixels(in_graph("image_sequence", path=str(shots)))
    write_picture(shots / "shot4.png", picture(seed=99))
    after = pixels(in_graph("image_sequence", path=str(shots)))
    assert [k for k in range(10) if not (before[k] == after[k]).all()] == [3]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10**12)), min_size=2, unique=True))
def test_numbers_in_names_sort_as_numbers(parts: list[tuple[str, int]]) -> None:
    names = [Path(f"{letter}{number}.png") for letter, number in parts]
    assert [path.name for path in sorted(names, key=natural)] == [
        f"{letter}{number}.png" for letter, number in sorted(parts)
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1), min_size=1))
def test_any_names_can_be_sorted_the_same_way_each_time(names: list[str]) -> None:
    paths = [Path(f"x{name}") for name in names]
    back = paths[::-1]
    there = sorted(paths, key=natural)
    back.sort(key=natural)
    assert there == back


@given(*(st.integers(1, 40) for _ in range(4)), st.booleans())
def test_what_is_fitted_has_the_size_and_touches_two_sides(
    old_width: int, old_height: int, width: int, height: int, deep: bool
) -> None:
    frame = np.ones((old_height, old_width, 3), np.float32 if deep else np.uint8)
    found = fitted(frame, width, height)
    assert found.shape == (height, width, 3)
    assert found.dtype == frame.dtype
    assert found[(height - 1) // 2, (width - 1) // 2].any()
    rows, columns = found.any(axis=(1, 2)), found.any(axis=(0, 2))
    assert rows.all() or columns.all()
