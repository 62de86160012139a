"""One graph being executed: which nodes are needed, in which order, what is kept already, what failed.

Everything that decides is done under one lock by `_settle`, a plain loop over a list of things to do, so that neither a
chain of 10,000 nodes nor a late value needs recursion. Bodies and frames are made on lanes and on threads of their own;
they come back through `finished` and `failed`.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vidflow.engine.blame import message_of, origin_of
from vidflow.engine.bodies import Bodies
from vidflow.engine.codec import decode_info
from vidflow.engine.events import Hub, NodeFailed, NodeFinished
from vidflow.engine.keptvideo import is_whole
from vidflow.engine.nodekeys import NodeKeys
from vidflow.engine.noderun import Blamed, Lazy, NodeRun, Status
from vidflow.engine.sinks import finished_sink
from vidflow.errors import Cancelled, Failure, MediaError, StoreError, VidflowError
from vidflow.graph.document import Link
from vidflow.nodespec.spec import NodeSpec
from vidflow.values import Video
from vidflow.values.reading import Pipeline

if TYPE_CHECKING:
    from vidflow.engine.service import Engine
    from vidflow.graph.check import Checked
    from vidflow.graph.recipe import Recipe

FORCED_AFTER = 0.3
"""Seconds after a cancel when the request ends for its caller, though a body may not have returned."""


class Execution:
    """One checked graph on its way through the engine."""

    def __init__(
        self,
        engine: Engine,
        hub: Hub,
        checked: Checked,
        recipe: Recipe,
        *,
        run_id: str,
        urgency: float = 0,
        finish_leaves: bool = True,
        sparing: bool = False,
        ended: Callable[[Execution], None] | None = None,
    ) -> None:
        self.engine = engine
        self.store = engine.store
        self.hub = hub
        self.run_id = run_id
        self.urgency = urgency
        self.variant = recipe.each or ""
        self.cancelled = False
        self.reading = threading.RLock()
        """Held while the set of readers changes."""
        self.pinning = threading.Lock()
        """Held while keys are pinned, which ends with the execution."""
        self.pipelines: weakref.WeakSet[Pipeline] = weakref.WeakSet()
        self.failures: list[Failure] = []
        self.files: list[str] = []
        self.notes: list[str] = []
        self.done = threading.Event()
        self.status = ""
        self.paths = recipe.paths
        self.recipe = recipe
        self._finish_leaves = finish_leaves
        self._sparing = sparing
        self.spared: list[str] = []
        """The nodes that would take long and so were not begun."""
        self._ended = ended
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._todo: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._settling = False
        self._keeping = 0
        self._kept_locks: dict[str, threading.Lock] = {}
        self.keys = NodeKeys(self)
        self.bodies = Bodies(self)
        self.nodes: dict[str, NodeRun] = {}
        self._wanted: dict[NodeRun, None] = {}
        self._left: set[NodeRun] = set()
        self._lay_out(checked)

    def _lay_out(self, checked: Checked) -> None:
        """The nodes, and who reads whom: through ports, and through settings whose value comes late."""
        nodes = self.nodes
        for index, (id, one) in enumerate(checked.nodes.items()):
            node = nodes[id] = NodeRun(self, index, id, one.spec, one.values, one.links)
            known_ports: set[NodeRun] = set()
            known_late: set[NodeRun] = set()
            for name, link in one.links.items():
                spec = one.spec.input(name)
                assert spec is not None
                entries = link if isinstance(link, tuple) else (link,)
                read = dict.fromkeys(nodes[entry.node] for entry in entries if isinstance(entry, Link))
                ups, known = (node.port_ups, known_ports) if spec.is_port else (node.late_ups, known_late)
                for up in read:
                    if up not in known:
                        ups.append(up)
                        (up.port_readers if spec.is_port else up.late_readers).append(node)
                known.update(read)
        if self.store.private:
            # What only one reader takes need not be written for this run alone.
            for node in nodes.values():
                node.keeps = len(node.port_readers) > 1
        self._wanted = dict.fromkeys(nodes[id] for id in checked.wanted)
        self._left = set(self._wanted)

    # Starting

    def start(self) -> None:
        """Compute the keys that can be known, and ask for what is wanted."""
        if self.cancelled:
            return
        try:
            self._give_keys()
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits for the run must hear of it
            self._do((self._broken, (error,)))
            return
        self._do(*((self._demand, (node,)) for node in self._wanted))
        if not self._wanted:
            self._end("done")

    def _broken(self, error: Exception) -> None:
        raise error

    def _give_keys(self) -> None:
        for node in self.nodes.values():
            if self.cancelled:
                return
            if not node.late_ups and all(up.key is not None for up in node.port_ups):
                try:
                    self.keys.give(node)
                except VidflowError as error:
                    self.failed(node, error)

    # Deciding

    def _do(self, *actions: tuple[Callable[..., None], tuple[Any, ...]]) -> None:
        """Add to the list of things to do, and do them all unless this thread is already at it."""
        with self._lock:
            self._todo.extend(actions)
            if self._settling:
                return
            self._settling = True
            try:
                while self._todo:
                    action, arguments = self._todo.popleft()
                    action(*arguments)
            except Exception as error:  # noqa: BLE001 - who waits for the run must hear of it, whatever it was
                self._todo.clear()
                self.failures.append(Failure("", message_of(error), origin_of(error), error))
                self._end("failed")
            finally:
                self._settling = False
                self._changed.notify_all()

    def _demand(self, node: NodeRun) -> None:
        if node.demanded or node.status is Status.FAILED:
            return
        node.demanded = True
        if node.key is None:
            self._want_key(node)
        else:
            self._resolve(node)

    def _want_key(self, node: NodeRun) -> None:
        if node.key_wanted or node.key is not None:
            return
        node.key_wanted = True
        for up in node.late_ups:
            self._todo.append((self._demand, (up,)))
        for up in node.port_ups:
            if up.key is None:
                self._todo.append((self._want_key, (up,)))

    def _try_key(self, node: NodeRun) -> None:
        """Give the node its key if all that it needs for that is known now."""
        if node.key is not None or node.status is Status.FAILED:
            return
        if any(up.status is not Status.DONE and not up.reviving for up in node.late_ups):
            return
        if any(up.key is None for up in node.port_ups):
            return
        try:
            self.keys.settle_late(node)
            self.keys.give(node)
        except VidflowError as error:
            self.failed(node, error)
            return
        for reader in node.port_readers:
            self._todo.append((self._try_key, (reader,)))
        if node.demanded:
            self._resolve(node)

    def _resolve(self, node: NodeRun) -> None:
        """The key is known and the result is wanted: take what is kept, or ask for the inputs."""
        if node.status is not Status.IDLE:
            return
        if self._take_kept(node):
            return
        self._await_inputs(node)

    def _take_kept(self, node: NodeRun) -> bool:
        outputs: dict[str, Any] | None
        if node.spec.sink:
            outputs = finished_sink(node)
        else:
            outputs = self.kept_outputs(node)
        if outputs is None:
            return False
        self._finish(node, outputs, True)
        return True

    def kept_outputs(self, node: NodeRun) -> dict[str, Any] | None:
        """What the store has under the node's key; None where anything is missing."""
        outputs: dict[str, Any] = {}
        notes: tuple[str, ...] = ()
        for output in node.spec.outputs:
            key = f"{node.key}.{output.name}"
            row = self.store.get(key)
            if row is None:
                return None
            notes = row.notes
            if row.kind in ("video", "image"):
                info = decode_info(row.data or b"")
                if info.audio is not None or not is_whole(node, key, info):
                    return None
                outputs[output.name] = self.bodies.kept_video(node, output.name, info, row.kind == "image")
            elif row.data is None:
                if not self.store.path(key, "value.safetensors").exists():
                    return None
                outputs[output.name] = Lazy(key, row)
            else:
                outputs[output.name] = self.store.load_value(key, row)
        node.note_texts.extend(notes)
        return outputs

    def _await_inputs(self, node: NodeRun) -> None:
        node.status = Status.WAITING
        left = 0
        for up in node.port_ups:
            up.readers_open += 1
            if up.status is Status.FAILED:
                self._block(node)
                return
            if up.status is not Status.DONE and not up.reviving:
                left += 1
                if not up.demanded:
                    self._todo.append((self._demand, (up,)))
        node.inputs_left = left
        if not left:
            self._dispatch(node)

    def _dispatch(self, node: NodeRun) -> None:
        if self.cancelled:
            return
        if self._sparing and _takes_long(node.spec):
            self.spared.append(node.id)
            self._block(node)
            return
        node.status = Status.RUNNING
        self.bodies.dispatch(node)

    # What comes back

    def finished(self, node: NodeRun, outputs: dict[str, Any]) -> None:
        """A body gave its outputs, or found them kept meanwhile; called from any thread."""
        self._do((self._finish, (node, outputs, node.was_kept)))

    def _finish(self, node: NodeRun, outputs: dict[str, Any], kept: bool) -> None:
        if node.reviving:
            node.reviving, node.status = False, Status.DONE
            node.outputs.update(
                (name, value) for name, value in outputs.items() if isinstance(node.outputs[name], Lazy)
            )
            return
        node.outputs, node.status, node.was_kept = outputs, Status.DONE, kept
        if kept or not any(isinstance(value, Video) for value in outputs.values()):
            self._close(node)
        for reader in node.late_readers:
            self._todo.append((self._try_key, (reader,)))
        for reader in node.port_readers:
            if reader.status is Status.WAITING:
                reader.inputs_left -= 1
                if not reader.inputs_left:
                    self._todo.append((self._dispatch, (reader,)))
        if node in self._wanted:
            if self._finish_leaves and not kept and self.bodies.read_leaf(node):
                return
            self._count_off(node)

    def leaf_read(self, node: NodeRun) -> None:
        """The frames that a leaf owes were made."""
        self._do((self._leaf_done, (node,)))

    def _leaf_done(self, node: NodeRun) -> None:
        self._close(node)
        self._count_off(node)

    def _close(self, node: NodeRun) -> None:
        """Say that a node is finished, and let go of the videos it read."""
        todo = [node]
        while todo:
            current = todo.pop()
            if current.ended:
                continue
            current.ended = True
            self._report(current)
            if current.status is Status.DONE and current.was_kept:
                continue
            for up in current.port_ups:
                up.readers_open -= 1
                if up.readers_open <= 0 and up.status is Status.DONE and not up.ended and up not in self._wanted:
                    todo.append(up)

    def _report(self, node: NodeRun) -> None:
        if node.status is not Status.DONE or any(failure.node == node.id for failure in self.failures):
            return
        if self._finish_leaves:
            row = (self.run_id, node.id, int(node.was_kept), node.seconds)
            self.store.journal("INSERT INTO timings VALUES (?, ?, ?, ?)", row)
        notes = tuple(node.note_texts)
        self.hub.put(NodeFinished(self.run_id, node.id, node.was_kept, node.seconds, 0, notes, self.variant))

    def failed(self, node: NodeRun, error: BaseException) -> None:
        """A body or a frame failed; called from any thread. What depends on the node will not run, the rest goes on."""
        if isinstance(error, Cancelled):
            self._do((self._stopped, (node,)))
            return
        self._do((self._fail, (node, error)))

    def _stopped(self, node: NodeRun) -> None:
        if not self.cancelled:
            self._fail(node, Cancelled("The node stopped itself."))

    def _fail(self, node: NodeRun, error: BaseException) -> None:
        culprit = node
        frame: int | None = None
        while isinstance(error, Blamed):
            culprit, error, frame = error.node, error.cause, error.frame
        if self.cancelled:
            return
        if culprit.execution is self and all(failure.node != culprit.id for failure in self.failures):
            message = message_of(error, frame)
            given = {name: repr(value)[:200] for name, value in culprit.values.items()}
            failure = Failure(culprit.id, message, origin_of(error), error, _input_of(culprit, error))
            self.failures.append(failure)
            # What the frames of the stack hold, readers and their budget among it, is let go.
            traceback.clear_frames(error.__traceback__)
            self.hub.put(NodeFailed(self.run_id, culprit.id, message, origin_of(error), given, error, self.variant))
        if culprit.execution is self and culprit.status is not Status.DONE:
            self._block(culprit)
        self._block(node)

    def _block(self, node: NodeRun) -> None:
        """This node and all that depend on it will not be finished."""
        todo = [node]
        while todo:
            current = todo.pop()
            if current.status is Status.FAILED or (current.ended and current.status is Status.DONE):
                continue
            if current.status is not Status.DONE:
                todo.extend(current.port_readers)
                todo.extend(current.late_readers)
            current.status, current.reviving = Status.FAILED, False
            if current in self._wanted:
                self._count_off(current)

    def _count_off(self, node: NodeRun) -> None:
        self._left.discard(node)
        if not self._left:
            self._end_when_kept()

    # Ending

    def keeping(self, change: int) -> None:
        """One more (or less) segment is being written that the run should not end without."""
        with self._lock:
            self._keeping += change
            if not self._keeping and not self._left:
                self._end_when_kept()

    def _end_when_kept(self) -> None:
        if not self._keeping:
            self._end("failed" if self.failures else "done")

    def _end(self, status: str) -> None:
        with self._lock:
            if self.done.is_set():
                return
            self.status = status
            for node in self.nodes.values():
                if node.status is Status.DONE and not node.ended:
                    node.ended = True
                    self._report(node)
            self.keys.unpin()
            self.store.flush()
            if self.store.trouble:
                self.notes.append(self.store.trouble)
                self.store.trouble = ""
            self.done.set()
            self._changed.notify_all()
        if self._ended is not None:
            self._ended(self)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The nodes that it is for."""
        return tuple(node.id for node in self._wanted)

    def cancel(self) -> None:
        """Stop what is under way; the request ends for its caller within a second. Returns at once."""
        with self._lock:
            if self.cancelled or self.done.is_set():
                return
            self.cancelled = True
        self._stop_readers()
        # To write down what was made takes a moment, which no window has.
        threading.Thread(target=self._wind_up, name="vidflow-cancel", daemon=True).start()

    def leave(self) -> None:
        """The engine is being closed: whoever reads is told so."""
        self.cancelled = True
        self._stop_readers()
        self._end("cancelled")
        with self._lock:
            self._changed.notify_all()

    def _stop_readers(self) -> None:
        with self.reading:
            pipelines = list(self.pipelines)
        for pipeline in pipelines:
            pipeline.stop(Cancelled())

    def _wind_up(self) -> None:
        idle = threading.Event()
        self.bodies.when_idle(idle.set)
        if not idle.wait(FORCED_AFTER):
            for node in self.nodes.values():
                for temporary in list(node.temporaries):
                    with contextlib.suppress(OSError):
                        temporary.unlink(missing_ok=True)
        self._end("cancelled")

    # Values afterwards

    def revive(self, node: NodeRun, output: str) -> Video:
        """The video that a node's body gives, though its frames had been kept; runs the body, and waits for it."""
        with self._lock:
            value = self.bodies.made.get((node.id, output))
            if value is not None:
                return value
            if node.status is Status.DONE and not node.reviving:
                node.reviving = True
                self._do((self._await_inputs, (node,)))
            self._changed.wait_for(lambda: not node.reviving or node.status is Status.FAILED or self.cancelled)
            value = self.bodies.made.get((node.id, output))
            if value is None and node.status is Status.DONE:
                value = node.outputs[output]
        if value is None:
            raise (
                Cancelled
                if self.cancelled
                else StoreError(f"{node.id}: what was kept is gone and could not be made again")
            )
        return value

    def value(self, node: NodeRun, output: str) -> Any:
        """An output of any node, made now where the run did not need it. Raises KeyError where the node failed."""
        with self._lock:
            if node.status is Status.IDLE and not node.demanded:
                self._do((self._demand, (node,)))
            self._changed.wait_for(lambda: node.status in (Status.DONE, Status.FAILED) or self.cancelled)
            if node.status is not Status.DONE:
                raise KeyError(node.id)
            value = node.outputs[output]
        return self.bodies.loaded(node, output, value)

    def kept_lock(self, node: NodeRun, name: str) -> threading.Lock:
        """The lock under which a node's kept value is made."""
        with self._lock:
            return self._kept_locks.setdefault(f"{node.key}#{name}", threading.Lock())


def _takes_long(spec: NodeSpec) -> bool:
    """Whether the body itself does what is dear. One that gives a video or sound only says how it is made."""
    lazy = any(output.type.name in ("video", "audio") for output in spec.outputs)
    films = any(one.type.name in ("video", "audio") for one in spec.inputs)
    return not lazy and (spec.lane != "cpu" or (films and all(one.type.name != "image" for one in spec.outputs)))


def _input_of(node: NodeRun, error: BaseException) -> str | None:
    """The input that names the file which an error is about."""
    path = str(error.path) if isinstance(error, MediaError) else None
    return next((name for name, value in node.values.items() if value == path), None) if path else None
