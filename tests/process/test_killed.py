"""A run that is killed, at any moment and again and again, goes on where it was and gives what it would have given."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import LAB
from tests.nodes.weights import small_esrgan, small_rife
from tests.process.commands import TRIALS, Ended, Place, pictures
from vidflow.engine.keptvideo import LONGEST

FRAMES = 1200
LOST = LONGEST
"""Frames of the one segment that is being made, or being written, when a run is killed."""
FIRST = f"{0:06}-{LOST}.frames"
"""The first segment of what is kept of a video."""


def film(place: Place, clip: Path | None = None, seconds: float = 0.002) -> Path:
    """A film of several parts, from a dear video of many segments."""
    source = ("load_video", {"path": str(clip)}) if clip else ("lab.bars", {"frames": FRAMES})
    return place.graph(
        "film",
        clip=source,
        long=("concat", {"videos": ["@clip"] * (4 if clip else 1)}),
        small=("resize", {"video": "@long", "width": 64, "height": 48}),
        dream=("lab.dream", {"frame": "@small", "seconds": seconds}),
        twice=("lab.neighbours", {"video": "@dream"}),
        save=("save_video", {"video": "@twice", "path": "film.mp4", "preset": "ultrafast"}),
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """The film that a run makes which nobody disturbs, and that run."""
    place = Place(tmp_path_factory.mktemp("undisturbed"), LAB)
    done = place.run("run", film(place))
    assert done.status == 0, done.err
    assert (place.made("dream"), place.made("neighbours")) == (FRAMES, 2 * FRAMES)
    assert place.outputs() == ["film.mp4"]
    return place.out / "film.mp4", done


class Watch:
    """Looks at a folder as often as it can and takes down every content that is seen under a visible name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self.seen: dict[tuple[str, int, int], bytes] = {}
        self.looks = 0

    def look(self) -> None:
        while not self._over.is_set():
            self.looks += 1
            try:
                names = [path.name for path in self._folder.iterdir()]
            except FileNotFoundError:
                names = []
            for name in names:
                if name.startswith("."):
                    continue
                with (self._folder / name).open("rb") as file:
                    status = os.fstat(file.fileno())
                    mark = (name, status.st_ino, status.st_mtime_ns)
                    if mark not in self.seen:
                        self.seen[mark] = file.read()
            self._over.wait(0.002)

    @contextmanager
    def on(self) -> Iterator[Watch]:
        """Look until the block ends."""
        thread = threading.Thread(target=self.look)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()


def parts(place: Place) -> dict[str, tuple[int, int]]:
    """The encoded parts that are kept: inode and time of each."""
    found = (place.store / "parts").glob("*/[!.]*")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def segments(place: Place) -> set[Path]:
    """The segments of frames that are kept."""
    return set((place.store / "objects").glob("*/*/[!.]*.frames"))


def killed_until_done(place: Place, graph: Path, chance: random.Random, longest: float) -> int:
    """Kill the run at random moments until one is quicker; how often it was killed."""
    kept: dict[str, tuple[int, int]] = {}
    for kills in range(30):
        before = segments(place)
        process = place.start("run", graph)
        timer = threading.Timer(chance.uniform(0.0, longest), process.signal, (signal.SIGKILL,))
        timer.start()
        done = process.end()
        timer.cancel()
        if done.status == 0:
            return kills
        assert done.status == -signal.SIGKILL, done.err
        assert before <= segments(place), "a kept segment is gone"
        now = parts(place)
        if (place.out / "film.mp4").exists() and not now:
            # Killed between the last part and the end: the film is there, and its parts are not needed any more.
            kept = {}
        assert kept.items() <= now.items(), "a kept part was made again"
        kept = now
    done = place.run("run", graph)
    assert done.status == 0, done.err
    return 30


@pytest.mark.parametrize("trial", range(TRIALS))
def test_a_killed_run_goes_on_and_no_partial_file_is_ever_seen(
    trial: int, place: Place, undisturbed: tuple[Path, Ended], tmp_path: Path
) -> None:
    good, alone = undisturbed
    graph = film(place)
    older = b"an older film"
    if trial % 2:
        place.out.mkdir()
        (place.out / "film.mp4").write_bytes(older)
    with Watch(place.out).on() as watch:
        kills = killed_until_done(place, graph, random.Random(trial), 0.8 * alone.seconds)
    assert place.outputs() == ["film.mp4"]
    assert pictures(place.out / "film.mp4") == pictures(good)
    assert watch.looks > 50
    for (name, *_), content in watch.seen.items():
        assert name == "film.mp4"
        assert content in (older, good.read_bytes()), "a partial file was seen under the output's name"
    print(f"killed {kills} times, {place.made('dream') - FRAMES} of {FRAMES} frames made again")
    assert place.made("dream") - FRAMES <= LOST * kills


