"""The command `vidflow models`: what is here, and fetching, verifying and removing on a terminal or in a log."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal

from vidflow.errors import ModelError
from vidflow.models.hubcache import fetch_command, hub_cache, repositories, repository
from vidflow.models.library import Installed, boxed, installed

if TYPE_CHECKING:
    from rich.progress import Progress

    from vidflow.models.hub import Plan
    from vidflow.models.hubcache import HubFile

_DONE, _FAILED, _WRONG, _CANCELLED = 0, 1, 2, 130
_LINE_EVERY = 5.0


def show(as_json: bool) -> int:
    """List the models that are here."""
    found = installed()
    if as_json:
        print(json.dumps([_fields(one) for one in found], indent=2, ensure_ascii=False))
        return _DONE
    if not found:
        print("There are no models in the box, and none has been fetched. 'vidflow models fetch ORG/NAME' fetches one.")
        return _DONE
    rows = [
        ("NAME", "REVISION", "SIZE", "FAMILY", "LICENCE"),
        *((one.name, _revision(one), decimal(one.size), one.family or "-", str(one.licence)) for one in found),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join((*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4])))
    for one in found:
        if one.lacks is not None and one.revision is not None:
            command = repository(one.name).fetch_command(one.revision)
            print(f"note: {one.name} was fetched in half: {one.lacks}. '{command}' goes on where it stopped.")
    if any(one.kind == "hub" for one in found):
        print(f"Fetched models are in {hub_cache()}.")
    return _DONE


def _revision(one: Installed) -> str:
    if one.revision is None:
        return "in the box"
    return " ".join((*one.refs, one.revision[:8])) + (" (half)" if one.lacks else "")


def _fields(one: Installed) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "folder": str(one.folder),
        "revision": one.revision,
        "refs": list(one.refs),
        "size": one.size,
        "family": one.family,
        "licence": one.licence.name,
        "licence_link": one.licence.link,
        "whole": one.lacks is None,
        "lacks": one.lacks,
    }


def fetch(name: str, revision: str | None, variant: str | None) -> int:
    """Fetch a model, showing how far it has come; the folder that it is in is printed."""
    from vidflow.models import hub

    _of_the_hub(name)  # a name that cannot be one is an error of the arguments, not of fetching
    shown = _Bars() if sys.stderr.isatty() else _Lines()
    try:
        with shown:
            folder = hub.fetch(name, revision, variant, shown)
    except ModelError as error:
        _say(f"error: {error}")
        return _FAILED
    except KeyboardInterrupt:
        _say(f"Stopped. '{fetch_command(name, revision, variant)}' goes on from here.")
        return _CANCELLED
    _say(f"{name} is here.")
    print(folder)
    return _DONE


def verify(name: str | None) -> int:
    """Compare the files of one model, or of all, with their hashes."""
    from vidflow.models import upkeep

    repos = [upkeep.fetched(_of_the_hub(name))] if name else list(repositories())
    damaged, files = [], 0
    shown = _Bars() if sys.stderr.isatty() else _Lines()
    with shown:
        shown.total(sum(upkeep.size_to_verify(repo) for repo in repos), "verifying")
        for repo in repos:
            found = upkeep.verify(repo, shown.moved)
            files += found.files
            damaged += found.damaged
    for one in damaged:
        print(f"{one.file}: {one.why}")
    for command in dict.fromkeys(one.command for one in damaged):
        print(f"'{command}' fetches what is damaged again.")
    print(f"{files} files verified, {len(damaged)} damaged." if damaged else f"{files} files verified, all sound.")
    return _FAILED if damaged else _DONE


def remove(name: str, revision: str | None, yes: bool) -> int:
    """Remove a model that was fetched, or one revision of it, after asking."""
    from vidflow.models import upkeep

    removal = upkeep.plan_removal(_of_the_hub(name), revision)
    what = f"{name} at {removal.commit[:12]}" if removal.commit else name
    if not yes:
        if not sys.stdin.isatty():
            _say(f"error: Removing {what} frees {decimal(removal.size)}; give --yes to remove it without being asked.")
            return _WRONG
        if input(f"Remove {what}, {decimal(removal.size)}? [y/N] ").strip().lower() not in ("y", "yes"):
            print("Nothing was removed.")
            return _DONE
    upkeep.remove(removal)
    print(f"Removed {what}; {decimal(removal.size)} are free.")
    return _DONE


def _of_the_hub(name: str) -> str:
    """The name. Raises ModelError where it is none of a model on the hub."""
    if boxed(name) is not None:
        raise ModelError(f"{name} is in the box: it came with vidflow, and is not fetched, verified or removed.")
    return repository(name).name


class _Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self) -> None:
        self._total = self._done = 0
        self._what = ""
        self._last = time.monotonic()

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def began(self, plan: Plan) -> None:
        """Say what is to come."""
        for line in _announced(plan):
            self.say(line)
        self.total(plan.size, "")

    def total(self, size: int, what: str) -> None:
        """How many bytes there are to go."""
        self._total, self._what = size, what

    def file(self, file: HubFile) -> None:
        """The next file."""
        self._what = file.path

    def moved(self, count: int) -> None:
        """Count bytes, and say so from time to time."""
        self._done += count
        now = time.monotonic()
        if now - self._last >= _LINE_EVERY:
            self._last = now
            self.say(f"{self._what}: {decimal(self._done)} of {decimal(self._total)}")

    def say(self, line: str) -> None:
        """A line of text."""
        _say(line)


class _Bars(_Lines):
    """A bar with the speed and the time left."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as Speed

        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), Speed(), TimeRemainingColumn())
        self._progress: Progress = Progress(*columns, console=self._console, transient=True)
        self._task = self._progress.add_task("asking the hub", total=None)

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def total(self, size: int, what: str) -> None:
        """How many bytes there are to go."""
        self._progress.update(self._task, total=size, description=what)

    def file(self, file: HubFile) -> None:
        """The next file."""
        self._progress.update(self._task, description=file.path)

    def moved(self, count: int) -> None:
        """Count bytes."""
        self._progress.advance(self._task, count)

    def say(self, line: str) -> None:
        """A line of text above the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _announced(plan: Plan) -> list[str]:
    here = "all here already" if not plan.missing else f"{decimal(plan.missing)} to fetch"
    return [
        f"{plan.name}, revision {plan.revision}: commit {plan.commit}",
        f"licence: {plan.licence}",
        f"{len(plan.files)} files, {decimal(plan.size)}, {here}",
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr)
