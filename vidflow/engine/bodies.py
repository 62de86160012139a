"""Running node bodies: on a lane as one piece, or, where they stream, on threads of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from vidflow.engine import lanes
from vidflow.engine.codec import encode_info
from vidflow.engine.keptvideo import KeptVideo
from vidflow.engine.noderun import Lazy, NodeRun
from vidflow.engine.sinks import run_sink, targets_of
from vidflow.errors import Cancelled, NodeError
from vidflow.graph.document import Link
from vidflow.nodespec.hints import Weights
from vidflow.nodespec.spec import NodeSpec, OutputSpec, PortType
from vidflow.values import Audio, Conditioning, Image, Latents, Model, Prompt, Report, Video, VideoInfo
from vidflow.values.stages import Boundary

if TYPE_CHECKING:
    from vidflow.engine.claims import Claim
    from vidflow.engine.execution import Execution

_POLL = 0.03
_FLUSH_AT_ONCE = 0.2
"""Seconds: what took longer is written to the index at once."""
_CLASSES: dict[str, type] = {
    "video": Video,
    "image": Image,
    "audio": Audio,
    "prompt": Prompt,
    "model": Model,
    "conditioning": Conditioning,
    "latents": Latents,
    "report": Report,
}


class _BodyJob:
    """A body that is one piece on its lane."""

    __slots__ = ("_bodies", "_node", "urgency")

    def __init__(self, bodies: Bodies, node: NodeRun) -> None:
        self._bodies = bodies
        self._node = node
        self.urgency = node.urgency

    @property
    def cancelled(self) -> bool:
        return self._node.execution.cancelled

    def run(self) -> None:
        bodies, node = self._bodies, self._node
        try:
            if self.cancelled:
                raise Cancelled
            outputs = bodies.call(node, bodies.arguments(node))
        except BaseException as error:  # noqa: BLE001 - a body may raise anything; the run reports it
            with lanes.ending():
                bodies.left(node)
                node.execution.failed(node, error)
            return
        with lanes.ending():
            bodies.left(node)
            node.execution.finished(node, outputs)


class Bodies:
    """The bodies of one execution."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._lock = threading.Lock()
        self._active = 0
        self._when_idle: Callable[[], None] | None = None
        self.made: dict[tuple[str, str], Video] = {}
        """The videos that bodies gave, by node and output, for those whose frames are kept."""

    # How many are running

    def left(self, node: NodeRun) -> None:
        """A body has returned."""
        with self._lock:
            self._active -= 1
            idle = self._when_idle if not self._active else None
        if idle:
            idle()

    def when_idle(self, then: Callable[[], None]) -> None:
        """Call `then` once no body runs."""
        with self._lock:
            if self._active:
                self._when_idle = then
                return
        then()

    # Dispatching

    def dispatch(self, node: NodeRun) -> None:
        """Run the node's body; called under the execution's lock, so nothing here waits."""
        spec, engine = node.spec, self._execution.engine
        if spec.lifted:
            self._execution.finished(node, self._lifted(node))
            return
        with self._lock:
            self._active += 1
        if spec.sink and any(one.type.name == "video" for one in spec.inputs):

            def streamed() -> None:
                try:
                    self._streamed(node)
                finally:
                    engine.slots.give()

            engine.slots.take(node.urgency, node.index, lambda: engine.threads.start(streamed))
        elif spec.streams or spec.lane != "cpu" or (spec.sink and targets_of(node)) or self._must_wait(node):
            engine.threads.start(lambda: self._streamed(node))
        else:
            engine.lanes[spec.lane].submit(_BodyJob(self, node))

    def _must_wait(self, node: NodeRun) -> bool:
        """Whether an input has to be read, or loaded from a file, before the body can run."""
        return any(isinstance(value, Lazy | Video) for up in node.port_ups for value in up.outputs.values())

    def _streamed(self, node: NodeRun) -> None:
        """Run a body on this thread, which may wait."""
        execution = self._execution
        try:
            if execution.cancelled:
                raise Cancelled
            outputs = run_sink(self, node) if node.spec.sink else self._claimed(node)
        except BaseException as error:  # noqa: BLE001 - a body may raise anything; the run reports it
            self.left(node)
            execution.failed(node, error)
            return
        self.left(node)
        if outputs is not None:
            execution.finished(node, outputs)

    def _claimed(self, node: NodeRun) -> dict[str, Any] | None:
        """A body that streams is run here, another as a piece on its lane; what is kept is made by one maker only."""
        spec, execution = node.spec, self._execution
        arguments = self.arguments(node)
        streamed_values = spec.streams and all(output.type.name not in ("video", "audio") for output in spec.outputs)
        if spec.lane == "cpu" and not streamed_values:
            return self.call(node, arguments) if spec.streams else node.piece(self.call, node, arguments)
        claim = self.claim(node, f"body:{node.key}")
        try:
            found = None if node.reviving else execution.kept_outputs(node)
            if found is not None:
                node.was_kept = True
                return found
            return self.call(node, arguments) if spec.streams else node.piece(self.call, node, arguments)
        finally:
            execution.store.flush()
            if claim is not None:
                claim.release()

    def claim(self, node: NodeRun, name: str) -> Claim | None:
        """The right to make `name`, waited for while another has it; None where that one is less urgent."""
        claims = self._execution.store.claims
        while (claim := claims.take(name, node.urgency)) is None:
            other = claims.holder_urgency(name)
            if other is not None and other < node.urgency and not node.spec.sink:
                return None
            self.pause()
        return claim

    def pause(self) -> None:
        """Wait a little for another maker, in this process or not. Raises Cancelled."""
        if self._execution.cancelled:
            raise Cancelled
        time.sleep(_POLL)

    # Calling

    def arguments(self, node: NodeRun) -> dict[str, Any]:
        """What the body is called with."""
        given: dict[str, Any] = dict(node.values)
        for name, link in node.links.items():
            spec = node.spec.input(name)
            assert spec is not None
            if not spec.is_port:
                continue
            if isinstance(link, tuple):
                links = cast("tuple[Link, ...]", link)
                given[name] = [self._input(node, entry, spec.type) for entry in links]
            else:
                value = self._input(node, link, spec.type)
                given[name] = [value] if spec.type.many else value
        for spec in node.spec.inputs:
            if spec.name in given:
                given[spec.name] = _listed(given[spec.name])
        if node.spec.takes_run:
            given["run"] = node
        return given

    def _input(self, node: NodeRun, link: Link, type: PortType) -> Any:
        up = self._execution.nodes[link.node]
        output = link.output or up.spec.outputs[0].name
        value = self.loaded(up, output, up.outputs[output])
        if isinstance(value, Video):
            value = node.bound(value)
            if type.name == "image" and not node.spec.streams:
                value = Image.from_frame(value.frame(0))
        return value

    def loaded(self, node: NodeRun, output: str, value: Any) -> Any:
        """A value as a reader gets it; a kept one is loaded, and made again where it was evicted."""
        if isinstance(value, Lazy):
            try:
                value = self._execution.store.load_value(value.key, value.row)
            except KeyError:
                return self._execution.revive(node, output)
            node.outputs[output] = value
        elif isinstance(value, Video) and value.runtime is None:
            return node.bound(value)
        return value

    def call(self, node: NodeRun, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call the function; its outputs by name, those that are kept put into the store."""
        node.start()
        spec = node.spec
        began = time.perf_counter()
        result = spec.function(**arguments)
        node.seconds += time.perf_counter() - began
        if node.cancelled:
            raise Cancelled
        names = [output.name for output in spec.outputs]
        if len(names) == 1 and not hasattr(result, "_fields"):
            values = [result]
        else:
            values = list(result) if names else []
        outputs: dict[str, Any] = {}
        for output, value in zip(spec.outputs, values, strict=True):
            outputs[output.name] = self._settled(node, output, _checked(spec, output, value))
        if node.seconds > _FLUSH_AT_ONCE:
            self._execution.store.flush()
        return outputs

    def _settled(self, node: NodeRun, output: OutputSpec, value: Any) -> Any:
        """An output as other nodes see it."""
        if isinstance(value, Video):
            return self._video(node, output.name, value)
        store, key = self._execution.store, f"{node.key}.{output.name}"
        passing = isinstance(value, Audio) or _holds_streams(value) or _names_files(node.spec, value)
        if not passing and value is not None and not node.spec.sink:
            store.keep_value(key, value, node.seconds, tuple(node.note_texts))
        return value

    def _video(self, node: NodeRun, output: str, video: Video) -> Video:
        """The video behind a boundary; an image or a dear one is kept."""
        image = isinstance(video, Image)
        kind = Image if image else Video
        made_by: Any = video.made_by
        key = f"{node.key}.{output}"
        if node.spec.dear or image:
            self.made[node.id, output] = video
            made_by = KeptVideo(node, output, key, video)
            if node.keeps:
                info, notes = encode_info(video.info), tuple(node.note_texts)
                self._execution.store.put(key, "image" if image else "video", info, node.seconds, notes)
        inner = kind(video.info, made_by, video.audio)
        return kind(video.info, Boundary(inner, node), video.audio)

    def kept_video(self, node: NodeRun, output: str, info: VideoInfo, image: bool) -> Video:
        """A video whose segments are all kept; its body has not run."""
        kind = Image if image else Video
        inner = kind(info, KeptVideo(node, output, f"{node.key}.{output}", None))
        return kind(info, Boundary(inner, node))

    def _lifted(self, node: NodeRun) -> dict[str, Any]:
        """A function of single frames, lifted to the whole video."""
        spec = node.spec
        name = next(one.name for one in spec.inputs if one.type.name == "video")
        link = node.links[name]
        up = self._execution.nodes[link.node]
        video: Video = up.outputs[link.output or up.spec.outputs[0].name]
        settings: dict[str, Any] = {key: _listed(value) for key, value in node.values.items() if key != name}
        function = spec.function
        make: Callable[[Any], Any] = partial(function, **settings) if settings else function
        takes = None if spec.lifted in (None, "any") else spec.lifted
        gives = video.info.dtype if spec.lifted_to in (None, "any") else spec.lifted_to
        kind = Image if isinstance(video, Image) else Video
        if takes == "uint8" and video.info.dtype == "float32":
            node.note("The video's depth was rounded to 8 bits.")
        mapped = video.map(make, takes=takes, dtype=gives)
        return {"video": self._video(node, "video", kind(mapped.info, mapped.made_by, mapped.audio))}

    # Sinks and leaves

    def read_leaf(self, node: NodeRun) -> bool:
        """A wanted video: a dear one is made whole, of a cheap one the first frame. False where there is no video."""
        videos = [value for value in node.outputs.values() if isinstance(value, Video)]
        if not videos:
            return False
        with self._lock:
            self._active += 1

        def reading() -> None:
            execution = self._execution
            try:
                for video in videos:
                    bound = node.bound(video)
                    count = video.info.frames if node.spec.dear else min(1, video.info.frames)
                    for _ in bound.read(0, count):
                        pass
            except BaseException as error:  # noqa: BLE001 - frames are made by bodies, which may raise anything
                self.left(node)
                execution.failed(node, error)
                return
            self.left(node)
            execution.leaf_read(node)

        self._execution.engine.threads.start(reading)
        return True


def _checked(spec: NodeSpec, output: OutputSpec, value: Any) -> Any:
    """An output as the type it was declared. Raises NodeError where it is something else."""
    name, many = output.type.name, output.type.many
    if many:
        return [_checked(spec, replace(output, type=PortType(name)), one) for one in value]
    kind = _CLASSES.get(name)
    if kind is not None:
        if name == "image" and isinstance(value, Video) and value.info.frames == 1:
            return Image.of(value)
        good = isinstance(value, kind)
    else:
        good = isinstance(value, {"int": int, "float": int | float, "bool": bool, "str": str}[name]) and (
            name == "bool" or not isinstance(value, bool)
        )
    if not good:
        raise NodeError(
            f"gave {type(value).__name__} for its output {output.name!r}, which is declared as {output.type}"
        )
    return float(cast("float", value)) if name == "float" else value


def _listed(value: Any) -> Any:
    """A setting as a body gets it: lists as lists."""
    return list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else value


def _names_files(spec: NodeSpec, value: Any) -> bool:
    """Whether it is a model in files: its key knows what they hold but not where they lie, so it is looked up again."""
    return isinstance(value, Model) and any(isinstance(one.hint, Weights) for one in spec.inputs)


def _holds_streams(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, Audio | Video) for one in value)  # pyright: ignore[reportUnknownVariableType]
