"""Checking that fetched checkpoints are still what the hub gave, and removing them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vidflow.errors import ModelError
from vidflow.models.hubcache import Repository, hub_cache, is_blob, is_sound, repository


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not what it should be, why, and the command that fetches it again."""

    file: str
    why: str
    command: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: how many files were checked, and each that is damaged."""

    files: int
    damaged: tuple[Damage, ...]


def fetched(name: str) -> Repository:
    """The repository `org/name`, of which something is here. Raises ModelError otherwise."""
    repo = repository(name)
    if not repo.folder.is_dir():
        raise ModelError(f"{name} is not here; 'vidflow models' lists what is.")
    return repo


def verify(repo: Repository, read: Callable[[int], None] = lambda count: None) -> Verified:
    """Hash every file of every snapshot and compare it with what the hub stated; `read` is told each number of bytes.

    A blob is named by its hash; where vidflow fetched, each file's own hash is on record too, so that a link to the
    wrong blob is found as well.
    """
    sound: dict[tuple[Path, str], bool] = {}
    damaged: list[Damage] = []
    count = 0
    for commit in repo.commits():
        snapshot, record = repo.snapshot(commit), repo.record(commit)
        command = repo.fetch_command(commit)
        expected = {file.path: file.blob for file in record.files} if record else {}
        there = {path.relative_to(snapshot).as_posix() for path in files_below(snapshot)}
        for name in sorted({*expected, *there}):
            path = snapshot / name
            count += 1
            place = f"{repo.name}/{name} ({commit[:12]})"
            if not path.exists():
                damaged.append(Damage(place, "it is missing", command))
                continue
            hashed = expected.get(name) or (path.readlink().name if path.is_symlink() else "")
            if not is_blob(hashed):
                damaged.append(Damage(place, "it is not from the hub, so nothing says what it should be", command))
                continue
            key = (path.resolve(), hashed)
            if key not in sound:
                sound[key] = is_sound(path, hashed, read)
            if not sound[key]:
                damaged.append(Damage(place, "its bytes are not those that the hub gave", command))
    return Verified(count, tuple(damaged))


def size_to_verify(repo: Repository) -> int:
    """How many bytes `verify` reads, at most."""
    found = {path.resolve() for commit in repo.commits() for path in files_below(repo.snapshot(commit))}
    return sum(path.stat().st_size for path in found if path.exists())


def files_below(folder: Path) -> list[Path]:
    """Every file and link to one below a folder."""
    return [Path(at, name) for at, _, names in os.walk(folder) for name in names]


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be removed: a whole repository (`commit` is None) or one snapshot with the blobs that only it uses."""

    repo: Repository
    commit: str | None
    blobs: tuple[Path, ...]
    size: int
    """Bytes that are freed; what other repositories share is not counted, though it may go too."""


def plan_removal(name: str, revision: str | None = None) -> Removal:
    """What removing `org/name`, or one revision of it, takes away. Raises ModelError where that is not here."""
    repo = fetched(name)
    commit = repo.commit(revision) if revision else None
    if revision and commit is None:
        here = ", ".join(sorted({*repo.refs(), *(each[:12] for each in repo.commits())}))
        raise ModelError(f"{name} is not here in revision {revision!r}; here are {here or 'none'}.")
    everything = tuple(path for path in repo.blobs.glob("*"))
    if commit is None or repo.commits() == (commit,):
        return Removal(repo, None, everything, sum(_own(path) for path in files_below(repo.folder)))
    kept = {blob for other in repo.commits() if other != commit for blob in _used(repo, other)}
    gone = tuple(blob for blob in _used(repo, commit) if blob not in kept)
    # Of a blob in work only its hash is known, which stands first in its name.
    names = {blob.name for blob in gone}
    gone += tuple(path for path in everything if path.name.endswith(".incomplete") and path.name.split(".")[0] in names)
    return Removal(repo, commit, gone, sum(_own(path) for path in gone))


def remove(removal: Removal) -> None:
    """Take it away, links before what they lead to. Raises ModelError where it cannot be."""
    repo, commit = removal.repo, removal.commit
    try:
        if commit is None:
            _unshare(removal.blobs)
            shutil.rmtree(repo.folder)
            shutil.rmtree(repo.folder.parent / ".locks" / repo.folder.name, ignore_errors=True)
        else:
            for ref in (ref for ref, at in repo.refs().items() if at == commit):
                (repo.folder / "refs" / ref).unlink()
            if repo.snapshot(commit).exists():
                shutil.rmtree(repo.snapshot(commit))
            for path in (repo.folder / "vidflow" / f"{commit}.json", repo.folder / "trees" / f"{commit}.json"):
                path.unlink(missing_ok=True)
            shutil.rmtree(repo.folder / ".no_exist" / commit, ignore_errors=True)
            _unshare(removal.blobs)
            for blob in removal.blobs:
                blob.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{error.filename or repo.folder} cannot be removed: {error.strerror or error}.") from error


def _used(repo: Repository, commit: str) -> list[Path]:
    """The blobs of a snapshot, those that have not come yet too."""
    record = repo.record(commit)
    names = {file.blob for file in record.files} if record else set()
    links = (path for path in files_below(repo.snapshot(commit)) if path.is_symlink())
    names.update(name for path in links if is_blob(name := path.readlink().name))
    return [repo.blobs / name for name in sorted(names)]


def _own(path: Path) -> int:
    """Bytes of a file itself; a link has none that count."""
    try:
        return 0 if path.is_symlink() else path.stat().st_size
    except OSError:
        return 0


def _unshare(blobs: tuple[Path, ...]) -> None:
    """Let huggingface_hub, which counts who uses the contents that repositories share, drop those of these blobs."""
    links = frozenset(blob for blob in blobs if blob.is_symlink())
    if not links:
        return
    try:
        from huggingface_hub import DeleteCacheStrategy
    except ImportError:
        return  # a shared content that nothing refers to stays on disk, and does no harm
    none: frozenset[Path] = frozenset()
    DeleteCacheStrategy(0, blobs=links, refs=none, repos=none, snapshots=none, cache_dir=hub_cache()).execute()
