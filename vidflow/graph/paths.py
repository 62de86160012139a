"""Where a graph reads and where it may write: paths of inputs, and the rules that keep outputs in their folder."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vidflow.errors import GraphError, Problem
from vidflow.graph.output_names import NUMBER, stray_brace
from vidflow.graph.wording import Guesses, cut, shown
from vidflow.places import files_of

RESOURCES = "resources:"
_MAGIC = frozenset("*?[")
_MAX_NAME = 255
_MAX_PATH = 4000


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one run. `base` is the graph file's folder, `cwd` the current one (and the base of a graph given
    as a mapping); output goes below `output_dir` and, where the user allows it, below the folders `allow_write`."""

    graph_name: str
    base: Path
    cwd: Path
    output_dir: Path
    allow_write: tuple[Path, ...] = ()

    def input(self, text: str, from_set: bool = False) -> Path:
        """The absolute path of something to read; it need not exist. `from_set` marks a value that was not in the
        graph file. Raises GraphError (`bad-path`)."""
        if not text:
            raise _bad("This path is empty.", "Give the name of a file.")
        _printable(text, "bad-path")
        if text.startswith(RESOURCES):
            from vidflow.places import resource

            try:
                return resource(text[len(RESOURCES) :])
            except ValueError:
                message = f"{shown(text)} is no file shipped with vidflow."
                raise _bad(message, "Write resources:NAME, without '..' in it.") from None
        path = (self.cwd if from_set else self.base).absolute() / text
        # Folders are resolved, as `..` after a symlink means another place; the file keeps the name that was given.
        if path.name == "..":
            return Path(os.path.realpath(path))
        return Path(os.path.realpath(path.parent), path.name)

    def input_file(self, text: str, from_set: bool = False, guesses: Guesses | None = None) -> Path:
        """The absolute path of a plain file that is there. Raises GraphError (`bad-path`, `missing-file`)."""
        path = self.input(text, from_set)
        mode = _mode(path)
        if mode is None:
            raise _missing(text, path, guesses)
        if stat.S_ISDIR(mode):
            raise _bad(f"{shown(text)} is a folder; expected a file.")
        if not stat.S_ISREG(mode):
            raise _bad(f"{shown(text)} is a device or a pipe; expected a file.")
        # The system's own files, some of which block for ever, say so too.
        if not path.stat().st_size:
            raise _bad(f"{shown(text)} is an empty file.", "Choose another one.")
        return path

    def weights(self, text: str, from_set: bool = False, guesses: Guesses | None = None) -> str:
        """The name of a model as it stands; an absolute path where there is a folder or a file of that name. Raises
        GraphError (`bad-path`)."""
        path = self.input(text, from_set)
        return text if _mode(path) is None else str(path)

    def input_folder(self, text: str, from_set: bool = False, guesses: Guesses | None = None) -> Path:
        """The absolute path of a folder that is there, or a pattern such as `shots/*.png` that some file matches; see
        `files_of`. Raises GraphError (`bad-path`, `missing-file`)."""
        path = self.input(text, from_set)
        mode = _mode(path)
        if mode is not None:
            if not stat.S_ISDIR(mode):
                raise _bad(f"{shown(text)} is a file; expected a folder, or a pattern such as 'shots/*.png'.")
            return path
        if not _MAGIC.isdisjoint(str(path.parent)) and _mode(path.parent) is None:
            raise _bad(f"In {shown(text)} a folder's name has a * or ?.", "Use them in the last part of the path only.")
        if _MAGIC.isdisjoint(path.name):
            raise _missing(text, path, guesses, "folder")
        if next(files_of(path), None) is None:
            raise GraphError(Problem("missing-file", cut(f"No file matches {shown(text)}.")))
        return path

    def output(self, name: str) -> Path:
        """The absolute path of an output; `{n}` is kept for `free_name`.

        Raises GraphError (`bad-output-name`) unless it is a plain file, there or not, below the output directory or
        a folder the user allows, by name and with every symlink on the way followed.
        """
        if not name:
            raise _refused("This output name is empty.", "Give the name of a file.")
        _printable(name, "bad-output-name")
        if stray_brace(name):
            raise _refused(f"{shown(name)} has a brace that is no placeholder.")
        if name.startswith("~"):
            raise _refused(
                f"{shown(name)} begins with ~, which is not followed.", "Write a name below the output folder."
            )
        if "\\" in name:
            raise _refused(f"{shown(name)} has a backslash.", "Write / between folders.")
        if name.endswith(("/", "/.", "/..")) or name in (".", ".."):
            raise _refused(f"{shown(name)} names a folder; expected a file.")
        for part in name.split("/"):
            if part not in (".", "..") and part.endswith((".", " ")):
                raise _refused(f"In {shown(name)} a name ends with a dot or a space.")
            if len(part.encode()) > _MAX_NAME:
                raise _refused(f"A name of this output is longer than {_MAX_NAME} bytes.", "Choose a shorter one.")
        roots = [Path(os.path.normpath(root.absolute())) for root in (self.output_dir, *self.allow_write)]
        path = Path(os.path.normpath(roots[0] / name))
        if len(os.fsencode(path)) > _MAX_PATH:
            raise _refused("This output's path is too long.", "Choose a shorter one.")
        if not any(root in path.parents for root in roots):
            raise _outside(name, "is outside of the output directory")
        real = Path(os.path.realpath(path))
        if not any(Path(os.path.realpath(root)) in real.parents for root in roots):
            raise _outside(name, "leaves the output directory through a symlink")
        _plain(name, path)
        return path

    def free_name(self, template: Path) -> Path:
        """The path of an output with the number after the highest that is there in the place of `{n}`."""
        path = str(template)
        roots = [os.path.normpath(root.absolute()) for root in (self.output_dir, *self.allow_write)]
        # A folder that the user named may have braces itself.
        start = max((len(root) for root in roots if path.startswith(root.rstrip("/") + "/")), default=0)
        before, rest = path[:start], path[start:]
        first = NUMBER.search(rest)
        if first is None:
            return template
        slash = rest.rfind("/", 0, first.start())
        end = rest.find("/", first.end())
        part = rest[slash + 1 : end if end >= 0 else None]
        pieces = re.split(r"\{n(?::0\d)?\}", part)
        pattern = re.compile(r"(\d{1,18})".join(map(re.escape, pieces)), re.ASCII)
        highest = 0
        try:
            with os.scandir(before + rest[: max(slash, 0)] or "/") as entries:
                for entry in entries:
                    match = pattern.fullmatch(entry.name)
                    if match:
                        highest = max(highest, int(match[1]))
        except OSError:
            highest = 0
        number = highest + 1
        return Path(before + NUMBER.sub(lambda match: f"{number:0{int(match[1] or 1)}}", rest))


