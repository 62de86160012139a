"""One node in one execution: what it reads and gives, the `Run` that its body sees, and the owner of its pieces."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vidflow.engine import lanes
from vidflow.engine.codec import decode
from vidflow.engine.events import FramesReady, NodeProgress, NodeStarted
from vidflow.engine.outputs import made_part, replaced_when_whole
from vidflow.engine.provenance import provenance_of
from vidflow.engine.reading import LaneReading
from vidflow.errors import Cancelled, NodeError, VidflowError
from vidflow.graph.recipe import MAX_TEXT
from vidflow.nodespec.spec import NodeSpec
from vidflow.values import Frames, Video

if TYPE_CHECKING:
    from vidflow.engine.execution import Execution
    from vidflow.engine.store import Store
    from vidflow.nodespec.spec import Lane

T = TypeVar("T")
_PROGRESS_EVERY = 0.05


class Status(Enum):
    """How far a node has come."""

    IDLE = auto()
    WAITING = auto()
    RUNNING = auto()
    DONE = auto()
    FAILED = auto()


class Lazy:
    """A kept value that is loaded when it is needed."""

    __slots__ = ("key", "row")

    def __init__(self, key: str, row: Any) -> None:
        self.key = key
        self.row = row


class Blamed(VidflowError):
    """An error of a node's own code, on its way to whoever reads that node."""

    def __init__(self, node: NodeRun, cause: Exception, frame: int | None = None) -> None:
        self.node = node
        self.cause = cause
        self.frame = frame
        super().__init__(str(cause))


