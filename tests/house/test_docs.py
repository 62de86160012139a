"""What the documentation shows works when it is pasted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    text = (TOP / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def vidflow(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The command, run in `folder` with the pack `mylooks` there and a store of its own."""
    env = {**os.environ, "VIDFLOW_PACKS": str(folder / "mylooks"), "VIDFLOW_STORE": str(folder / "store")}
    command = [str(Path(sys.executable).with_name("vidflow")), *args]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A folder with the pack `mylooks`, its `__init__.py` still to be written."""
    (tmp_path / "mylooks").mkdir()
    return tmp_path / "mylooks" / "__init__.py"


PYTHON = [("README.md", code) for code in blocks("README.md", "python") if "@node" in code]
PYTHON += [("docs/nodes.md", code) for code in blocks("docs/nodes.md", "python")]


@pytest.mark.parametrize(("page", "code"), PYTHON)
def test_every_node_on_a_page_is_listed_when_pasted(pack: Path, page: str, code: str) -> None:
    pack.write_text(code, encoding="utf-8")
    (name,) = re.findall(r"^@node\(.*\)\ndef (\w+)", code, re.MULTILINE)
    done = vidflow(pack.parents[1], "nodes", f"mylooks.{name}")
    assert done.returncode == 0, done.stderr
    assert f"mylooks.{name}" in done.stdout


def test_the_first_node_runs_in_its_graph_and_again_when_it_was_edited(pack: Path) -> None:
    folder = pack.parents[1]
    code, graph = blocks("docs/nodes.md", "python")[0], blocks("docs/nodes.md", "json")[0]
    pack.write_text(code, encoding="utf-8")
    (folder / "vignette.json").write_text(graph, encoding="utf-8")
    arguments = ["run", "vignette.json", "--set", "save.preset=ultrafast"]
    first = vidflow(folder, *arguments)
    assert first.returncode == 0, first.stderr
    film = folder / "outputs" / "vignette.mp4"
    before = film.read_bytes()
    pack.write_text(code.replace("strength * np.clip", "0.1 * strength * np.clip"), encoding="utf-8")
    assert vidflow(folder, *arguments).returncode == 0
    assert film.read_bytes() != before


@pytest.mark.parametrize("graph", blocks("README.md", "json"))
def test_a_graph_in_the_readme_has_no_problem(tmp_path: Path, graph: str) -> None:
    (tmp_path / "mylooks").mkdir()
    (tmp_path / "graph.json").write_text(graph, encoding="utf-8")
    done = vidflow(tmp_path, "check", "graph.json")
    assert "graph.json" not in done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
