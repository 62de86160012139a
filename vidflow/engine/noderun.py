"""One node in one execution: what it reads and gives, the `Run` that its body sees, and the owner of its pieces."""

from __future__ import annotations

import errno
import os
import re
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from vidflow.engine import lanes
from vidflow.engine.codec import decode
from vidflow.engine.events import FramesReady, NodeProgress, NodeStarted
from vidflow.engine.reading import LaneReading
from vidflow.errors import Cancelled, MediaError, NodeError, VidflowError
from vidflow.nodespec.spec import NodeSpec
from vidflow.values import Frames, Video

if TYPE_CHECKING:
    from vidflow.engine.execution import Execution
    from vidflow.engine.store import Store

P = ParamSpec("P")
T = TypeVar("T")
_PROGRESS_EVERY = 0.05


class Status(Enum):
    """How far a node has come."""

    IDLE = auto()
    WAITING = auto()
    RUNNING = auto()
    DONE = auto()
    FAILED = auto()


class Blamed(VidflowError):
    """An error of a node's own code, on its way to whoever reads that node."""

    def __init__(self, node: NodeRun, cause: Exception) -> None:
        self.node = node
        self.cause = cause
        super().__init__(str(cause))


class NodeRun:
    """The state of a node in one execution."""

    __slots__ = (
        "_last_progress",
        "_made",
        "_state_cache",
        "claimed",
        "demanded",
        "ended",
        "execution",
        "followers",
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
        "target",
        "temporary",
        "unkeyed",
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
        self.unkeyed = 0
        self.inputs_left = 0
        self.readers_open = 0
        self.reviving = self.demanded = self.key_wanted = self.claimed = self.started = self.ended = self.was_kept = (
            False
        )
        self.watched = False
        self.seconds = 0.0
        self.note_texts: list[str] = []
        self.followers: list[NodeRun] = []
        self.target: Path | None = None
        self.temporary: Path | None = None
        self.sink_key: str | None = None
        self._made = 0
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

    def failed(self, error: Exception) -> Exception:
        """As `Owner.failed`."""
        return error if isinstance(error, Blamed | Cancelled) else Blamed(self, error)

    def spent(self, seconds: float, frames: int) -> None:
        """As `Owner.spent`."""
        self.seconds += seconds
        if frames:
            self._made += frames
            now = time.monotonic()
            if now - self._last_progress > _PROGRESS_EVERY:
                self._last_progress = now
                video = next((one for one in self.outputs.values() if isinstance(one, Video)), None)
                if video is not None:
                    total = video.info.frames
                    self.emit(NodeProgress(self.run_id, self.id, min(self._made, total), total, None, self.variant))

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

    def step(self, k: int, total: int, preview: Any = None) -> None:
        """As `Run.step`."""
        self.emit(NodeProgress(self.run_id, self.id, k, total, preview, self.variant))
        if self.cancelled:
            raise Cancelled
        lanes.checkpoint()

    def piece(self, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Run.piece`."""
        if lanes.current_lane() is not None:
            return make(*args, **kwargs)
        call = _Call(self, lambda: make(*args, **kwargs))
        self.execution.engine.lanes[self.spec.lane].submit(call)
        return call.wait()

    @contextmanager
    def output(self, path: str) -> Generator[Path]:
        """As `Run.output`."""
        if not self.spec.sink or self.target is None:
            raise NodeError("only a sink with an output file may write one")
        target = self.target
        folder = target.parent
        mark = f"{os.getpid()}-{(self.sink_key or '')[-8:]}"
        temporary = self.temporary = folder / f".{target.stem[:60]}.{mark}.part{target.suffix}"
        try:
            with _said_of(target, temporary):
                folder.mkdir(parents=True, exist_ok=True)
                _sweep(folder, target)
                yield temporary
                if self.cancelled:
                    raise Cancelled
                self.execution.verify_files()
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(target)
        finally:
            _removed(temporary)
            self.temporary = None

    def part(self, name: str, make: Callable[[Path], None]) -> Path:
        """As `Run.part`."""
        if self.sink_key is None:
            raise NodeError("only a sink keeps parts")
        folder = self.store.parts(self.sink_key)
        path = folder / name
        if path.exists():
            return path
        temporary = folder / f".{os.getpid()}-{name}"
        try:
            with _said_of(folder, temporary):
                folder.mkdir(parents=True, exist_ok=True)
                make(temporary)
                temporary.replace(path)
        finally:
            _removed(temporary)
        return path

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


def origin_of(error: BaseException) -> str:
    """File and line that an exception came from."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def message_of(error: BaseException) -> str:
    """What the user is told of an exception."""
    if isinstance(error, VidflowError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The disk is full: {error.filename or ''} could not be written; free some space and run again."
    if isinstance(error, MemoryError):
        return "There is not enough memory; smaller frames or fewer at once need less."
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def _said_of(place: Path, temporary: Path) -> Generator[None]:
    """Say what goes wrong with a temporary file, or its folder, of the place that the user knows."""
    try:
        yield
    except (OSError, MediaError) as error:
        cause = error.__cause__ if isinstance(error, MediaError) else error
        name = error.path if isinstance(error, MediaError) else error.filename
        known = name is None or Path(str(name)) in (temporary, *temporary.parents)
        number = getattr(cause, "errno", None)
        if number not in (errno.ENOSPC, errno.EDQUOT) and not (known and isinstance(cause, OSError)):
            raise
        if number in (errno.ENOSPC, errno.EDQUOT):
            raise NodeError(f"{place} cannot be written: the disk is full. Free some space and run again.") from error
        reason = cause.strerror if isinstance(cause, OSError) else error
        raise NodeError(f"{place} cannot be written: {reason}. Choose another folder.") from error


def _removed(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The disk that could not be written may not let go either; the next run sweeps.
        return


def _sweep(folder: Path, target: Path) -> None:
    """Remove what killed processes left of this file."""
    left = re.compile(rf"\.{re.escape(target.stem[:60])}\.(\d+)-[0-9a-f]*\.part{re.escape(target.suffix)}")
    for entry in os.scandir(folder):
        found = left.fullmatch(entry.name)
        if found and not _runs(int(found[1])):
            Path(entry.path).unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
