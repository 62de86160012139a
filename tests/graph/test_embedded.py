"""A movie that carries a graph is read as a graph file is; one that does not is refused in a few words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidflow.errors import GraphError
from vidflow.graph import check, from_mapping, load
from vidflow.graph.files import located
from vidflow.graph.paths import paths_for

GRAPH: dict[str, Any] = {
    "vidflow": 1,
    "nodes": {
        "words": {"type": "text", "inputs": {"value": '海 = "sea"; #1\\n\n'}},
        "off": {"type": "trim", "off": True},
    },
    "view": {"nodes": {"words": {"at": [0, 1.5], "title": "Wörter 題名"}}},
}
TEXT = json.dumps(GRAPH, ensure_ascii=False)
CODECS = {"mp4": "mpeg4", "mov": "mpeg4", "mkv": "mpeg4", "webm": "libvpx"}


def movie(path: Path, text: str | None) -> Path:
    """A film of two frames that carries `text`."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "color=s=32x32:d=0.08", "-c:v"]
    command += [CODECS.get(path.suffix[1:], "mpeg4"), "-f", {"mkv": "matroska"}.get(path.suffix[1:], path.suffix[1:])]
    if path.suffix in (".mp4", ".mov"):
        command += ["-movflags", "use_metadata_tags"]
    if text is not None:
        command += ["-metadata", f"vidflow={text}"]
    subprocess.run([*command, str(path)], check=True)
    return path


def refusal(path: Path) -> list[str]:
    """What is said instead of giving a graph, with the lines where it stands."""
    with pytest.raises(GraphError) as caught:
        load(path)
    assert all(problem.line is None and problem.column is None for problem in caught.value.problems)
    return [f"{problem.code} {problem}" for problem in caught.value.problems]


@pytest.mark.parametrize("kind", CODECS)
def test_the_graph_in_a_movie_is_read_as_it_was_written(kind: str, tmp_path: Path) -> None:
    assert load(movie(tmp_path / f"film.{kind}", TEXT)) == from_mapping(GRAPH)


def test_a_movie_is_known_by_its_content_and_so_is_a_graph_file(tmp_path: Path) -> None:
    movie(tmp_path / "film.mp4", TEXT).rename(tmp_path / "film.json")
    assert load(tmp_path / "film.json") == from_mapping(GRAPH)
    (tmp_path / "graph.mp4").write_text(TEXT, "utf-8")
    assert load(tmp_path / "graph.mp4") == from_mapping(GRAPH)


def test_a_movie_counts_paths_from_its_folder_and_its_graph_is_called_as_it_is(tmp_path: Path) -> None:
    paths = paths_for(movie(tmp_path / "my film.mp4", TEXT))
    assert (paths.graph_name, paths.base) == ("my film", tmp_path)


def test_a_movie_without_a_graph_is_refused_in_one_message(tmp_path: Path) -> None:
    path = movie(tmp_path / "film.mp4", None)
    (message,) = refusal(path)
    assert message.startswith(
        f"no-graph {str(path)!r} carries no graph. Only movies that vidflow wrote with embed_graph"
    )


@pytest.mark.parametrize("name", ["still.png", "still.jpg", "anim.gif", "anim.webp", "sound.wav", "song.flac"])
def test_what_is_no_movie_is_refused_in_one_message(name: str, tmp_path: Path) -> None:
    source = "sine=d=0.1" if name.startswith("so") else "color=s=32x32:d=0.08:r=25"
    frames = ["-frames:v", "1"] if name.startswith("still") else []
    path = tmp_path / name
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *frames, str(path)], check=True)
    (message,) = refusal(path)
    assert "carries no graph" in message


def test_a_movie_that_is_cut_off_is_refused_in_one_message(tmp_path: Path) -> None:
    path = movie(tmp_path / "film.mp4", TEXT)
    path.write_bytes(path.read_bytes()[:700])
    (message,) = refusal(path)
    assert message.startswith("no-graph ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no JSON", "bad-json In '{path}': This is not JSON: expecting value."),
        ('{"vidflow": 1}', "wrong-shape In '{path}': The field 'nodes' is missing. A graph without nodes has "),
        ('{"vidflow": 99, "nodes": {}}', "newer-version In '{path}': "),
        ('{"vidflow": 1, "nodes": {"a": {"type": 3}}}', "wrong-shape a: In '{path}': The field 'type' is 3; "),
        ('{"vidflow": 1, "nodes": {}, "nodes": {}}', "duplicate-key In '{path}': The name 'nodes' stands "),
        ("[" * 100_000, "too-deep In '{path}': "),
    ],
)
def test_a_carried_text_that_is_no_graph_is_refused_without_lines(text: str, said: str, tmp_path: Path) -> None:
    # A path is told whole, or nobody finds the file.
    folder = tmp_path / "a film that lies in a folder with a long name" / ("a" * 80)
    folder.mkdir(parents=True)
    path = movie(folder / "film.mkv", text)
    (message,) = refusal(path)
    assert message.startswith(said.format(path=path)), message


def test_a_problem_of_the_carried_document_has_no_line(tmp_path: Path, registry: Any) -> None:
    path = movie(tmp_path / "film.mp4", json.dumps({**GRAPH, "nodes": {}, "extra": 1}))
    checked = check(load(path), registry, paths_for(path))
    (problem,) = located(checked.problems, path)
    assert (problem.code, problem.place, problem.line) == ("unknown-field", "extra", None)


HEADS = [b"\0\0\0\x20ftypisom", b"\0\0\0\x08moov", b"\x1a\x45\xdf\xa3", b"GIF89a", b"RIFF", b"OggS", b"fLaC", b"ID3\4"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(HEADS), st.binary(max_size=400))
def test_bytes_that_begin_like_a_movie_are_refused_in_a_message(tmp_path: Path, head: bytes, rest: bytes) -> None:
    path = tmp_path / "film"
    path.write_bytes(head + rest)
    assert len(refusal(path)) == 1


def test_bits_turned_over_in_a_movie_give_the_graph_or_a_message(tmp_path: Path) -> None:
    data, read, refused = movie(tmp_path / "film.mp4", TEXT).read_bytes(), 0, 0
    for place in range(0, len(data), max(1, len(data) // 150)):
        (tmp_path / "bad.mp4").write_bytes(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])
        try:
            load(tmp_path / "bad.mp4")
            read += 1
        except GraphError:
            refused += 1
    assert read
    assert refused


def test_reading_a_graph_file_loads_no_media_library(tmp_path: Path) -> None:
    (tmp_path / "graph.json").write_text(TEXT, "utf-8")
    code = "import sys; from vidflow.graph import load; load('graph.json'); print('av' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
