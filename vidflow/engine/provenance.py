"""What made a film, gathered for the film while it is written, and what of it is known to be the same here.

A file is told by its mark: `sha256:` or `git:` of one in the hub's cache, which is named by that hash; `blake2b:` of
the whole content of others; `blocks:` of the size and 64 blocks of one that is too large to be read whole; `listing:`
of the files in a folder. No mark depends on where the file lies or on its time.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vidflow import __version__
from vidflow.engine.device import device_kind, device_name
from vidflow.engine.keys import BLOCK, BLOCKS, SAMPLED_ABOVE, digest_file
from vidflow.errors import ModelError
from vidflow.graph.paths import files_of
from vidflow.graph.provenance import LIBRARIES, MODEL_LIBRARIES, Provenance, UsedModel
from vidflow.nodespec.hints import File, Folder, Weights

if TYPE_CHECKING:
    from vidflow.engine.noderun import NodeRun

SMALL = 16 * 2**20
"""Bytes of a file that a check reads to compare it."""
_AT_MOST = 64 * 2**20
"""Bytes that a check reads in all."""


# While a film is written


def provenance_of(sink: NodeRun) -> Provenance:
    """What makes the values that `sink` reads. Its digests are those that went into keys, so a node whose result was
    kept counts as one that was run. Raises VidflowError where a file is gone since."""
    used = _used(sink)
    on_gpu = any(node.spec.lane == "gpu" for node in used)
    models: dict[str, UsedModel] = {}
    files: dict[str, tuple[str, ...]] = {}
    for node in used:
        for spec in node.spec.inputs:
            value, place = node.values.get(spec.name), f"{node.id}.{spec.name}"
            if value is None:
                continue
            if isinstance(spec.hint, Weights):
                if value not in spec.hint.own:
                    models[place] = _model(value, spec.hint, node)
            elif isinstance(spec.hint, File | Folder):
                texts = cast("tuple[str, ...]", value if isinstance(value, tuple) else (value,))
                files[place] = tuple(_mark_of_input(Path(text), node) for text in texts)
    engine = sink.execution.engine
    device = {"kind": engine.device_kind, "name": device_name(engine.device)} if on_gpu else {}
    return Provenance(
        __version__,
        platform.python_version(),
        {**_versions(on_gpu or bool(models)), "ffmpeg": sys.modules["av"].ffmpeg_version_info},
        {name: value for name, value in device.items() if value},
        {node.spec.type: node.spec.version for node in used},
        {node.spec.pack: node.spec.digest for node in used if node.spec.digest},
        models,
        files,
    )


def _versions(models: bool) -> dict[str, str]:
    """The versions of libraries, those of models only where they are asked for; what is not installed is left out. None
    of them is imported."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str] = {}
    for name in (*LIBRARIES, *(MODEL_LIBRARIES if models else ())):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _used(sink: NodeRun) -> list[NodeRun]:
    """The sink and every node above it, in the order of the run."""
    found, todo = {sink}, [sink]
    while todo:
        node = todo.pop()
        new = {*node.port_ups, *node.late_ups} - found
        found |= new
        todo.extend(new)
    return sorted(found, key=lambda node: node.index)


def _model(name: str, hint: Weights, node: NodeRun) -> UsedModel:
    from vidflow.models.checkpoint import files_of_model, is_checkpoint, read_checkpoint
    from vidflow.models.families import family_of
    from vidflow.models.library import find

    variant = node.values.get(hint.variant) or None
    found = find(name, node.values.get(hint.revision) or None)
    root = found.folder if found.folder.is_dir() else found.folder.parent
    marks = {
        path.relative_to(root).as_posix(): _mark(path, node.digest, node.execution.engine.strict_digests)
        for path in files_of_model(found.folder, variant, network=bool(hint.kinds))
    }
    family: str | None = None
    dtypes = set[str]()
    if is_checkpoint(found.folder):
        checkpoint = read_checkpoint(found.folder, variant)
        try:
            family = family_of(checkpoint).name
        except ModelError:
            family = None
        dtypes = {one.dtype for one in checkpoint.components.values() if one.dtype}
    asked = node.values.get("dtype")
    if isinstance(asked, str) and asked != "auto":
        dtypes = {asked}
    elif node.execution.engine.device_kind == "cpu":
        # A CPU computes in float32 what is stored in float16.
        dtypes = {"float32" if one == "float16" else one for one in dtypes}
    called = found.name if found.kind != "path" else found.folder.name
    return UsedModel(called, marks, found.revision, family, tuple(sorted(dtypes)))


def _mark_of_input(path: Path, node: NodeRun) -> str:
    def mark(one: Path) -> str:
        return _mark(one, node.digest, node.execution.engine.strict_digests)

    return mark(path) if path.is_file() else _listing((file.name, mark(file)) for file in sorted(files_of(path)))


