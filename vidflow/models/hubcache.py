"""How the Hugging Face cache lies on disk, read without huggingface_hub so that a check stays quick.

A repository `org/name` is the folder `models--org--name`: `blobs/` holds each content once, named by its SHA-256
(large files) or by its git hash; `snapshots/COMMIT/` holds links to them under their own names; `refs/REVISION` holds a
commit. vidflow adds `vidflow/COMMIT.json`: what it set out to fetch, so that half a snapshot is known for one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidflow.errors import ModelError

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_BLOB = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository: its path there, its size in bytes, and its hash, which is the name of its blob."""

    path: str
    size: int
    blob: str


@dataclass(frozen=True, slots=True)
class Record:
    """What was to be fetched of a commit, and the revision and variant that were asked for."""

    revision: str
    variant: str | None
    files: tuple[HubFile, ...]


def hub_cache() -> Path:
    """The folder that huggingface_hub keeps repositories in, found as it finds it. It need not exist."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if variable in os.environ:
            return _path(os.environ[variable])
    if "HF_HOME" in os.environ:
        return _path(os.environ["HF_HOME"]) / "hub"
    return _path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface" / "hub"


def _path(text: str) -> Path:
    return Path(os.path.expandvars(text)).expanduser()


def is_hub_id(name: str) -> bool:
    """Whether `name` is of the form `org/name`."""
    return bool(_ID.fullmatch(name)) and "--" not in name and ".." not in name


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit rather than the name of a branch or a tag."""
    return bool(_COMMIT.fullmatch(revision))


def is_blob(name: str) -> bool:
    """Whether `name` is a hash that a blob can have."""
    return bool(_BLOB.fullmatch(name))


def is_inside(path: str) -> bool:
    """Whether the path of a file or the name of a revision stays inside of the folder that it is put in."""
    return not any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in path.split("/"))


def repository(name: str) -> Repository:
    """The repository `org/name` in the cache. Raises ModelError where that is no such name."""
    if not is_hub_id(name):
        raise ModelError(f"{name!r} is no name of a model on the hub: expected org/name, as in its address there.")
    return Repository(name, hub_cache() / f"models--{name.replace('/', '--')}")


