"""The engine as a service: one long-lived object that serves several requests at once, and the short way to run one."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, get_type_hints

from vidflow.engine.device import device_kind
from vidflow.engine.events import Event, Hub, Reader, RunFinished, RunStarted
from vidflow.engine.execution import Execution
from vidflow.engine.lanes import Lanes, Threads
from vidflow.engine.opening import Opened
from vidflow.engine.reading import Budget
from vidflow.engine.sinks import Slots
from vidflow.engine.store import Store
from vidflow.engine.variants import Variant, variants_of
from vidflow.errors import Cancelled, Failure, GraphError, Problem, RunError, VidflowError
from vidflow.graph.check import Checked, check
from vidflow.graph.document import Graph, Link
from vidflow.graph.files import from_mapping, load, located
from vidflow.graph.paths import Paths, paths_for
from vidflow.graph.recipe import Recipe
from vidflow.nodespec.registry import Registry, installed
from vidflow.values import Frames, Video

GraphLike: TypeAlias = "str | Path | Mapping[str, Any] | Graph"
READ_AHEAD = 256 * 2**20
AT_ONCE = 8
"""How many variants of a request run at once."""


class Engine:
    """Plans, runs and keeps. Every method may be called from any thread."""

    def __init__(
        self,
        store: str | Path | None = None,
        store_cap: int | None = None,
        read_ahead: int = READ_AHEAD,
        *,
        device: str = "auto",
        registry: Registry | None = None,
        strict_digests: bool = False,
        private: bool = False,
    ) -> None:
        """`store` is its folder (by default `VIDFLOW_STORE`, or one in the user's cache), `store_cap` and `read_ahead`
        are in bytes. A `private` store is removed when the engine is closed. Raises StoreError.
        """
        _import_once()
        if private:
            self.store = Store(_private_folder(), store_cap if store_cap is not None else 2**62, private=True)
        else:
            from vidflow.places import store_dir

            self.store = Store(Path(store) if store is not None else store_dir(), store_cap)
        self.registry = registry or installed()
        self.device_kind = device_kind(device)
        self.device = device if ":" in device else "cuda:0" if self.device_kind == "cuda" else "cpu"
        self.strict_digests = strict_digests
        self.lanes = Lanes()
        self.threads = Threads()
        self.budget = Budget(read_ahead)
        self.slots = Slots()
        self.naming = threading.Lock()
        self.named: set[Path] = set()
        """Names with numbers that sinks at work have taken."""
        self.closed = False
        self._requests: set[Request] = set()
        self.executions: weakref.WeakSet[Execution] = weakref.WeakSet()
        self._lock = threading.Lock()

    def submit(
        self,
        graph: GraphLike,
        set: Mapping[str, Any] | None = None,
        only: Sequence[str] = (),
        each: Mapping[str, Sequence[Any]] | None = None,
        urgency: float = 0,
        *,
        output_dir: str | Path | None = None,
        allow_write: Sequence[str | Path] = (),
        paths: Paths | None = None,
        watch: bool = False,
    ) -> Request:
        """Check the graph and begin to run it. The higher `urgency`, the sooner its pieces run.

        `paths` says where a graph that is no file reads and writes (else from the current directory). `watch` watches
        all nodes from the beginning, so that samplers give a picture of each step. `each` makes one variant for every
        value (of several inputs: for every combination). Raises GraphError with every problem before anything has run.
        """
        document, paths = opened(graph, output_dir, allow_write, paths)
        try:
            checked = self._check_variants(document, paths, set or {}, only, variants_of(each or {}))
        except GraphError as error:
            raise GraphError(located(error.problems, graph)) if isinstance(graph, str | Path) else error from None
        request = Request(self, checked, urgency, finish_leaves=True)
        with self._lock:
            self._requests.add(request)
        if watch:
            for node in checked[0][1].nodes:
                request.watch(node)
        request.begin()
        return request

    def _check_variants(
        self, graph: Graph, paths: Paths, set: Mapping[str, Any], only: Sequence[str], variants: Sequence[Variant]
    ) -> list[tuple[Recipe, Checked]]:
        found: list[tuple[Recipe, Checked]] = []
        problems: list[Problem] = []
        written: dict[str, int] = {}
        for number, variant in enumerate(variants):
            values, label = {**set, **variant.values}, variant.label or None
            checked = check(graph, self.registry, paths, set=values, only=only, each=label)
            problems.extend(problem for problem in checked.problems if problem not in problems)
            found.append((Recipe(graph, self.registry, paths, values, label), checked))
            for id, node in checked.nodes.items():
                for name in () if len(variants) == 1 else _written(node):
                    path = node.values[name]
                    if "{n" not in path and written.setdefault(path, number) != number:
                        problems.append(
                            Problem(
                                "same-output", f"two variants would both write {path}.", id, name, "Use {each} or {n}."
                            )
                        )
        wrong = [problem for problem in problems if problem.level == "error"]
        if wrong:
            raise GraphError([*_packs_first(self.registry, wrong), *wrong])
        return found

    def read(
        self,
        graph: GraphLike,
        node: str,
        start: int = 0,
        stop: int | None = None,
        urgency: float = 10,
        *,
        set: Mapping[str, Any] | None = None,
        paths: Paths | None = None,
    ) -> Frames:
        """Frames `start` to `stop` of a node's video, and nothing more than they need.

        Raises GraphError, RunError, and IndexError where the range is not inside the video.
        """
        id, dot, output = node.rpartition(".")
        id, output = (id, output) if dot else (node, None)
        with self.open(graph, id, urgency, output=output, set=set, paths=paths) as one:
            video = one.value()
            end = stop if stop is not None or not isinstance(video, Video) else video.info.frames
            return Frames([frame for frames in one.read(start, end or 0) for frame in frames])

    def open(
        self,
        graph: GraphLike,
        node: str,
        urgency: float = 10,
        *,
        output: str | None = None,
        set: Mapping[str, Any] | None = None,
        paths: Paths | None = None,
        sparing: bool = False,
    ) -> Opened:
        """A node (of a subgraph: the one that gives its output; of a sink: what it is given), to be looked at.

        `paths` is as in `submit`. `sparing` begins nothing that takes long: no model's or hosted work, and none that
        reads a whole film. Raises GraphError.
        """
        document, paths = opened(graph, None, (), paths)
        checked = self._check_variants(document, paths, set or {}, [node], variants_of({}))
        _, found = checked[0]
        id = node if node in found.nodes else found.wanted[0]
        one = found.nodes[id]
        if one.spec.sink:
            entries = [entry for link in one.links.values() for entry in (link if isinstance(link, tuple) else (link,))]
            link = next((entry for entry in entries if isinstance(entry, Link)), None)
            if link is None:
                raise GraphError(Problem("nothing-to-see", "it is given nothing that could be shown.", id))
            id, output = link.node, link.output
            checked = self._check_variants(document, paths, set or {}, [id], variants_of({}))
        request = Request(self, checked, urgency, finish_leaves=False, sparing=sparing)
        request.begin()
        return Opened(request, id, output)

    def forget(self, request: Request) -> None:
        """A request has ended."""
        with self._lock:
            self._requests.discard(request)

    def close(self) -> None:
        """Cancel what runs, write what is queued and close the store."""
        with self._lock:
            requests = list(self._requests)
        for request in requests:
            request.cancel()
        for request in requests:
            request.wait(2)
        self.closed = True
        for execution in list(self.executions):
            execution.leave()
        self.lanes.close()
        self.threads.close()
        self.store.close()
        loaded = sys.modules.get("vidflow.models.residency")
        if loaded is not None:
            loaded.RESIDENT.release()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Request:
    """A graph being run, with one execution for each variant. Iterate over it for its events."""

    def __init__(
        self,
        engine: Engine,
        checked: Sequence[tuple[Recipe, Checked]],
        urgency: float,
        *,
        finish_leaves: bool,
        sparing: bool = False,
    ) -> None:
        if engine.closed:
            raise VidflowError("The engine is closed; make another.")
        self.engine = engine
        self.id = uuid.uuid4().hex[:12]
        self.hub = Hub()
        self._name = checked[0][0].paths.graph_name
        self._began = time.time()
        self._lock = threading.Lock()
        self._ended = 0
        self._waiting: deque[Execution] = deque()
        self._cancelled = False
        self._journalled = finish_leaves
        """Whether it is a run; a look at a node is none."""
        self.executions = [
            Execution(
                engine,
                self.hub,
                one,
                recipe,
                run_id=self.id,
                urgency=urgency,
                finish_leaves=finish_leaves,
                sparing=sparing,
                ended=self._one_ended,
            )
            for recipe, one in checked
        ]
        engine.executions.update(self.executions)

    def begin(self) -> None:
        """Start every execution, on a thread of its own, since digests of large files take a while."""
        for execution in self.executions:
            self.hub.put(RunStarted(self.id, tuple(execution.nodes), execution.wanted, execution.variant))

        self._journal(0.0, "running")
        self._waiting = deque(self.executions)
        for _ in range(min(AT_ONCE, len(self.executions))):
            self.engine.threads.start(self._start_next)

    def _journal(self, seconds: float, status: str) -> None:
        if self._journalled:
            row = (self.id, self._name, self._began, seconds, status)
            self.engine.store.journal("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)", row)

    def _start_next(self) -> None:
        """Start the next variant, unless all have been."""
        with self._lock:
            execution = self._waiting.popleft() if self._waiting else None
        if execution is not None:
            execution.start()

    def __iter__(self) -> Iterator[Event]:
        return iter(self.hub.reader())

    def events(self) -> Reader:
        """A reader of the events, to be drained without waiting."""
        return self.hub.reader()

    def watch(self, node: str, on: bool = True) -> None:
        """Give FramesReady events for this node from now on. Raises KeyError for an unknown node."""
        for execution in self.executions:
            execution.nodes[node].watched = on

    def cancel(self) -> None:
        """Stop; the request ends within a second, and the engine is free for the next."""
        self._cancelled = True
        for execution in self.executions:
            execution.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False where it did not come within `timeout` seconds."""
        return self.hub.wait_closed(timeout)

    def result(self) -> Result:
        """Wait for the end and give the values. Raises RunError with what did finish, or Cancelled."""
        self.wait()
        result = Result(self)
        if self._cancelled and any(execution.status == "cancelled" for execution in self.executions):
            raise Cancelled
        failures = self.failures
        if failures:
            raise RunError(failures, result)
        return result

    @property
    def failures(self) -> list[Failure]:
        """What failed so far."""
        return [failure for execution in self.executions for failure in execution.failures]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that sinks wrote, or found there unchanged."""
        return tuple(dict.fromkeys(file for execution in self.executions for file in execution.files))

    def _one_ended(self, execution: Execution) -> None:
        with self._lock:
            self._ended += 1
            left = self._ended < len(self.executions)
        if left:
            self.engine.threads.start(self._start_next)
            return
        statuses = {one.status for one in self.executions}
        status = next(one for one in ("cancelled", "failed", "done") if one in statuses)
        seconds = time.time() - self._began
        self._journal(seconds, status)
        self.engine.store.flush()
        notes = tuple(note for one in self.executions for note in one.notes)
        self.engine.forget(self)
        self.hub.put(RunFinished(self.id, status, seconds, self.files, notes))


class Result(Mapping[str, Any]):
    """The values of a finished run by node; a value that the run did not need is made when it is asked for.

    Its videos stay readable until it is closed. With several variants, `variants` has one Result for each label.
    """

    def __init__(self, request: Request, execution: Execution | None = None, owned: Engine | None = None) -> None:
        self._request = request
        self._execution = execution or request.executions[0]
        self.owned = owned
        """The engine that is closed with this result."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files that sinks wrote, or found there unchanged."""
        return self._request.files

    @property
    def variants(self) -> dict[str, Result]:
        """A result for each variant, by its label."""
        return {one.variant: Result(self._request, one) for one in self._request.executions}

    def __getitem__(self, node: str) -> Any:
        run = self._execution.nodes.get(node)
        if run is None and "." in node:
            id, _, output = node.rpartition(".")
            return self._execution.value(self._execution.nodes[id], output)
        if run is None:
            raise KeyError(node)
        values = {output.name: self._execution.value(run, output.name) for output in run.spec.outputs}
        if len(values) == 1:
            return next(iter(values.values()))
        return get_type_hints(run.spec.function)["return"](**values) if values else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._execution.nodes)

    def __len__(self) -> int:
        return len(self._execution.nodes)

    def close(self) -> None:
        """Let go of the videos, and of the engine where this result is its only user."""
        if self.owned is not None:
            self.owned.close()
            self.owned = None

    def __enter__(self) -> Result:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(
    graph: GraphLike,
    set: Mapping[str, Any] | None = None,
    only: Sequence[str] = (),
    output_dir: str | Path | None = None,
    device: str = "auto",
    *,
    allow_write: Sequence[str | Path] = (),
    store: str | Path | None = None,
) -> Result:
    """Run a graph (a path, a mapping or a `Graph`) to its end, in an engine of its own.

    `result["node"]` is that node's value, or the NamedTuple of its outputs. Raises GraphError with every problem, or
    RunError with what did finish.
    """
    engine = Engine(store, device=device)
    try:
        result = engine.submit(graph, set, only, output_dir=output_dir, allow_write=allow_write).result()
    except RunError as error:
        if isinstance(error.finished, Result):
            error.finished.owned = engine
        raise
    except BaseException:
        engine.close()
        raise
    result.owned = engine
    return result


