"""What a user installs holds all that vidflow needs, under names that are nobody else's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import vidflow

TOP = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from a copy of the repository, unpacked."""
    copy, out, site = (tmp_path_factory.mktemp(name) for name in ("copy", "wheel", "site"))
    for name in ("vidflow", "nodes", "resources", "sample_graphs"):
        shutil.copytree(TOP / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, copy)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), str(copy)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    return site


def run_in(site: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """A Python that finds vidflow in the unpacked wheel, away from the repository."""
    env = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, *args], cwd=site.parent, env=env, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_the_whole_house(wheel: Path) -> None:
    for name in (
        "vidflow/py.typed",
        "vidflow_nodes/__init__.py",
        "vidflow_resources/media/sea.mp4",
        "vidflow_resources/fonts/vidflow-sans-bold.otf",
        "vidflow_resources/fonts/OFL.txt",
        "vidflow_resources/vocabulary.json",
        "vidflow_samples/first_cut.json",
    ):
        assert (wheel / name).is_file(), name
    shipped = {path.relative_to(TOP / "vidflow") for path in (TOP / "vidflow").rglob("*.py")}
    assert shipped == {path.relative_to(wheel / "vidflow") for path in (wheel / "vidflow").rglob("*.py")}
    for folder in ("media", "models"):
        here, there = TOP / "resources" / folder, wheel / "vidflow_resources" / folder
        assert {path.relative_to(here) for path in here.rglob("*")} == {
            path.relative_to(there) for path in there.rglob("*")
        }


def test_the_wheel_takes_no_name_that_others_use(wheel: Path) -> None:
    tops = {path.name for path in wheel.iterdir()}
    assert {name for name in tops if not name.startswith("vidflow")} == set()


def test_the_wheel_leaves_the_scripts_that_render_the_media_out(wheel: Path) -> None:
    assert not (wheel / "vidflow_resources" / "render").exists()


def test_the_installed_vidflow_checks_a_sample_graph(wheel: Path) -> None:
    sample = wheel / "vidflow_samples" / "first_cut.json"
    done = run_in(wheel, "-c", "from vidflow.cli import main; raise SystemExit(main())", "check", str(sample))
    assert done.returncode == 0, done.stdout + done.stderr
    found = run_in(wheel, "-c", "import vidflow.places; print(vidflow.places.resources())")
    assert Path(found.stdout.strip()) == wheel / "vidflow_resources"


def test_every_package_of_the_repository_is_named_in_pyproject() -> None:
    dirs = PROJECT["tool"]["setuptools"]["package-dir"]
    there = set()
    for package, folder in dirs.items():
        for init in (TOP / folder).rglob("__init__.py"):
            there.add(".".join([package, *init.parent.relative_to(TOP / folder).parts]))
    assert there == set(PROJECT["tool"]["setuptools"]["packages"])


def test_every_dependency_is_pinned_to_a_version_that_it_allows() -> None:
    lines = (TOP / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    wanted = PROJECT["project"]["dependencies"]
    for name, extra in PROJECT["project"]["optional-dependencies"].items():
        # What it brings goes with the build of torch that each machine has.
        wanted = wanted + (extra if name != "spandrel" else [])
    for text in wanted:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), text


def test_the_changelog_has_a_section_for_this_version() -> None:
    changes = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(vidflow.__version__)}\b", changes, re.MULTILINE)


def test_the_readme_has_two_commands_of_one_line_each() -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", readme, flags=re.MULTILINE)
    (quick,) = [part for part in section if part.startswith("Quick start\n")]
    blocks = re.findall(r"^```sh\n(.*?)^```", quick, re.MULTILINE | re.DOTALL)
    assert [block.count("\n") for block in blocks] == [1, 1]
    assert "sample_graphs/first_film.json" in blocks[0]
