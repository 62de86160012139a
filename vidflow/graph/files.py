"""Graph files: text to `Graph` and back. Whatever is wrong with a file is a GraphError that says where."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.document import VERSION, Graph, Input, Link, Node, Subgraph
from vidflow.graph.embedded import HEAD, carried, is_media
from vidflow.graph.locate import find, line_column, members
from vidflow.graph.migrations import migrate
from vidflow.graph.shape import MAX_PROBLEMS, Shaper
from vidflow.graph.wording import quoted, shown

MAX_BYTES = 64 * 2**20
"""The longest file that is read; a graph of 10,000 nodes has about 1 MB."""

_WIDTH = 120
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONG_INTEGER = re.compile(r"\d{4300}")
_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False).encode


def load(path: str | os.PathLike[str]) -> Graph:
    """The graph in the file at `path`, or the one that the movie there carries. Raises GraphError, also where there is
    no such file."""
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise _unreadable(path, "is a folder, not a graph file")
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(path, "is no plain file")
        with Path(path).open("rb") as file:
            data = file.read(HEAD)
            movie = is_media(data)
            if not movie:
                data += file.read(MAX_BYTES + 1 - len(data))
    except FileNotFoundError:
        raise _unreadable(path, "does not exist", "missing-file") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if movie:
        return _from_movie(path)
    if len(data) > MAX_BYTES:
        raise GraphError(_too_large())
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = "This file is not UTF-8 text, so it is no graph file."
        raise GraphError(Problem("not-utf8", message, line=line, column=column)) from None
    return parse(text)


def _from_movie(path: str | os.PathLike[str]) -> Graph:
    text = carried(path)
    try:
        return parse(text)
    except GraphError as error:
        # Nobody sees the lines of the text in a movie.
        raise GraphError(
            [
                replace(one, message=f"In {quoted(path)}: {one.message}", line=None, column=None)
                for one in error.problems
            ]
        ) from None


def located(problems: Sequence[Problem], path: str | os.PathLike[str]) -> tuple[Problem, ...]:
    """The problems of the graph file at `path`; those of the document's own fields with line and column."""
    trails = {
        (one.input,) for one in problems if one.node is None and one.code == "unknown-field" and one.input is not None
    }
    if not trails or _is_movie(path):
        return tuple(problems)
    found = find(Path(path).read_text("utf-8-sig"), trails)

    def placed(problem: Problem) -> Problem:
        line, column = found.get((problem.input or "",), (None, None))
        return replace(problem, line=line, column=column) if problem.node is None and line else problem

    return tuple(placed(problem) for problem in problems)


def _is_movie(path: str | os.PathLike[str]) -> bool:
    with Path(path).open("rb") as file:
        return is_media(file.read(HEAD))


def parse(text: str) -> Graph:
    """The graph that `text` holds. Raises GraphError with every problem of its form, each with line and column."""
    if len(text) > MAX_BYTES:
        raise GraphError(_too_large())
    repeated: list[str] = []

    def members_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            repeated.append("")
        return result

    try:
        raw = json.loads(text, object_pairs_hook=members_of)
    except json.JSONDecodeError as error:
        what = f"This is not JSON: {error.msg[:1].lower()}{error.msg[1:]}."
        raise GraphError(Problem("bad-json", what, line=error.lineno, column=error.colno)) from None
    except RecursionError:
        raise GraphError(Problem("too-deep", "This file nests objects and lists too deeply to be a graph.")) from None
    except ValueError:
        # Python converts no integer of more than 4300 digits.
        match = _LONG_INTEGER.search(text)
        line, column = line_column(text, match.start() if match else 0)
        raise GraphError(Problem("bad-number", "This number is too long.", line=line, column=column)) from None
    if repeated:
        raise GraphError(_repeated(text))
    if not isinstance(raw, dict):
        raise GraphError(_no_object(raw, line=1, column=1))
    return _shaped(cast("dict[str, Any]", raw), text)