def _mark(path: Path, digest: Callable[[Path], str], strict: bool) -> str:
    named = _hub_mark(path)
    if named is not None:
        return named
    if path.stat().st_size > SAMPLED_ABOVE and not strict:
        return f"blocks:{_blocks(path)}"
    return f"blake2b:{digest(path)}"


def _hub_mark(path: Path) -> str | None:
    """The hash that a file of the hub's cache is named by."""
    from vidflow.models.hubcache import is_blob

    real = Path(os.path.realpath(path))
    if real.parent.name != "blobs" or not is_blob(real.name):
        return None
    return f"{'sha256' if len(real.name) == 64 else 'git'}:{real.name}"


def _blocks(path: Path) -> str:
    """The hash of a file's size and of blocks spread over it."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        hasher = hashlib.blake2b(str(size).encode(), digest_size=20)
        for number in range(BLOCKS):
            file.seek(max(0, size - BLOCK) * number // (BLOCKS - 1))
            hasher.update(file.read(BLOCK))
    return hasher.hexdigest()


def _listing(marks: Iterable[tuple[str, str]]) -> str:
    """The mark of a folder from the names and marks of its files, in order."""
    hasher = hashlib.blake2b(digest_size=20)
    for name, mark in marks:
        hasher.update(f"{name}\0{mark}\0".encode("utf-8", "surrogateescape"))
    return f"listing:{hasher.hexdigest()}"


# While a film is checked


class Here:
    """This machine, as `vidflow.graph.provenance.Machine`: what is asked of a file is answered from its name, from what
    the store remembers of it, or from reading it where it is small."""

    def __init__(self, store: Path, device: str = "auto") -> None:
        """`store` is the folder of the store, which need not exist; `device` is as `--device` names it."""
        self._store = store
        self._device = device
        self._left = _AT_MOST
        self._digests: dict[str, list[tuple[Any, ...]]] | None = None

    def versions(self) -> Mapping[str, str]:
        """Those of vidflow and of the libraries."""
        return {"vidflow": __version__, **_versions(True)}

    def device(self) -> Mapping[str, str]:
        """The device that a film would be made on."""
        kind = device_kind(self._device)
        name = device_name("cpu" if kind == "cpu" else "cuda:0")
        return {"kind": kind, "name": name} if name else {"kind": kind}

    def same(self, path: Path, mark: str) -> bool | None:
        """Whether the file has this mark; None where it would take long to say. Raises OSError."""
        kind, _, wanted = mark.partition(":")
        size = path.stat().st_size
        if kind in ("sha256", "git"):
            named = _hub_mark(path)
            if named is not None:
                return named == mark
            if self._may_read(size):
                from vidflow.models.hubcache import Digest

                digest = Digest("0" * (64 if kind == "sha256" else 40), size)
                digest.update(path.read_bytes())
                return digest.name == wanted
        elif kind == "blocks":
            if self._may_read(min(size, BLOCK * BLOCKS)):
                return _blocks(path) == wanted
        elif kind == "blake2b":
            known = self._remembered(path)
            if known is not None:
                return known == wanted
            if self._may_read(size):
                return digest_file(path, strict=True) == wanted
        return None

    def same_listing(self, files: list[Path], mark: str) -> bool | None:
        """Whether these files of a folder have together this mark."""
        marks: list[tuple[str, str]] = []
        for path in files:
            size = path.stat().st_size
            known = _hub_mark(path)
            if known is None and size <= SAMPLED_ABOVE:
                digest = self._remembered(path)
                if digest is None and self._may_read(size):
                    digest = digest_file(path, strict=True)
                known = f"blake2b:{digest}" if digest is not None else None
            if known is None:
                return None
            marks.append((path.name, known))
        return _listing(marks) == mark

    def _may_read(self, size: int) -> bool:
        if size > min(SMALL, self._left):
            return False
        self._left -= size
        return True

    def _remembered(self, path: Path) -> str | None:
        """The digest of the whole file that the store remembers, where the file is still the same."""
        if self._digests is None:
            self._digests = {}
            for name, *row in _remembered(self._store / "index.sqlite"):
                self._digests.setdefault(name, []).append(tuple(row))
        status = path.stat()
        for size, modified, inode, strict, digest in self._digests.get(str(path), ()):
            whole = strict or size <= SAMPLED_ABOVE
            if whole and (size, modified, inode) == (status.st_size, status.st_mtime_ns, status.st_ino):
                return digest
        return None


def _remembered(index: Path) -> list[tuple[Any, ...]]:
    """The digests in a store's index."""
    if not index.is_file():
        return []
    try:
        # Only to read: another process may be at work there.
        with closing(sqlite3.connect(f"{index.as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            return connection.execute("SELECT path, size, mtime, inode, strict, digest FROM digests").fetchall()
    except sqlite3.Error:
        return []