class NodeRun:
    """The state of a node in one execution."""

    __slots__ = (
        "_expected",
        "_last_progress",
        "_made",
        "_state_cache",
        "demanded",
        "ended",
        "execution",
        "id",
        "index",
        "inputs_left",
        "keeps",
        "key",
        "key_wanted",
        "late_readers",
        "late_ups",
        "links",
        "note_texts",
        "outputs",
        "port_readers",
        "port_ups",
        "readers_open",
        "reviving",
        "seconds",
        "sink_key",
        "spec",
        "started",
        "status",
        "targets",
        "temporaries",
        "values",
        "was_kept",
        "watched",
    )

    def __init__(
        self,
        execution: Execution,
        index: int,
        id: str,
        spec: NodeSpec,
        values: dict[str, Any],
        links: Mapping[str, Any],
    ) -> None:
        self.execution = execution
        self.index = index
        self.id = id
        self.spec = spec
        self.values = values
        self.links = links
        self.keeps = True
        self.key: str | None = None
        self.status = Status.IDLE
        self.outputs: dict[str, Any] = {}
        self.late_ups: list[NodeRun] = []
        self.port_ups: list[NodeRun] = []
        self.late_readers: list[NodeRun] = []
        self.port_readers: list[NodeRun] = []
        self.inputs_left = 0
        self.readers_open = 0
        self.reviving = self.demanded = self.key_wanted = self.started = self.ended = self.was_kept = False
        self.watched = False
        self.seconds = 0.0
        self.note_texts: list[str] = []
        self.targets: tuple[Path, ...] = ()
        self.temporaries: dict[Path, Path] = {}
        """The target of each temporary file that is being written."""
        self.sink_key: str | None = None
        self._made = self._expected = 0
        self._last_progress = 0.0
        self._state_cache: _State | None = None

    # What others ask of it

    @property
    def store(self) -> Store:
        """The store of the execution."""
        return self.execution.store

    @property
    def urgency(self) -> float:
        """That of the request."""
        return self.execution.urgency

    @property
    def cancelled(self) -> bool:
        """Whether its work is no longer wanted."""
        return self.execution.cancelled

    @property
    def lane(self) -> str:
        """The lane its frames are made on."""
        return self.spec.lane

    def failed(self, error: Exception, frame: int | None = None) -> Exception:
        """As `Owner.failed`."""
        return error if isinstance(error, Blamed | Cancelled) else Blamed(self, error, frame)

    def expect(self, frames: int) -> None:
        """As `Owner.expect`."""
        self._expected += frames

    def spent(self, seconds: float, frames: int) -> None:
        """As `Owner.spent`."""
        self.seconds += seconds
        if frames:
            self._made += frames
            now = time.monotonic()
            if now - self._last_progress > _PROGRESS_EVERY:
                self._last_progress = now
                total = max(self._expected, self._made)
                self.emit(NodeProgress(self.run_id, self.id, self._made, total, None, self.variant))

    def showed(self, index: int, frame: Any) -> None:
        """As `Owner.showed`."""
        self.emit(FramesReady(self.run_id, self.id, index, index + 1, Frames([frame]), self.variant))

    def start(self) -> None:
        """Say once that it has begun."""
        if not self.started:
            self.started = True
            self.emit(NodeStarted(self.run_id, self.id, self.variant))

    def emit(self, event: Any) -> None:
        """Put an event into the request's hub."""
        self.execution.hub.put(event)

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.execution.run_id

    @property
    def variant(self) -> str:
        """The variant's label."""
        return self.execution.variant

    def revive(self, output: str) -> Video:
        """The video that the body gives, after running it where its result had been kept. May wait."""
        return self.execution.revive(self, output)

    def bound(self, video: Video) -> Video:
        """A video as this node's body sees it: read at its urgency, for its account."""
        return type(video)(video.info, video.made_by, video.audio, LaneReading(self.execution, self))

    # What its body may ask: the `Run` protocol

    @property
    def state(self) -> MutableMapping[str, Any]:
        """As `Run.state`."""
        if self._state_cache is None:
            self._state_cache = _State(self.store, self.key or "")
        return self._state_cache

    @property
    def device(self) -> str:
        """As `Run.device`."""
        return self.execution.engine.device

    def digest(self, path: Path) -> str:
        """As `Run.digest`."""
        return self.store.digest(path, self.execution.engine.strict_digests)

    def step(self, k: int, total: int, preview: Any = None) -> None:
        """As `Run.step`."""
        self.emit(NodeProgress(self.run_id, self.id, k, total, preview, self.variant))
        if self.cancelled:
            raise Cancelled
        lanes.checkpoint()

    def piece(self, make: Callable[..., T], *args: Any, lane: Lane | None = None) -> T:
        """As `Run.piece`."""
        if lanes.current_lane() is not None:
            return make(*args)
        call = _Call(self, lambda: make(*args))
        self.execution.engine.lanes[lane or self.spec.lane].submit(call)
        return call.wait()

    @contextmanager
    def output(self, path: str) -> Generator[Path]:
        """As `Run.output`."""
        target = Path(path)
        if target not in self.targets:
            raise NodeError(f"may write only what its output setting names, not {path}")
        with replaced_when_whole(target, (self.sink_key or "")[-8:], self._may_replace) as temporary:
            self.temporaries[temporary] = target
            yield temporary
        del self.temporaries[temporary]

    def _may_replace(self) -> None:
        if self.cancelled:
            raise Cancelled
        self.execution.keys.verify_files()

    def part(self, name: str, make: Callable[[Path], None]) -> Path:
        """As `Run.part`."""
        if self.sink_key is None:
            raise NodeError("only a sink keeps parts")
        return made_part(self.store.parts(self.sink_key) / name, make)

    def document(self, beside: Path) -> str | None:
        """As `Run.document`."""
        text = self.execution.recipe.text(self.temporaries.get(beside, beside))
        if text is not None and (size := len(text.encode())) > MAX_TEXT:
            self.note(f"The file carries no graph, as its text of {size / 1e6:.1f} MB is longer than 1 MB.")
            return None
        return text

    def provenance(self) -> str | None:
        """As `Run.provenance`."""
        try:
            text = provenance_of(self).text()
        except (OSError, VidflowError) as error:
            self.note(f"The file does not say what made it: {error}")
            return None
        if (size := len(text)) > MAX_TEXT:
            self.note(f"The file does not say what made it, as that is {size / 1e6:.1f} MB of text, over 1 MB.")
            return None
        return text

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """As `Run.kept`."""
        with self.execution.kept_lock(self, name):
            key = f"{self.key}#{name}"
            found = self.store.get(key)
            if found is not None and found.data is not None:
                return decode(found.kind, found.data)
            began = time.perf_counter()
            value = make()
            self.store.keep_value(key, value, time.perf_counter() - began)
            return value

    def note(self, text: str) -> None:
        """As `Run.note`."""
        if text not in self.note_texts:
            self.note_texts.append(text)


class _State(MutableMapping[str, Any]):
    """A mapping that is on disk before a write to it returns."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._values = store.state_get(key)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._store.state_put(self._key, name, value)
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        del self._values[name]
        self._store.state_put(self._key, name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _Call:
    """A piece of a waiting body."""

    def __init__(self, node: NodeRun, make: Callable[[], Any]) -> None:
        self._node = node
        self._make = make
        self._done = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        self.urgency = node.urgency

    @property
    def cancelled(self) -> bool:
        return self._node.cancelled

    def run(self) -> None:
        try:
            if self.cancelled:
                raise Cancelled
            self._result = self._make()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting body
            self._error = error
        self._done.set()

    def wait(self) -> Any:
        while not self._done.wait(0.1):
            if self.cancelled:
                raise Cancelled
        if self._error is not None:
            raise self._error
        return self._result