def repositories() -> Iterator[Repository]:
    """Those that are in the cache, by name."""
    for folder in sorted(_names(hub_cache()), key=str.lower):
        name = folder.removeprefix("models--").replace("--", "/")
        if folder.startswith("models--") and is_hub_id(name):
            yield Repository(name, hub_cache() / folder)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository in the cache. It need not exist."""

    name: str
    folder: Path

    @property
    def blobs(self) -> Path:
        """The folder of contents."""
        return self.folder / "blobs"

    @property
    def partial(self) -> int:
        """Bytes of files that have not come whole."""
        return sum(_size(self.blobs / name) or 0 for name in _names(self.blobs) if name.endswith(".incomplete"))

    def snapshot(self, commit: str) -> Path:
        """The folder of a commit's files."""
        return self.folder / "snapshots" / commit

    def commits(self) -> tuple[str, ...]:
        """The commits of which something is here."""
        found = {name for name in _names(self.folder / "snapshots") if is_commit(name)}
        found.update(name[:-5] for name in _names(self.folder / "vidflow") if is_commit(name[:-5]))
        return tuple(sorted(found))

    def commit(self, revision: str) -> str | None:
        """The commit that a branch, a tag, a commit or its first letters (seven or more) stand for here."""
        if not is_inside(revision):
            return None
        ref = self.folder / "refs" / revision
        try:
            text = ref.read_text("ascii").strip() if ref.is_file() else revision
        except (OSError, ValueError):
            return None
        near = [commit for commit in self.commits() if commit.startswith(text)]
        return near[0] if len(near) == 1 and len(text) >= 7 else None

    def refs(self) -> dict[str, str]:
        """Each branch and tag that was fetched by its name, and its commit."""
        folder, found = self.folder / "refs", {}
        for at, _, names in os.walk(folder):
            for name in names:
                path = Path(at, name)
                try:
                    found[path.relative_to(folder).as_posix()] = path.read_text("ascii").strip()
                except (OSError, ValueError):
                    continue
        return found

    def record(self, commit: str) -> Record | None:
        """What vidflow set out to fetch; None where another program fetched it."""
        try:
            data: dict[str, Any] = json.loads((self.folder / "vidflow" / f"{commit}.json").read_bytes())
            files = tuple(HubFile(path, int(one["size"]), one["blob"]) for path, one in data["files"].items())
            if all(is_inside(file.path) and is_blob(file.blob) for file in files):
                return Record(str(data["revision"]), data["variant"], files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    def write_record(self, commit: str, record: Record) -> None:
        """Note what is to be fetched."""
        files = {file.path: {"size": file.size, "blob": file.blob} for file in record.files}
        data = {"vidflow": 1, "revision": record.revision, "variant": record.variant, "files": files}
        write_whole(self.folder / "vidflow" / f"{commit}.json", json.dumps(data, indent=1) + "\n")

    def lacks(self, commit: str) -> str | None:
        """What is missing of a snapshot, in words; None where it is whole as far as can be told without reading it."""
        snapshot = self.snapshot(commit)
        record = self.record(commit)
        if record is not None:
            missing = [file for file in record.files if _size(snapshot / file.path) != file.size]
            return f"{len(missing)} of {len(record.files)} files are missing" if missing else None
        for path in _tree(snapshot):
            if path.is_symlink() and not path.exists():
                return f"{path.relative_to(snapshot).as_posix()} is missing"
        for name in _names(self.blobs):
            # What was left of a file that has come since tells nothing.
            if name.endswith(".incomplete") and not (self.blobs / name.partition(".")[0]).exists():
                return "a file has not come whole"
        return None

    def stray(self, commit: str) -> Path | None:
        """A link of the snapshot that leads out of the cache, where there is one."""
        # Newer versions of huggingface_hub keep what several repositories hold once, in blobs of the cache itself.
        roots = [os.path.realpath(self.folder) + os.sep, os.path.realpath(hub_cache() / "blobs") + os.sep]
        snapshot = self.snapshot(commit)
        for path in (snapshot, *_tree(snapshot)):
            if not os.path.realpath(path).startswith(tuple(roots)):
                return path
        return None

    def fetch_command(self, commit: str) -> str:
        """The command that fetches this snapshot (the rest of it, or what is damaged)."""
        record = self.record(commit)
        revision = record.revision if record else next((ref for ref, at in self.refs().items() if at == commit), commit)
        if self.refs().get(revision, commit) != commit:
            revision = commit
        return fetch_command(self.name, revision, record.variant if record else None)


def fetch_command(name: str, revision: str | None, variant: str | None = None) -> str:
    """The command that fetches a model."""
    pinned = f" --revision {revision}" if revision and revision != "main" else ""
    return f"vidflow models fetch {name}{pinned}{f' --variant {variant}' if variant else ''}"


def write_whole(path: Path, text: str) -> None:
    """Write a small file that has its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    part.write_text(text, "utf-8")
    part.replace(path)


class Digest:
    """The hash that a blob is named by, taken as its bytes come: SHA-256, or git's of a file of `size` bytes."""

    def __init__(self, blob: str, size: int) -> None:
        self._hash = hashlib.sha256() if len(blob) == 64 else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._hash.update(data)

    @property
    def name(self) -> str:
        """The hash of what has come."""
        return self._hash.hexdigest()


def is_sound(path: Path, blob: str, read: Callable[[int], None] = lambda count: None) -> bool:
    """Whether a file's bytes have the hash `blob`; `read` is told how many bytes have been read each time."""
    digest = Digest(blob, path.stat().st_size)
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            digest.update(data)
            read(len(data))
    return digest.name == blob


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _tree(folder: Path) -> Iterator[Path]:
    """Everything below a folder, links not followed."""
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(at, name)