def test_a_run_killed_in_each_part_makes_at_most_one_part_again(place: Place, undisturbed: tuple[Path, Ended]) -> None:
    graph = film(place, seconds=0)
    kept: dict[str, tuple[int, int]] = {}
    for number in range(1, 5):
        process = place.start("run", graph, "--events", "-")
        process.wait_for("NodeProgress", "save", 480 * number + 100)
        process.signal(signal.SIGKILL)
        assert process.end().status == -signal.SIGKILL
        now = parts(place)
        assert len(now) >= number
        assert kept.items() <= now.items(), "a kept part was made again"
        kept = now
    done = place.run("run", graph)
    assert done.status == 0, done.err
    assert pictures(place.out / "film.mp4") == pictures(undisturbed[0])


def test_a_real_clip_with_its_sound_survives_kills_too(place: Place, tmp_path: Path, real_media: Path) -> None:
    clip = real_media / "bigbuckbunny.mp4"
    other = Place(tmp_path / "undisturbed", LAB)
    alone = other.run("run", film(other, clip))
    assert alone.status == 0, alone.err
    killed_until_done(place, film(place, clip), random.Random(0), alone.seconds * 0.8)
    assert pictures(place.out / "film.mp4") == pictures(other.out / "film.mp4")
    assert len({line.split(",")[0] for line in pictures(place.out / "film.mp4").splitlines()}) == 2


def test_a_run_killed_amid_interpolation_and_upscaling_makes_at_most_one_segment_of_each_again(
    place: Place, tmp_path: Path
) -> None:
    graph = place.graph(
        "enhanced",
        clip=("lab.bars", {"frames": 300}),
        seen=("lab.tint", {"frame": "@clip"}),
        smooth=("interpolate", {"video": "@seen", "model": str(small_rife(tmp_path)), "scene_cut": 1}),
        passed=("lab.gpu_tint", {"frame": "@smooth"}),
        large=("upscale", {"video": "@passed", "model": str(small_esrgan(tmp_path))}),
        save=("save_video", {"video": "@large", "path": "film.mp4", "preset": "ultrafast"}),
    )
    process = place.start("run", graph, "--events", "-")
    process.wait_for("NodeProgress", "save", 300)
    process.signal(signal.SIGKILL)
    ended = process.end()
    assert ended.status == -signal.SIGKILL
    small, large = sorted(place.store.rglob("*.video"), key=lambda kept: (kept / FIRST).stat().st_size)
    for node, kept in ("smooth", small), ("large", large):
        made = max(found["step"] for found in ended.events if found.get("node") == node and "step" in found)
        safe = LOST * len(list(kept.glob("*.frames")))
        print(f"{node}: {made} frames were made, {safe} are kept")
        assert made - safe <= LOST
    done = place.run("run", graph)
    assert done.status == 0, done.err
    print(f"made again for what is upscaled: {place.made('gpu_tint') - 600} of 600 frames")
    assert 0 <= place.made("gpu_tint") - 600 <= LOST
    assert len([line for line in pictures(place.out / "film.mp4").splitlines() if line.startswith("0,")]) == 600


@pytest.mark.parametrize("change", [(), ("--set", "v.seed=1")], ids=["the same", "changed"])
def test_what_killed_runs_leave_behind_is_swept_away(place: Place, change: tuple[str, ...]) -> None:
    """The hidden files of runs that were killed while they wrote are gone after the next one of that name."""
    graph = place.graph(
        v=("lab.bars", {"frames": 150}), dump=("lab.dump", {"video": "@v", "path": "d.raw", "seconds": 0.02})
    )
    for kill in (1, 2):
        process = place.start("run", graph, "--events", "-")
        for _ in process.events():
            if place.outputs():
                break
        process.signal(signal.SIGKILL)
        assert process.end().status == -signal.SIGKILL
        assert [name[0] for name in place.outputs()] == ["."], f"after kill {kill}"
    done = place.run("run", graph, *change)
    assert done.status == 0, done.err
    assert place.outputs() == ["d.raw"]