def from_mapping(mapping: Mapping[str, Any]) -> Graph:
    """The graph that `mapping`, the content of a graph file, describes. Raises GraphError. The mapping is copied."""
    if not isinstance(mapping, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise GraphError(_no_object(mapping))
    return _shaped(dict(mapping), None)


def _shaped(raw: dict[str, Any], text: str | None) -> Graph:
    """`text` is what `raw` was read from; with it problems have a line and a column."""
    try:
        current = migrate(raw)
    except GraphError as error:
        where = find(text, [("vidflow",)]).get(("vidflow",), (1, 1)) if text else None
        if where is None:
            raise
        raise GraphError([replace(p, line=where[0], column=where[1]) for p in error.problems]) from None
    shaper = Shaper()
    try:
        graph = shaper.graph(current)
    except RecursionError:
        raise GraphError(Problem("too-deep", "This graph nests objects and lists too deeply.")) from None
    if not shaper.problems:
        return graph
    places = find(text, [at for at, _ in shaper.problems]) if text and current is raw else {}
    problems: list[Problem] = []
    for at, problem in shaper.problems:
        line, column = places.get(at, (1, 1) if text else (None, None))
        problems.append(replace(problem, line=line, column=column))
    if shaper.more:
        problems.append(Problem("more", f"{shaper.more} more problems are not listed."))
    raise GraphError(problems)


def dump(graph: Graph) -> str:
    """The text of a graph file: one node on a line where it fits, in the order of the document."""
    fields = _fields(
        graph.fields,
        ("vidflow", "nodes", "graphs", "view"),
        {
            "vidflow": str(VERSION),
            "nodes": _block(_nodes(graph.nodes), 1),
            "graphs": _block({name: _subgraph(part) for name, part in graph.graphs.items()}, 1) if graph.graphs else "",
            "view": _view(graph.view, 1) if graph.view else "",
        },
        {"vidflow", "nodes"},
        graph.extra,
        1,
    )
    return escaped(_block(fields, 0) + "\n")


def escaped(text: str) -> str:
    """JSON text that can be written: half a surrogate pair stands for itself in JSON's escapes only."""
    if not text.isascii() and _SURROGATE.search(text):
        return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write the graph file, whole or not at all. Raises GraphError where the file cannot be written."""
    data = dump(graph).encode()
    # A link to a graph elsewhere stays a link.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:80]}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                with contextlib.suppress(FileNotFoundError):
                    os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        message = f"The graph cannot be saved as {quoted(path)}: {error.strerror or error}."
        raise GraphError(Problem("cannot-save", message, hint="Nothing was changed there.")) from None


def to_mapping(graph: Graph) -> dict[str, Any]:
    """The content of the graph's file as plain mappings and lists."""
    return json.loads(dump(graph))


def _fields(
    order: Iterable[str],
    known: Iterable[str],
    texts: Mapping[str, str],
    always: set[str],
    extra: Mapping[str, Any],
    level: int,
) -> dict[str, str]:
    """Each field's text: those that the file had in its order, then new ones. A known field that is empty is left
    out unless the file had it or it is in `always`."""
    had = tuple(order)
    result: dict[str, str] = {}
    for name in (*had, *known, *extra):
        if name in result:
            continue
        if name in texts:
            text = texts[name] or ("{}" if name in had else "")
            if text or name in always:
                result[name] = text or "{}"
        elif name in extra:
            result[name] = _value(extra[name], level, _compact(name))
    return result


def _nodes(nodes: Mapping[str, Node], level: int = 2) -> dict[str, str]:
    return {name: _value(_plain_node(node), level, _compact(name)) for name, node in nodes.items()}


def _plain_node(node: Node) -> dict[str, Any]:
    result: dict[str, Any] = {}
    had = node.fields
    inputs = {key: _plain_input(value) for key, value in node.inputs.items()}
    if had == ("type", "inputs") and not node.off and not node.extra:
        return {"type": node.type, "inputs": inputs}
    for name in (*had, "type", "inputs", "off", *node.extra):
        if name == "type":
            result[name] = node.type
        elif name == "inputs":
            if inputs or name in had:
                result[name] = inputs
        elif name == "off":
            if node.off or name in had:
                result[name] = node.off
        elif name in node.extra:
            result[name] = node.extra[name]
    return result


def _plain_input(value: Input) -> Any:
    if isinstance(value, Link):
        return {"from": str(value), **value.extra}
    if isinstance(value, tuple):
        return [_plain_input(item) for item in value]
    return value


def _subgraph(part: Subgraph) -> str:
    fields = _fields(
        part.fields,
        ("nodes", "inputs", "outputs", "view"),
        {
            "nodes": _block(_nodes(part.nodes, 4), 3),
            "inputs": _value(dict(part.inputs), 3, '"inputs"') if part.inputs else "",
            "outputs": _value({k: _plain_input(v) for k, v in part.outputs.items()}, 3, '"outputs"')
            if part.outputs
            else "",
            "view": _view(part.view, 3) if part.view else "",
        },
        {"nodes"},
        part.extra,
        3,
    )
    return _block(fields, 2)


def _view(view: Mapping[str, Any], level: int) -> str:
    """The layout, each node's on a line of its own, so that moving a node changes that line only."""
    parts: dict[str, str] = {}
    for name, value in view.items():
        if name == "nodes" and isinstance(value, Mapping):
            entries = cast("Mapping[str, Any]", value)
            parts[name] = _block({k: _value(v, level + 2, _compact(k)) for k, v in entries.items()}, level + 1)
        else:
            parts[name] = _value(value, level + 1, _compact(name))
    return _block(parts, level)


def _value(value: Any, level: int, key: str) -> str:
    """A value after `key`: on one line where it fits, else one member on a line."""
    line = _compact(value)
    if 2 * level + len(key) + 2 + len(line) + 1 <= _WIDTH:
        return line
    if isinstance(value, Mapping) and value:
        members = cast("Mapping[str, Any]", value)
        return _block({name: _value(part, level + 1, _compact(name)) for name, part in members.items()}, level)
    if isinstance(value, list | tuple) and value:
        inner = "  " * (level + 1)
        items = [inner + _value(item, level + 1, "") for item in cast("list[Any]", value)]
        return "[\n" + ",\n".join(items) + "\n" + "  " * level + "]"
    return line


def _block(members: Mapping[str, str], level: int) -> str:
    """An object with each member on a line of its own."""
    if not members:
        return "{}"
    inner = "  " * (level + 1)
    lines = [f"{inner}{_compact(name)}: {text}" for name, text in members.items()]
    return "{\n" + ",\n".join(lines) + "\n" + "  " * level + "}"


def _repeated(text: str) -> list[Problem]:
    problems: list[Problem] = []
    for member in members(text, 0):
        if member.repeated:
            line, column = line_column(text, member.offset)
            node = str(member.path[1]) if member.path[0] == "nodes" and len(member.path) > 1 else None
            message = f"The name {shown(member.path[len(member.path) - 1])} stands here a second time."
            problems.append(Problem("duplicate-key", message, node, line=line, column=column))
            if len(problems) == MAX_PROBLEMS:
                break
    return problems


def _no_object(raw: object, line: int | None = None, column: int | None = None) -> Problem:
    return Problem("wrong-shape", f"A graph is an object, not {shown(raw)}.", line=line, column=column)


def _too_large() -> Problem:
    return Problem("too-large", f"This file is longer than {MAX_BYTES // 2**20} MB, so it is no graph file.")


def _unreadable(path: str | os.PathLike[str], why: str, code: str = "unreadable") -> GraphError:
    return GraphError(Problem(code, f"{quoted(path)} {why}."))