def opened(
    graph: GraphLike, output_dir: str | Path | None, allow_write: Sequence[str | Path], paths: Paths | None = None
) -> tuple[Graph, Paths]:
    """The document, and where its paths lead. Raises GraphError."""
    if isinstance(graph, Graph):
        return graph, paths or paths_for(None, output_dir, allow_write)
    if isinstance(graph, Mapping):
        return from_mapping(graph), paths or paths_for(None, output_dir, allow_write)
    return load(graph), paths_for(graph, output_dir, allow_write)


def _import_once() -> None:
    """Import what most bodies need before several threads do it at once, which numpy and OpenCV do not bear."""
    for name in ("numpy", "numpy.typing", "cv2", "av"):
        importlib.import_module(name)
    # OpenCV's other wheel leaves the path of its own Qt there, which breaks every other one.
    os.environ.pop("QT_QPA_PLATFORM_PLUGIN_PATH", None)


def _written(node: Any) -> list[str]:
    from vidflow.engine.keys import split_hints

    return [name for name in split_hints(node.spec)[1] if node.values.get(name) is not None]


def _packs_first(registry: Registry, problems: Sequence[Problem]) -> list[Problem]:
    """Say which packs are broken where the graph misses a type."""
    if not any(problem.code == "unknown-type" for problem in problems):
        return []
    missing = [Problem("broken-pack", str(error)) for error in registry.broken]
    for pack in registry.disabled:
        if any(f"pack '{pack}'" in problem.message for problem in problems):
            hint = f"'vidflow packs enable {pack}' runs its code."
            missing.append(Problem("disabled-pack", f"The pack {pack!r} is there but not enabled.", hint=hint))
    return missing


def _private_folder() -> Path:
    """A folder for a store of this process alone; those that killed processes left are removed."""
    parent = Path(tempfile.gettempdir())
    for old in parent.glob("vidflow-private-*"):
        process = old.name.split("-")[2]
        if process.isdigit() and not Path(f"/proc/{process}").exists() and Path("/proc").exists():
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"vidflow-private-{os.getpid()}-"))
