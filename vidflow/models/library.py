"""Finding a checkpoint by the name that stands in a graph, and listing those that are here."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vidflow.errors import ModelError
from vidflow.models.hubcache import Repository, fetch_command, hub_cache, is_hub_id, repositories, repository
from vidflow.places import resources

__all__ = ["NETWORKS", "Found", "Installed", "Licence", "boxed", "find", "hub_cache", "installed", "read_licence"]

Kind = Literal["box", "hub", "path"]
_BOX_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
NETWORKS = ("IFNet", "RRDBNet", "SRVGGNetCompact")
"""Classes of models that are one network: some nodes take them, and no pipeline has them."""
_FIELD = re.compile(r"(license|license_name|license_link)\s*:\s*(.+)")
_CONFIGS = ("model_index.json", "config.json")


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint that is here: a folder, or a single file. `revision` is its commit where it came from the hub."""

    name: str
    folder: Path
    revision: str | None
    kind: Kind


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as a model's card states it, with the address of its text where that is given."""

    name: str
    link: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.link})" if self.link else self.name


@dataclass(frozen=True, slots=True)
class Installed:
    """A checkpoint in the list of those that are here. `size` is in bytes on disk, `family` the class that its files
    name, `lacks` what is missing of it (None where it is whole) and `refs` the branches and tags that mean it."""

    name: str
    kind: Kind
    folder: Path
    revision: str | None
    refs: tuple[str, ...]
    size: int
    family: str
    licence: Licence
    lacks: str | None

    def fits(self, kinds: tuple[str, ...]) -> bool:
        """Whether it is for a setting that takes networks of these classes or, without any, pipelines."""
        return self.family in kinds if kinds else self.family not in NETWORKS


def find(name: str, revision: str | None = None, base: Path | None = None) -> Found:
    """The checkpoint called `name`: one in the box, a folder or file (relative to `base`, by default the current
    directory), or `org/name` that was fetched from the hub before, in `revision` (a branch, a tag or a commit).

    Raises ModelError, saying what to do, where it is not here, was fetched in half, or leads out of the cache.
    """
    if (folder := boxed(name)) is not None:
        return Found(name, folder, None, "box")
    try:
        path = (base or Path()) / Path(name).expanduser()
        if name.strip() and path.exists():
            return Found(name, path, None, "path")
    except (OSError, ValueError, RuntimeError):
        pass  # too long, or of a user who is not here: no path of anything
    if not is_hub_id(name):
        raise ModelError(
            f"There is no model {name!r}: none in the box has that name, and there is no such file or folder."
            " A model of the hub is called org/name."
        )
    return _fetched(repository(name), revision or None)


def _fetched(repo: Repository, revision: str | None) -> Found:
    commits = repo.commits()
    commit = repo.commit(revision or "main")
    if commit is None and revision is None and len(commits) == 1:
        commit = commits[0]
    if commit is None:
        if commits and revision is None:
            here = ", ".join(name for each in commits for name in _called(repo, each))
            raise ModelError(f"{repo.name} is here in several revisions: {here}. Set revision to one of them.")
        which = f" in revision {revision}" if revision and commits else ""
        raise ModelError(f"{repo.name} is not here{which}. '{fetch_command(repo.name, revision)}' fetches it.")
    if (lacks := repo.lacks(commit)) is not None:
        command = repo.fetch_command(commit)
        raise ModelError(f"{repo.name} was fetched in half: {lacks}. '{command}' goes on where it stopped.")
    if (stray := repo.stray(commit)) is not None:
        raise ModelError(
            f"{repo.name} is not used: {stray} leads to {os.path.realpath(stray)}, which is not in the cache of models."
        )
    return Found(repo.name, repo.snapshot(commit), commit, "hub")


def _called(repo: Repository, commit: str) -> tuple[str, ...]:
    return tuple(sorted(ref for ref, at in repo.refs().items() if at == commit)) or (commit[:12],)


def installed() -> list[Installed]:
    """Every checkpoint in the box and in the hub's cache, each revision by itself."""
    found = [
        Installed(path.name, "box", path, None, (), _size(path), _family(path), read_licence(path), None)
        for path in _box()
    ]
    for repo in repositories():
        for commit in repo.commits():
            folder = repo.snapshot(commit)
            lacks = repo.lacks(commit)
            size = _size(folder) + (
                sum(part.stat().st_size for part in repo.blobs.glob("*.incomplete")) if lacks else 0
            )
            refs = tuple(sorted(ref for ref, at in repo.refs().items() if at == commit))
            licence = read_licence(folder)
            found.append(Installed(repo.name, "hub", folder, commit, refs, size, _family(folder), licence, lacks))
    return found


def _box() -> Iterator[Path]:
    try:
        folders = sorted(path for path in (resources() / "models").iterdir() if path.is_dir())
    except OSError:
        return
    for folder in folders:
        if boxed(folder.name) is not None:
            yield folder


def boxed(name: str) -> Path | None:
    """The folder of the model in the box that has this name."""
    if not _BOX_NAME.fullmatch(name):
        return None
    folder = resources() / "models" / name
    return folder if any((folder / config).is_file() for config in _CONFIGS) else None


def _size(folder: Path) -> int:
    """Bytes on disk of the files below a folder, a content that stands there under two names counted once."""
    sizes: dict[tuple[int, int], int] = {}
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.stat(os.path.join(at, name))  # noqa: PTH116, PTH118 (thousands of files, quickly)
            except OSError:
                continue
            sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def _family(folder: Path) -> str:
    """The class that the checkpoint's own files name; empty where they name none."""
    for name in _CONFIGS:
        try:
            config: dict[str, Any] = json.loads((folder / name).read_bytes())
            kinds = (config.get("_class_name"), *(config.get("architectures") or ()), config.get("model_type"))
        except (OSError, ValueError, AttributeError, TypeError):
            continue
        if kind := next((kind for kind in kinds if isinstance(kind, str) and kind), None):
            return kind
    return ""


def read_licence(folder: Path) -> Licence:
    """The licence that the card (README.md) in a folder states, or `not stated`."""
    try:
        with (folder / "README.md").open("rb") as file:
            text = file.read(65536).decode("utf-8", "replace").lstrip("\ufeff")
    except OSError:
        return Licence("not stated")
    licence = _stated(text)
    if licence.link and (folder / licence.link).is_file():
        return Licence(licence.name, str(folder / licence.link))
    return licence


def _stated(card: str) -> Licence:
    lines = card.splitlines()
    fields: dict[str, str] = {}
    for line in lines[1:] if lines and lines[0].strip() == "---" else ():
        if line.strip() == "---":
            break
        if match := _FIELD.fullmatch(line.rstrip()):
            # Only plain and quoted values are met here; a comment may follow one.
            fields[match[1]] = re.sub(r"\s+#.*$", "", match[2]).strip().strip("'\"[]")
    name = fields.get("license", "")
    if name in ("", "other", "unknown"):
        name = fields.get("license_name", name)
    return Licence(name or "not stated", fields.get("license_link", ""))