def paths_for(
    graph: str | Path | None = None, output_dir: str | Path | None = None, allow_write: Iterable[str | Path] = ()
) -> Paths:
    """The folders of a graph in a file (or of one given as a mapping), run from the current directory."""
    here = Path.cwd()
    file = None if graph is None else Path(graph)
    return Paths(
        graph_name=file.stem if file else "graph",
        base=file.absolute().parent if file else here,
        cwd=here,
        output_dir=here / (output_dir if output_dir is not None else "outputs"),
        allow_write=tuple(here / folder for folder in allow_write),
    )


def _outside(name: str, why: str) -> GraphError:
    return _refused(
        f"{shown(name)} {why}.",
        "Write a name below the output directory, choose another one with --output-dir, or allow more with "
        "--allow-write.",
    )


def _plain(name: str, path: Path) -> None:
    """Refuse what is there and no plain file, on the way to `path` and at its end."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        for parent in path.parents:
            mode = _mode(parent)
            if mode is not None and not stat.S_ISDIR(mode):
                raise _refused(f"{shown(name)} lies in {shown(str(parent))}, which is no folder.") from None
            if mode is not None:
                return
        return
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _refused(f"{shown(name)} cannot be written: {why}.") from None
    if stat.S_ISDIR(mode):
        raise _refused(f"{shown(name)} is a folder; expected a file.")
    if not stat.S_ISREG(mode):
        raise _refused(f"{shown(name)} is a device or a pipe; expected a plain file.")


def _mode(path: Path) -> int | None:
    """What is at `path`, symlinks followed; None where nothing that could be reached is."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None


def _printable(text: str, code: str) -> None:
    if len(text) > _MAX_PATH:
        raise GraphError(Problem(code, f"This path is longer than {_MAX_PATH} characters."))
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 or "\ud800" <= letter <= "\udfff" for letter in text):
        raise GraphError(Problem(code, cut(f"{shown(text)} has a control character, which no name of a file has.")))


def _missing(text: str, path: Path, guesses: Guesses | None, what: str = "file") -> GraphError:
    hint = f"It was looked for in {str(path.parent)!r}."
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, 1000)]
        hint = (guesses or Guesses()).near(path.name, names) or hint
    except OSError:
        hint = f"There is no folder {str(path.parent)!r}."
    return GraphError(Problem("missing-file", cut(f"There is no {what} {shown(text)}."), hint=cut(hint)))


def _bad(message: str, hint: str = "") -> GraphError:
    return GraphError(Problem("bad-path", cut(message), hint=hint))


def _refused(message: str, hint: str = "") -> GraphError:
    return GraphError(Problem("bad-output-name", cut(message), hint=hint))
