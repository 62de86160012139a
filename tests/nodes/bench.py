"""Core nodes called in both ways: by an engine in a graph, and as the plain functions that they are."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vidflow.api import Audio, Image, NodeError, Report, Video, node
from vidflow.engine.service import Engine, Result
from vidflow.errors import RunError
from vidflow.nodespec.packs import Pack, load_pack
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node

GIVEN: dict[str, Any] = {}
"""What the nodes below bring into a graph, by name."""


@node(title="Given video", category="Test")
def video(*, name: str) -> Video:
    """A video of the test's."""
    return GIVEN[name]


@node(title="Given image", category="Test")
def image(*, name: str) -> Image:
    """An image of the test's."""
    return GIVEN[name]


@node(title="Given audio", category="Test")
def audio(*, name: str) -> Audio:
    """A sound of the test's."""
    return GIVEN[name]


@node(title="Given report", category="Test")
def report(*, name: str) -> Report:
    """A report of the test's."""
    return GIVEN[name]


CORE = {spec.type: spec for spec in load_pack(Pack("core", module="vidflow_nodes"))}
REGISTRY = Registry([*CORE.values(), *(read_node(one, "given") for one in (video, image, audio, report))])


class InGraph:
    """Runs a node in a graph whose other nodes give its inputs. The node's id is `it`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = Engine(folder / "store", registry=REGISTRY)
        self._results: list[Result] = []

    def __call__(self, type: str, **inputs: Any) -> Any:
        """The node's value. Raises NodeError with what the user is told where it fails, and GraphError."""
        nodes: dict[str, Any] = {}

        def given(value: Any) -> Any:
            if isinstance(value, list):
                return [given(one) for one in value]
            if not isinstance(value, Video | Audio | Report):
                return str(value) if isinstance(value, Path) else value
            kind = next(kind for kind in (Image, Video, Audio, Report) if isinstance(value, kind))
            name = f"given{len(GIVEN)}"
            GIVEN[name] = value
            nodes[name] = {"type": f"given.{kind.__name__.lower()}", "inputs": {"name": name}}
            return {"from": name}

        nodes["it"] = {"type": type, "inputs": {name: given(value) for name, value in inputs.items()}}
        request = self.engine.submit({"vidflow": 1, "nodes": nodes}, output_dir=self.folder)
        assert request.wait(30), "the run hangs"
        try:
            result = request.result()
        except RunError as error:
            (failure,) = error.failures
            raise NodeError(str(failure).removeprefix("it: ")) from error
        self._results.append(result)
        return result["it"]

    def close(self) -> None:
        """Close every result and the engine."""
        for result in self._results:
            result.close()
        self.engine.close()
        GIVEN.clear()


class AsFunction:
    """Calls a node's function with nothing around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, type: str, **inputs: Any) -> Any:
        """What the function gives."""
        spec = CORE[type]
        if spec.takes_run:
            inputs["run"] = Here(self.folder)
        return spec.function(**inputs)

    def close(self) -> None:
        """Nothing is open."""


class Here:
    """What a body asks of `run`, without an engine: files appear at once in a folder, and nothing is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state: MutableMapping[str, Any] = {}
        self.notes: list[str] = []
        self.steps: list[tuple[int, int]] = []

    def step(self, k: int, total: int, preview: Any = None) -> None:
        """Remember it."""
        self.steps.append((k, total))

    def piece(self, make: Any, *args: Any, lane: str | None = None) -> Any:
        """Do it now."""
        return make(*args)

    device = "cpu"
    watched = False

    def digest(self, path: Path) -> str:
        """Its size; nothing here asks for more."""
        return str(path.stat().st_size)

    @contextmanager
    def output(self, path: str) -> Iterator[Path]:
        """The file itself."""
        yield self.folder / path

    def part(self, name: str, make: Any) -> Path:
        """Made each time."""
        path = self.folder / f"{name}.part"
        make(path)
        return path

    def document(self, beside: Path) -> str | None:
        """There is no graph."""
        return None

    def provenance(self) -> str | None:
        """Nothing is known of where values came from."""
        return None

    def kept(self, name: str, make: Any) -> Any:
        """Made each time."""
        return make()

    def note(self, text: str) -> None:
        """Remember it."""
        self.notes.append(text)
