"""Checks a graph against the node types and the disk: every problem at once, as data, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from vidflow.errors import GraphError, NodeError, Problem
from vidflow.graph.bypass import Bypass, Place
from vidflow.graph.document import SUBGRAPH, Graph, Link, Node
from vidflow.graph.expand import LOST, Types, expand
from vidflow.graph.goals import everything_wanted, named, reach, relevant
from vidflow.graph.kinds import Kind, Kinds, Role, Slot
from vidflow.graph.literals import fit, fit_item
from vidflow.graph.order import cycles, topological
from vidflow.graph.outputs import Outputs
from vidflow.graph.overrides import with_set
from vidflow.graph.paths import Paths
from vidflow.graph.rules import broken_rules
from vidflow.graph.wording import Guesses, cut, shown, type_words
from vidflow.nodespec.hints import File, Folder, OutputFile, Weights
from vidflow.nodespec.spec import NodeSpec, PortType
from vidflow.nodespec.vocabulary import vocabulary

_IMAGE = PortType("image")
_LOOKS: dict[Role | None, Callable[[Paths, str, bool, Guesses], str | Path]] = {
    "file": Paths.input_file,
    "folder": Paths.input_folder,
    "weights": Paths.weights,
}
"""How the path of what is read is looked for."""


class CheckedNode:
    """A node that can run.

    `values` holds each plain setting that is known now, of its input's type: defaults filled in, paths absolute
    (`{n}` kept in an output's), lists as tuples, None where a setting is empty. `links` holds the inputs that are fed
    by links, with flat ids; an input that takes many has a tuple there, which may hold literals too.
    """

    __slots__ = ("id", "links", "spec", "values")

    def __init__(
        self, id: str, spec: NodeSpec, values: dict[str, Any], links: dict[str, Link | tuple[Link | Any, ...]]
    ) -> None:
        self.id = id
        self.spec = spec
        self.values = values
        self.links = links

    def __repr__(self) -> str:
        return f"CheckedNode({self.id!r}, {self.spec.type!r}, values={self.values!r}, links={self.links!r})"


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check. `nodes` are those that are needed, each after those it reads and otherwise in the order
    of the file; they mean something only where there are no errors. `wanted` are the ids that the run is for."""

    problems: tuple[Problem, ...]
    nodes: dict[str, CheckedNode]
    wanted: tuple[str, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the graph from running."""
        return tuple([problem for problem in self.problems if problem.level == "error"])


def check(
    graph: Graph,
    types: Types,
    paths: Paths,
    *,
    set: Mapping[str, Any] | None = None,
    only: Sequence[str] = (),
    each: str | None = None,
) -> Checked:
    """Check `graph` as it would run. Never raises for a bad graph.

    `set` maps `node.input`, or `outer/inner.input`, to values; text for an input that is no single text is read as on
    a command line (`read_value`). `only` names the nodes to run instead of every sink and every node that nothing
    reads; then problems of nodes that are not needed are left out. `each` is what `{each}` stands for in the output
    names of one of several variants.
    """
    return _Check(graph, types, paths, each).run(set or {}, only)


class _Check:
    def __init__(self, graph: Graph, types: Types, paths: Paths, each: str | None) -> None:
        self.graph = graph
        self.types = types
        self.paths = paths
        self.each = each
        self.kinds = Kinds(graph, types)
        self.guesses = Guesses()
        self.problems: list[Problem] = []
        self.from_set: set[Place] = set()
        self.dropped: dict[Place, str] = {}
        self.nodes: Mapping[str, Node] = {}
        self.checked: dict[str, CheckedNode] = {}
        self.images: set[str] = set()
        """The nodes whose output is an image because what they were given is one."""
        self.constants: dict[str, tuple[Any, bool]] = {}
        """The values of `number` and `text` nodes as they stand in the graph, and whether they were set."""
        self.read_files: dict[str, Place] = {}
        self.writers: list[tuple[str, Slot]] = []
        self.worded = False
        """Whether a setting holds words of a prompt, which the user's own may be among."""

    def run(self, given: Mapping[str, Any], only: Sequence[str]) -> Checked:
        expanded = expand(self.graph, self.guesses)
        self.problems.extend(expanded.problems)
        if expanded.too_large:
            return Checked(tuple(self.problems), {}, ())
        everything = expanded.nodes
        if given:
            everything, self.from_set, problems = with_set(expanded, given, self.kinds, self.guesses)
            self.problems.extend(problems)
        bypass: Bypass | None = None
        self.nodes = everything
        if any(node.off for node in everything.values()):
            bypass = Bypass(everything, self.kinds, self.from_set)
            self.nodes = bypass.nodes()
            self.dropped = bypass.dropped
        needs = self._needs()
        order, circular = topological(needs)
        knots = self._cycles(needs, circular) if circular else []
        if only:
            wanted, problems = named(only, everything, expanded, self.kinds, bypass, self.guesses)
            self.problems.extend(problems)
            goals = wanted
        else:
            wanted = everything_wanted(everything, self.kinds, bypass)
            goals = [*wanted, *knots]
        if bypass is not None:
            self.problems.extend(bypass.problems)
        needed = reach(goals, needs)
        for id in (*order, *circular):
            if id in needed:
                self._node(id, self.nodes[id])
        self._outputs()
        if self.worded:
            self._words()
        if not only:
            self._fields()
            if not wanted and not self.problems:
                self.problems.append(Problem("nothing-to-run", "No node of this graph would run.", level="note"))
        if not self.problems:
            self.problems.extend(broken_rules(self.checked))
        problems = relevant(self.problems, needed, only, everything, self.nodes, expanded) if self.problems else ()
        return Checked(problems, self.checked, tuple(wanted))

    def _problem(self, code: str, message: str, node: str | None, input: str | None = None, hint: str = "") -> None:
        self.problems.append(Problem(code, cut(message), node, input, hint))

    def _refused(self, error: GraphError, node: str, input: str) -> None:
        self.problems.extend(replace(problem, node=node, input=input) for problem in error.problems)

    def _needs(self) -> dict[str, list[str]]:
        """For each node that is on, the nodes that it reads."""
        nodes = self.nodes
        needs: dict[str, list[str]] = {}
        for id, node in nodes.items():
            wanted: list[str] = []
            for name, value in node.inputs.items():
                if value.__class__ is Link:
                    source = cast("Link", value).node
                    if source in nodes:
                        wanted.append(source)
                    elif not source.startswith(LOST):
                        self._no_source(id, name, source)
                elif value.__class__ is tuple:
                    for item in cast("tuple[Any, ...]", value):
                        if item.__class__ is Link:
                            if item.node in nodes:
                                wanted.append(item.node)
                            elif not item.node.startswith(LOST):
                                self._no_source(id, name, item.node)
            needs[id] = wanted
        return needs

    def _no_source(self, id: str, name: str, source: str) -> None:
        prefix = id[: id.rfind("/") + 1]
        if prefix and source.startswith(prefix):
            source = source[len(prefix) :]
            known = (other[len(prefix) :] for other in self.nodes if other.startswith(prefix))
        else:
            known = iter(self.nodes)
        hint = self.guesses.near(source, known)
        self._problem("unknown-node", f"There is no node {shown(source)} to link from.", id, name, hint)

    def _cycles(self, needs: dict[str, list[str]], circular: list[str]) -> list[str]:
        found: list[str] = []
        for circle in cycles({id: needs[id] for id in circular}):
            way = [*circle, circle[0]]
            found.append(circle[0])
            if len(way) > 9:
                way = [*way[:7], "...", way[-1]]
            message = f"These nodes feed each other in a circle: {' -> '.join(way)}."
            self._problem("cycle", message, circle[0], hint="Take away one of these links.")
        return found

    def _node(self, id: str, node: Node) -> None:
        kind = self.kinds.get(node.type)
        if node.extra:
            self._unknown_fields(node.extra, id)
        if kind is None or kind.spec is None:
            self._unknown_type(id, node.type)
            return
        values = kind.defaults.copy()
        links: dict[str, Link | tuple[Link | Any, ...]] = {}
        slots = kind.slots
        inputs = node.inputs
        for name, given in inputs.items():
            slot = slots.get(name)
            if slot is None:
                hint = self.guesses.near(name, slots)
                what = f"{shown(node.type)} has no input {shown(name)}."
                self._problem("unknown-input", what, id, name, hint or _one_of("Its inputs are", slots))
                continue
            try:
                cls = given.__class__
                if cls is Link:
                    self._link(id, slot, cast("Link", given), values, links)
                elif cls is slot.simple:
                    problem = slot.judge(given) if slot.judge is not None else None
                    if problem:
                        raise GraphError(Problem("out-of-range", cut(problem)))
                    values[name] = given
                elif cls is tuple:
                    self._list(id, slot, cast("tuple[Any, ...]", given), values, links)
                elif given is not None or slot.plain or not slot.nullable:
                    values[name] = fit(given, slot.spec)
            except GraphError as error:
                values.pop(name, None)
                self._refused(error, id, name)
        for name in kind.required:
            if name not in inputs or (inputs[name] == () and not slots[name].plain):
                self._missing(id, slots[name])
        if kind.constant and "value" in values and "value" not in links:
            raw = inputs.get("value", values["value"])
            if raw.__class__ is Link:
                self.constants[id] = self.constants[cast("Link", raw).node]
            else:
                self.constants[id] = (raw, (id, "value") in self.from_set)
        if kind.follows is not None:
            self._follow(id, links.get(kind.follows))
        if kind.roles:
            self._paths(id, kind, values)
        if kind.worded and not self.worded:
            self.worded = any(values.get(name) for name in kind.worded)
        self.checked[id] = CheckedNode(id, kind.spec, values, links)

    def _follow(self, id: str, link: Any) -> None:
        """An image comes out where an image goes in."""
        if link.__class__ is not Link:
            return
        source = self.nodes.get(link.node)
        kind = self.kinds.get(source.type) if source is not None else None
        given = kind.outputs.get(link.output) if kind is not None else None
        if link.node in self.images or (given is not None and given.name == "image"):
            self.images.add(id)

    def _link(self, id: str, slot: Slot, link: Link, values: dict[str, Any], links: dict[str, Any]) -> None:
        name = slot.name
        item = self._item(id, slot, link)
        if item.__class__ is Link:
            values.pop(name, None)
            links[name] = (item,) if slot.many else item
        else:
            values[name] = (item,) if slot.many else item

    def _list(self, id: str, slot: Slot, given: tuple[Any, ...], values: dict[str, Any], links: dict[str, Any]) -> None:
        name = slot.name
        if not slot.many:
            raise GraphError(
                Problem("wrong-type", f"A list stands here; expected {type_words(slot.type)}, one and not several.")
            )
        items: list[Any] = []
        linked = not slot.plain
        for value in given:
            if value.__class__ is Link:
                item = self._item(id, slot, value)
                linked = linked or item.__class__ is Link
                items.append(item)
            else:
                items.append(fit_item(value, slot.spec))
        if linked:
            values.pop(name, None)
            links[name] = tuple(items)
        else:
            values[name] = tuple(items)

    def _item(self, id: str, slot: Slot, link: Link) -> Any:
        """What comes along a link: the link itself, or the value of a `number` or `text` node."""
        if link.extra:
            self._unknown_fields(link.extra, id, slot.name)
        source = self.nodes.get(link.node)
        kind = self.kinds.get(source.type) if source is not None else None
        if kind is None:
            return link
        given = kind.outputs.get(link.output)
        if given is None:
            if link.output is None:
                raise GraphError(Problem("unknown-output", f"{shown(link.node)} has no output."))
            names = [name for name in kind.outputs if name is not None]
            hint = self.guesses.near(link.output, names) or _one_of("Its outputs are", names)
            message = f"{shown(link.node)} has no output {shown(link.output)}."
            raise GraphError(Problem("unknown-output", message, hint=hint))
        if slot.plain and link.node in self.constants:
            value, from_set = self.constants[link.node]
            if from_set:
                self.from_set.add((id, slot.name))
            try:
                return (fit_item if slot.many else fit)(value, slot.spec, from_node=True)
            except GraphError as error:
                problem = error.problems[0]
                raise GraphError(
                    replace(problem, message=cut(f"From {shown(link.node)}: {problem.message}"), hint="")
                ) from None
        expected = slot.type
        if given.name == "video" and link.node in self.images:
            given = _IMAGE
        if given is expected or (given.name == expected.name and given.many == expected.many):
            return link
        if not expected.accepts(given):
            message = f"{shown(str(link))} gives {type_words(given)}; expected {type_words(expected)}."
            raise GraphError(Problem("wrong-type", cut(message)))
        return link

    def _missing(self, id: str, slot: Slot) -> None:
        off = self.dropped.get((id, slot.name))
        what = type_words(slot.type)
        hint = slot.spec.hint
        if not slot.many and isinstance(hint, (File, Folder, Weights)):
            what = {File: "a file", Folder: "a folder", Weights: "a model"}[type(hint)]
        if isinstance(hint, OutputFile) and hint.suffixes:
            what = f"a file name ending in {' or '.join(hint.suffixes)}"
        if off is not None:
            message = f"{shown(off)} feeds this input, but is off and passes nothing on."
            self._problem("missing-input", message, id, slot.name, "Turn it on.")
        elif slot.plain:
            self._problem("missing-input", f"This setting is missing; expected {what}.", id, slot.name)
        else:
            link = 'Link it: {"from": "node"}.'
            self._problem("missing-input", f"Nothing comes in here; expected {what}.", id, slot.name, link)

    def _unknown_type(self, id: str, name: str) -> None:
        if name.startswith(SUBGRAPH):
            return
        known = self.types.types()
        hint = self.guesses.near(name, known, key=2)
        pack, dot, _ = name.partition(".")
        if dot and not any(other.startswith(pack + ".") for other in known):
            message = f"The type {shown(name)} belongs to the pack {shown(pack)}, which is missing."
            self._problem("unknown-type", message, id, hint=hint or "Install the pack, or list it in VIDFLOW_PACKS.")
            return
        hint = hint or "`vidflow nodes` lists all types."
        self._problem("unknown-type", f"There is no node type {shown(name)}.", id, hint=hint)

    def _unknown_fields(self, extra: Mapping[str, Any], node: str | None, input: str | None = None) -> None:
        for name in extra:
            message = f"This version does not know the field {shown(name)}."
            where = name if node is None else input
            self._problem("unknown-field", message, node, where, "It is kept, but the graph cannot run with it.")

    def _fields(self) -> None:
        # Editors of text put the schema's address there.
        self._unknown_fields({name: None for name in self.graph.extra if name != "$schema"}, None)
        for name, part in self.graph.graphs.items():
            self._unknown_fields(part.extra, SUBGRAPH + name)

    def _paths(self, id: str, kind: Kind, values: dict[str, Any]) -> None:
        """Make the paths of what is read absolute; outputs wait until all settings are known."""
        for slot in kind.roles:
            name = slot.name
            given = values.get(name)
            if given == "" and slot.nullable:
                values[name] = given = None
            if given is None:
                continue
            if slot.role == "output":
                self.writers.append((id, slot))
                continue
            from_set = (id, name) in self.from_set
            look = _LOOKS[slot.role]
            try:
                texts = cast("tuple[str, ...]", given) if slot.many else (cast("str", given),)
                found = [
                    text if text in slot.own else str(look(self.paths, text, from_set, self.guesses)) for text in texts
                ]
            except GraphError as error:
                self._refused(error, id, name)
                continue
            values[name] = tuple(found) if slot.many else found[0]
            if slot.role == "file":
                for path in found:
                    self.read_files.setdefault(path, (id, name))

    def _words(self) -> None:
        """Look at the user's own words, once for all nodes."""
        try:
            vocabulary()
        except NodeError as error:
            self.problems.append(Problem("bad-words", str(error)))

    def _outputs(self) -> None:
        """Make the names of what is written absolute paths, now that all settings are known."""
        outputs = Outputs(self.nodes, self.kinds, self.paths, self.each, self.read_files)
        for id, slot in self.writers:
            values = self.checked[id].values
            given = values.get(slot.name)
            if given is None:
                continue
            try:
                if slot.many:
                    values[slot.name] = tuple([outputs.path(id, slot, text) for text in given])
                else:
                    values[slot.name] = outputs.path(id, slot, given)
            except GraphError as error:
                self._refused(error, id, slot.name)


def _one_of(words: str, names: Any) -> str:
    listed = [str(name) for name in names]
    return f"{words} {', '.join(listed[:20])}." if listed else ""
