"""A full disk or a folder that cannot be written gives one clear message, and nothing earlier is lost."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.process.commands import VIDFLOW, Ended, Place, Running
from vidflow.engine.keptvideo import LONGEST

IN_A_SMALL_ROOM = """
set -e
mount -t tmpfs -o "size=$1" tmpfs "$2"
cp -a "$2.before/." "$2"
[ "$3" = rw ] || mount -o remount,ro "$2"
folder=$2
shift 3
set +e
"$@"
status=$?
cp -a "$folder/." "$folder.after"
exit $status
"""
FULL = re.compile(r"disk is full|no space left", re.IGNORECASE)


@pytest.fixture(scope="module", autouse=True)
def _mounts() -> None:
    """A namespace of its own, in which a process may mount."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if not shutil.which("unshare") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets no process mount a small file system (unshare -rm)")


def starved(place: Place, folder: Path, size: str, *arguments: object, writable: bool = True) -> Ended:
    """Run the command with `folder` on a file system of its own, which begins with what lies in `folder`.before; what
    is there at the end lies in `folder`.after."""
    for one in (folder, Path(f"{folder}.before"), Path(f"{folder}.after")):
        one.mkdir(exist_ok=True)
    room = ["unshare", "-rm", "sh", "-c", IN_A_SMALL_ROOM, "sh", size, str(folder), "rw" if writable else "ro"]
    return Running([*room, VIDFLOW, *map(str, arguments)], place.folder, place.environment, 60).end()


def noise(place: Place, sink: str, name: str) -> Path:
    """A graph that writes more than half a megabyte as `name`, from a dear video."""
    shown = {"frame": "@clip"}
    return place.graph(
        clip=("lab.bars", {"frames": 300, "width": 64, "height": 48}),
        dream=("lab.dream", shown),
        save=(sink, {"video": "@dream", "path": name} | ({"quality": 0} if sink == "save_video" else {})),
    )


def said_once(done: Ended, what: re.Pattern[str], name: str) -> None:
    """One message, of one line, that says what is wrong and with which file."""
    assert done.status == 1, done.err
    assert "Traceback" not in done.err
    assert len(done.errors) == 1, done.err
    assert what.search(done.errors[0]), done.errors
    assert name in done.errors[0]
    assert ".part" not in done.errors[0], "a name that the user has never seen"
    assert done.errors[0].startswith("error: save: ")


@pytest.mark.parametrize(
    ("sink", "name"), [("save_video", "film.mp4"), ("save_video", "film.mkv"), ("lab.dump", "film.raw")]
)
def test_a_full_disk_under_the_outputs_is_said_once_and_the_older_file_stays(
    sink: str, name: str, place: Place
) -> None:
    before = Path(f"{place.out}.before")
    before.mkdir()
    (before / name).write_bytes(b"an older film" * 1000)
    done = starved(place, place.out, "60k", "run", noise(place, sink, name))
    said_once(done, FULL, name)
    after = Path(f"{place.out}.after")
    assert [path.name for path in after.iterdir()] == [name]
    assert (after / name).read_bytes() == b"an older film" * 1000
    # What was dear is kept all the same, and with room the run goes on from there.
    assert place.run("run", noise(place, sink, name)).status == 0
    assert 300 <= place.made("dream") <= 300 + 2 * LONGEST


@pytest.mark.parametrize(
    ("sink", "name"), [("save_video", "film.mp4"), ("lab.dump", "film.raw"), ("lab.dump", "new/film.raw")]
)
def test_an_output_folder_that_cannot_be_written_is_said_once(sink: str, name: str, place: Place) -> None:
    before = Path(f"{place.out}.before")
    before.mkdir()
    (before / "film.mp4").write_bytes(b"an older film")
    done = starved(place, place.out, "10m", "run", noise(place, sink, name), writable=False)
    said_once(done, re.compile(r"read-only|cannot be written", re.IGNORECASE), name.rpartition("/")[2])
    assert {path.name: path.read_bytes() for path in Path(f"{place.out}.after").iterdir()} == {
        "film.mp4": b"an older film"
    }


@pytest.mark.parametrize("size", ["4k", "60k", "120k", "200k", "500k"])
@pytest.mark.parametrize(("sink", "name"), [("save_video", "film.mp4"), ("lab.dump", "film.raw")])
def test_a_full_disk_under_the_store_stops_a_run_only_with_a_clear_message(
    size: str, sink: str, name: str, place: Place
) -> None:
    graph = noise(place, sink, name)
    done = starved(place, place.store, size, "run", graph)
    assert "Traceback" not in done.err
    assert not re.search(r"/\.", done.err + done.out), "a name that the user has never seen"
    if done.status == 0:
        assert place.outputs() == [name]
    else:
        assert len(done.errors) == 1, done.err
        assert re.search(r"disk|space|store", done.errors[0]), done.errors
        assert place.outputs() == []
    # The store that is left is whole: with room a run on it gives what it should.
    shutil.rmtree(place.store)
    Path(f"{place.store}.after").rename(place.store)
    again = place.run("run", graph, "--output-dir", "again")
    assert again.status == 0, again.err
    if done.status == 0:
        assert (place.folder / "again" / name).read_bytes() == (place.out / name).read_bytes()


def test_a_store_that_cannot_be_written_is_said_once(place: Place) -> None:
    done = starved(place, place.store, "10m", "run", noise(place, "lab.dump", "film.raw"), writable=False)
    assert done.status in (1, 2)
    assert "Traceback" not in done.err
    assert len(done.errors) == 1
    assert str(place.store) in done.errors[0]
