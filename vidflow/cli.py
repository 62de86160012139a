"""The command line. Exit status: 0 done, 1 the run failed, 2 the graph or the arguments are wrong, 130 cancelled."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from vidflow import __version__
from vidflow.errors import Cancelled, GraphError, Problem, RunError, VidflowError

if TYPE_CHECKING:
    from vidflow.graph.check import Checked

DONE, FAILED, WRONG, CANCELLED = 0, 1, 2, 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"{self.prog}: {message}. See '{self.prog} --help'.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except GraphError as error:
        for problem in error.problems:
            file = f"{options.graph}: " if problem.line is not None and not problem.node else ""
            _say(f"error: {file}{problem}")
        return WRONG
    except RunError as error:
        _failures(error)
        return FAILED
    except Cancelled:
        return CANCELLED
    except VidflowError as error:
        if getattr(options, "debug", False):
            raise
        _say(f"error: {error}")
        return WRONG
    except KeyboardInterrupt:
        return CANCELLED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="vidflow", description="A node-based editor for AI video, and the engine under it.")
    parser.add_argument("--version", action="version", version=f"vidflow {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    parser.set_defaults(
        command=lambda options: _edit(options) if _display() else parser.print_help() or WRONG, graph=None
    )

    run = commands.add_parser("run", help="run a graph", description="Run a graph to its end.")
    run.add_argument("graph", metavar="GRAPH", help="the graph file (.json), or a movie that carries one")
    run.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE", help="set an input")
    run.add_argument("--only", action="append", default=[], metavar="NODE", help="run this node and what it needs")
    run.add_argument(
        "--each",
        action="append",
        default=[],
        metavar="NODE.INPUT=VALUES",
        help="one run for each of a glob, a,b,c or 1..8",
    )
    run.add_argument("--output-dir", metavar="DIR", help="where files go (default: outputs)")
    run.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu or cuda:N")
    run.add_argument("--allow-write", action="append", default=[], metavar="DIR", help="allow outputs below DIR too")
    run.add_argument("--no-store", action="store_true", help="keep nothing for later runs")
    run.add_argument("--strict-digests", action="store_true", help="digest large files whole")
    run.add_argument("--events", metavar="FILE", help="write events as JSON lines to FILE, or - for standard output")
    run.add_argument("--debug", action="store_true", help="show tracebacks")
    run.set_defaults(command=_run)

    check = commands.add_parser(
        "check",
        help="find every problem of a graph",
        description="Say every problem of a graph, and advice as notes, without running it.",
    )
    check.add_argument("graph", metavar="GRAPH", help="the graph file (.json), or a movie that carries one")
    check.add_argument("--json", action="store_true", help="as JSON")
    check.set_defaults(command=_check)

    nodes = commands.add_parser("nodes", help="the node reference", description="List the node types, or explain one.")
    nodes.add_argument("type", nargs="?", metavar="TYPE")
    nodes.add_argument("--json", action="store_true", help="as JSON")
    nodes.set_defaults(command=_nodes)

    packs = commands.add_parser("packs", help="list, enable or disable node packs")
    packs.add_argument("action", nargs="?", choices=("list", "enable", "disable"), default="list")
    packs.add_argument("name", nargs="?")
    packs.set_defaults(command=_packs)

    models = commands.add_parser(
        "models",
        help="the models that are here",
        description="List the models that are here; fetch one from the Hugging Face hub, verify or remove it.",
    )
    models.add_argument("--json", action="store_true", help="as JSON")
    models.set_defaults(command=_models, action="list")
    actions = models.add_subparsers(metavar="ACTION", parser_class=_Parser)
    listed = actions.add_parser("list", help="list them, as without an action")
    listed.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")
    listed.set_defaults(action="list")
    fetch = actions.add_parser("fetch", help="fetch a model, or the rest of one")
    fetch.add_argument("name", metavar="ORG/NAME", help="its name on the hub")
    fetch.add_argument("--revision", metavar="R", help="a branch, a tag or a commit (default: main)")
    fetch.add_argument("--variant", metavar="V", help="which of its weights, where it has several: fp16, ...")
    fetch.set_defaults(action="fetch")
    verify = actions.add_parser("verify", help="compare files with their hashes")
    verify.add_argument("name", nargs="?", metavar="ORG/NAME", help="one model (default: all that were fetched)")
    verify.set_defaults(action="verify")
    remove = actions.add_parser("remove", help="remove a model that was fetched")
    remove.add_argument("name", metavar="ORG/NAME")
    remove.add_argument("--revision", metavar="R", help="only this branch, tag or commit of it")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.set_defaults(action="remove")

    store = commands.add_parser(
        "store", help="what is kept", description="Show or clear what is kept from earlier runs."
    )
    store.add_argument("action", nargs="?", choices=("show", "clear"), default="show")
    store.set_defaults(command=_store)

    edit = commands.add_parser("edit", help="the editor", description="Open the editor.")
    edit.add_argument("graph", nargs="?", metavar="GRAPH")
    edit.set_defaults(command=_edit)
    return parser


def _run(options: argparse.Namespace) -> int:
    from pathlib import Path

    from vidflow import heap
    from vidflow.engine.service import Engine
    from vidflow.engine.variants import read_values
    from vidflow.progress import follow

    heap.steady()
    given = dict(_assignment("--set", text) for text in options.set)
    each: dict[str, list[str]] = {}
    for text in options.each:
        name, values = _assignment("--each", text)
        each[name] = read_values(values, Path.cwd())
        if not each[name]:
            raise GraphError(Problem("empty-each", f"--each {text} names no value.", hint="Check the pattern."))
    engine = Engine(device=options.device, strict_digests=options.strict_digests, private=options.no_store)
    # Not a context manager: leaving it would wait, and a cancelled run must end at once.
    request = engine.submit(
        options.graph, given, options.only, each, output_dir=options.output_dir, allow_write=options.allow_write
    )
    status = follow(request, options.events)
    if status == CANCELLED:
        # A body that cannot be cut must not hold the process; everything on disk is whole at any time.
        engine.store.close()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(CANCELLED)
    if options.debug:
        import traceback

        for failure in request.failures:
            if failure.cause is not None:
                traceback.print_exception(failure.cause)
    engine.close()
    return status


def _assignment(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or "." not in name:
        raise GraphError(Problem("bad-argument", f"{option} {text!r} is not of the form NODE.INPUT=VALUE."))
    return name.strip(), value


def _failures(error: RunError) -> None:
    for failure in error.failures:
        _say(f"error: {failure}")


def _check(options: argparse.Namespace) -> int:
    from vidflow.graph.advice import advice

    checked, broken = _checked(options.graph)
    problems = [*broken, *checked.problems, *advice(checked), *_differences(options.graph, checked)]
    wrong = any(problem.level == "error" for problem in checked.problems)
    if options.json:
        fields = ("level", "code", "message", "node", "input", "hint", "line", "column")
        print(
            json.dumps(
                [{name: getattr(one, name) for name in fields} for one in problems], indent=2, ensure_ascii=False
            )
        )
        return WRONG if wrong else DONE
    for problem in problems:
        print(f"{problem.level}: {problem}")
    if not wrong:
        count = len(checked.nodes)
        print(f"{options.graph}: {count} node{'s' * (count != 1)}, ready to run.")
    return WRONG if wrong else DONE


def _checked(path: str) -> tuple[Checked, list[Problem]]:
    from vidflow.graph.check import Checked, check
    from vidflow.graph.files import load, located
    from vidflow.graph.paths import paths_for
    from vidflow.nodespec.registry import installed

    registry = installed()
    try:
        checked = check(load(path), registry, paths_for(path))
        checked = replace(checked, problems=located(checked.problems, path))
    except GraphError as error:
        return Checked(error.problems, {}, ()), []
    missing = any(problem.code == "unknown-type" for problem in checked.problems)
    return checked, [Problem("broken-pack", str(error)) for error in registry.broken] if missing else []


def _differences(path: str, checked: Checked) -> Iterator[Problem]:
    """What differs here from what made a movie."""
    from vidflow.graph.embedded import made_with

    made = made_with(path)
    if made is None or not checked.nodes:
        return
    from vidflow.engine.provenance import Here
    from vidflow.graph.provenance import differences
    from vidflow.places import store_dir

    yield from differences(made, checked.nodes, Here(store_dir()))


def _nodes(options: argparse.Namespace) -> int:
    from vidflow.nodespec.reference import as_json, as_text, listing
    from vidflow.nodespec.registry import installed

    registry = installed()
    for error in registry.broken:
        _say(f"note: {error}")
    for name in registry.disabled:
        _say(f"note: the pack {name!r} is not enabled; 'vidflow packs enable {name}' runs its code.")
    if options.type is None:
        specs = [spec for type in registry.types() if (spec := registry.get(type))]
        print(
            json.dumps([as_json(spec) for spec in specs], indent=2, ensure_ascii=False)
            if options.json
            else listing(specs)
        )
        return DONE
    spec = registry.get(options.type)
    if spec is None:
        near = registry.near(options.type)
        guess = f" Did you mean {near!r}?" if near else " 'vidflow nodes' lists all types."
        raise GraphError(Problem("unknown-type", f"There is no node type {options.type!r}.", hint=guess.strip()))
    print(json.dumps(as_json(spec), indent=2, ensure_ascii=False) if options.json else as_text(spec))
    return DONE


def _packs(options: argparse.Namespace) -> int:
    from vidflow.nodespec.packs import enable_pack, find_packs

    if options.action != "list":
        if not options.name:
            raise GraphError(Problem("bad-argument", f"Name the pack to {options.action}."))
        enable_pack(options.name, options.action == "enable")
        print(f"{options.name} is {options.action}d.")
        for pack in find_packs()[0] if options.action == "disable" else ():
            if pack.name == options.name:
                where = f"VIDFLOW_PACKS names {pack.folder}" if pack.folder else f"{pack.module} is installed"
                _say(f"note: {pack.name} is loaded all the same, as {where}.")
        return DONE
    found, disabled = find_packs()
    for pack in found:
        print(f"{pack.name:20} {pack.folder or pack.module}")
    for name in disabled:
        print(f"{name:20} not enabled; 'vidflow packs enable {name}' runs its code")
    return DONE


def _models(options: argparse.Namespace) -> int:
    from vidflow import modelcommand

    match options.action:
        case "fetch":
            return modelcommand.fetch(options.name, options.revision, options.variant)
        case "verify":
            return modelcommand.verify(options.name)
        case "remove":
            return modelcommand.remove(options.name, options.revision, options.yes)
        case _:
            return modelcommand.show(options.json)


def _store(options: argparse.Namespace) -> int:
    from vidflow.engine.store import Store
    from vidflow.places import store_dir

    store = Store(store_dir())
    if options.action == "clear":
        size, count = store.usage()
        store.clear()
        print(f"Cleared {_bytes(size)} in {count} files from {store.folder}.")
    else:
        size, count = store.usage()
        rows = store.query("SELECT kind, COUNT(*) FROM kept GROUP BY kind ORDER BY kind")
        runs = store.query("SELECT graph, started, seconds, status FROM runs ORDER BY started DESC LIMIT 5")
        print(f"{store.folder}: {_bytes(size)} of {_bytes(store.cap)}, {count} files")
        for kind, number in rows:
            print(f"  {number:6} {kind}")
        for graph, started, seconds, status in runs:
            import time

            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(started))
            print(f"  {when}  {graph}: {status} in {seconds:.1f} s")
    store.close()
    return DONE


def _edit(options: argparse.Namespace) -> int:
    if not _display():
        raise VidflowError("there is no display to open the editor on; 'vidflow run GRAPH' runs a graph without one.")
    try:
        from vidflow import gui

        return gui.run(options.graph)
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in ("PySide6", "NodeGraphQt", "Qt", "shiboken6", "qtawesome"):
            raise
        raise VidflowError(
            f"the editor needs {missing}, which is not installed: pip install 'vidflow[editor]'."
        ) from None


def _display() -> bool:
    """Whether a window can be shown."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _bytes(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
