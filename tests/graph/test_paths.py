"""Paths: where inputs are looked for, and that nothing is written outside of where it may be."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from vidflow.errors import GraphError
from vidflow.graph import Paths, files_of


def refusal(paths: Paths, name: str) -> str:
    with pytest.raises(GraphError) as caught:
        paths.output(name)
    (problem,) = caught.value.problems
    assert problem.code == "bad-output-name"
    return problem.message


def test_inputs_resolve_against_the_graph_or_where_the_command_runs(paths: Paths, tmp_path: Path) -> None:
    assert paths.input("media/clip.mp4") == paths.base / "media" / "clip.mp4"
    assert paths.input("x.mp4", from_set=True) == paths.cwd / "x.mp4"
    assert paths.input("../x.mp4") == tmp_path / "x.mp4"
    assert paths.input("/data/x.mp4") == Path("/data/x.mp4")
    assert paths.input("resources:media/x.mp4").parts[-3:] == ("resources", "media", "x.mp4")


def test_dots_after_a_symlink_mean_what_they_mean_to_the_system(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "far" / "inner").mkdir(parents=True)
    (paths.base / "jump").symlink_to(tmp_path / "far" / "inner")
    assert paths.input("jump/../x.mp4") == tmp_path / "far" / "x.mp4"


@pytest.mark.parametrize(
    "name", ["resources:../pyproject.toml", "resources:/etc/passwd", "resources:", "resources:a/../.."]
)
def test_a_resource_never_leaves_the_resources(paths: Paths, name: str) -> None:
    with pytest.raises(GraphError, match="no file shipped with vidflow"):
        paths.input(name)


@pytest.mark.parametrize(
    "name",
    ["a.mp4", "sub/b.mp4", "sub/../b.mp4", "./c.mp4", ".hidden.mp4", "日本.mp4", "a..b.mp4", "{n}.mp4", "{n:04}/x.mp4"],
)
def test_a_name_below_the_output_directory_is_fine(paths: Paths, name: str) -> None:
    assert paths.output(name) == Path(os.path.normpath(paths.output_dir / name))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("../x.mp4", "outside of the output directory"),
        ("sub/../../x.mp4", "outside of the output directory"),
        ("/tmp/x.mp4", "outside of the output directory"),
        ("//tmp/x.mp4", "outside of the output directory"),
        ("/dev/null", "outside of the output directory"),
        ("~/x.mp4", "begins with ~"),
        ("~root/x.mp4", "begins with ~"),
        (".", "names a folder"),
        ("..", "names a folder"),
        ("sub/", "names a folder"),
        ("sub/.", "names a folder"),
        ("sub/..", "names a folder"),
        ("a\0.mp4", "control character"),
        ("a\n.mp4", "control character"),
        ("a\x7f.mp4", "control character"),
        ("a\ud800.mp4", "control character"),
        ("a.mp4.", "ends with a dot or a space"),
        ("a.mp4 ", "ends with a dot or a space"),
        ("sub. /a.mp4", "ends with a dot or a space"),
        ("..\\x.mp4", "backslash"),
        ("é" * 126 + ".mp4", "longer than 255 bytes"),
        ("a/" * 3000 + "x.mp4", "longer than 4000"),
        ("a/" * 1990 + "x.mp4", "path is too long"),
        ("{m}.mp4", "brace"),
    ],
)
def test_a_name_that_leaves_or_is_no_name_is_refused(paths: Paths, name: str, why: str) -> None:
    assert why in refusal(paths, name)


def test_a_symlink_out_of_the_directory_is_refused_wherever_it_is(paths: Paths, tmp_path: Path) -> None:
    out = paths.output_dir
    out.mkdir()
    (tmp_path / "away").mkdir()
    (out / "folder").symlink_to(tmp_path / "away")
    (out / "file.mp4").symlink_to(tmp_path / "away" / "file.mp4")
    (out / "chain").symlink_to(out / "folder")
    (out / "loop").symlink_to(out / "loop")
    for name in ("folder/x.mp4", "folder/deep/x.mp4", "file.mp4", "chain/x.mp4"):
        assert "leaves the output directory through a symlink" in refusal(paths, name)
    assert refusal(paths, "loop")
    assert refusal(paths, "loop/x.mp4")
    (out / "inside").symlink_to(out / "real")
    assert paths.output("inside/x.mp4") == out / "inside" / "x.mp4"


def test_the_output_directory_itself_may_be_a_symlink(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    paths.output_dir.symlink_to(tmp_path / "disk")
    assert paths.output("x.mp4") == paths.output_dir / "x.mp4"


def test_what_is_there_and_no_plain_file_is_refused(paths: Paths) -> None:
    out = paths.output_dir
    (out / "folder").mkdir(parents=True)
    os.mkfifo(out / "pipe")
    (out / "file").write_bytes(b"")
    assert "is a folder" in refusal(paths, "folder")
    assert "is a device or a pipe" in refusal(paths, "pipe")
    assert "which is no folder" in refusal(paths, "file/x.mp4")
    assert "which is no folder" in refusal(paths, "file/deeper/x.mp4")
    assert paths.output("file") == out / "file"


def test_more_may_be_written_where_the_user_allows_it(paths: Paths, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (tmp_path / "secret").mkdir()
    (more / "hole").symlink_to(tmp_path / "secret")
    allowed = replace(paths, allow_write=(more, Path("/dev")))
    assert allowed.output(str(more / "x.mp4")) == more / "x.mp4"
    assert allowed.output("../../more/x.mp4") == more / "x.mp4"
    assert "is a device or a pipe" in refusal(allowed, "/dev/null")
    assert "symlink" in refusal(allowed, str(more / "hole" / "x.mp4"))
    assert "outside" in refusal(allowed, str(tmp_path / "more2" / "x.mp4"))
    assert "outside" in refusal(allowed, str(more))
    assert "outside" in refusal(paths, str(more / "x.mp4"))


def test_the_next_free_number_follows_the_highest(paths: Paths) -> None:
    template = paths.output("run_{n:03}.mp4")
    assert paths.free_name(template) == paths.output_dir / "run_001.mp4"
    paths.output_dir.mkdir()
    for name in ("run_1.mp4", "run_007.mp4", "run_9.mov", "run_x.mp4", "rerun_99.mp4", "run_12.mp4.part"):
        (paths.output_dir / name).write_bytes(b"")
    assert paths.free_name(template) == paths.output_dir / "run_008.mp4"
    assert paths.free_name(paths.output("{n}.mp4")) == paths.output_dir / "1.mp4"
    assert paths.free_name(paths.output("plain.mp4")) == paths.output_dir / "plain.mp4"


def test_a_number_may_stand_in_a_folder_and_braces_in_the_output_directory(paths: Paths, tmp_path: Path) -> None:
    odd = replace(paths, output_dir=tmp_path / "{n}")
    (tmp_path / "{n}" / "take 3").mkdir(parents=True)
    assert odd.free_name(odd.output("take {n}/shot {n:02}.mp4")) == tmp_path / "{n}" / "take 4" / "shot 04.mp4"
    assert odd.free_name(odd.output("new/{n}.mp4")) == tmp_path / "{n}" / "new" / "1.mp4"


def test_the_files_of_a_folder_or_a_pattern(paths: Paths) -> None:
    media = paths.base / "media"
    (media / ".hidden.png").write_bytes(b"")
    (media / "folder.png").mkdir()
    names = sorted(each.name for each in files_of(paths.input_folder("media/*.png")))
    assert names == ["shot_1.png", "shot_2.png"]
    assert len(list(files_of(paths.input_folder("media")))) == 3
    (paths.base / "[a]").mkdir()
    (paths.base / "[a]" / "x.png").write_bytes(b"")
    assert [each.name for each in files_of(paths.input_folder("[a]"))] == ["x.png"]
    assert [each.name for each in files_of(paths.input_folder("[a]/*.png"))] == ["x.png"]
