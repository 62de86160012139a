"""Node packs: where they are found, and how one is loaded.

A pack is a folder with `__init__.py` whose name is the pack's. It is found by the entry point `vidflow.packs`, in the
user's data folder `packs/` once enabled there, or by `VIDFLOW_PACKS`, which lists pack folders. Packs are imported
under `vidflow_packs.NAME`, so that none can take the name of another module.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import re
import sys
import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidflow.errors import PackError
from vidflow.nodespec.declare import MARK
from vidflow.nodespec.signature import BadNode, read_node
from vidflow.nodespec.spec import NodeSpec

_NAMESPACE = "vidflow_packs"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was found: a folder of the user's, or a module that an installed distribution names."""

    name: str
    folder: Path | None = None
    module: str | None = None


def find_packs() -> tuple[Sequence[Pack], Sequence[str]]:
    """The packs to load, in order, and the names of those in the user's folder that are not enabled."""
    from importlib.metadata import entry_points

    found = {point.name: Pack(point.name, module=point.value) for point in entry_points(group="vidflow.packs")}
    disabled: list[str] = []
    enabled = enabled_packs()
    from vidflow.places import packs_dir

    for folder in _pack_folders(packs_dir()):
        if folder.name in enabled:
            found[f"{folder.name} in {folder.parent}"] = Pack(folder.name, folder=folder)
        else:
            disabled.append(folder.name)
    for text in os.environ.get("VIDFLOW_PACKS", "").split(os.pathsep):
        if text.strip():
            folder = Path(text).expanduser().resolve()
            found[str(folder)] = Pack(folder.name, folder=folder)
    return tuple(found.values()), tuple(disabled)


def _pack_folders(parent: Path) -> list[Path]:
    return sorted(folder for folder in parent.glob("*") if (folder / "__init__.py").is_file())


def enabled_packs() -> frozenset[str]:
    """The names of the packs in the user's folder that the user has enabled."""
    from vidflow.places import config_dir

    try:
        names: object = json.loads((config_dir() / "packs.json").read_text("utf-8"))["enabled"]
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()
    return frozenset(str(name) for name in names) if isinstance(names, list) else frozenset()  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def enable_pack(name: str, on: bool = True) -> None:
    """Enable (or disable) a pack of the user's folder. Raises PackError where there is none of that name."""
    from vidflow.places import config_dir, packs_dir

    if on and not (packs_dir() / name / "__init__.py").is_file():
        raise PackError(name, f"there is no folder {packs_dir() / name} with an __init__.py.")
    names = enabled_packs() | {name} if on else enabled_packs() - {name}
    file = config_dir() / "packs.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps({"enabled": sorted(names)}, indent=2) + "\n", "utf-8")
    temporary.replace(file)


def load_pack(pack: Pack) -> list[NodeSpec]:
    """Import a pack and read its marked functions. Raises PackError with what is wrong and where."""
    if pack.folder and pack.name == "core":
        raise PackError(pack.name, f"core is the pack that ships with vidflow; rename the folder {pack.folder}.")
    if not _NAME.fullmatch(pack.name):
        raise PackError(pack.name, "a pack's folder name consists of letters, digits and _ only.")
    digest = _digest(pack.folder) if pack.folder else ""
    try:
        module = _import_folder(pack) if pack.folder else importlib.import_module(pack.module or pack.name)
    except (KeyboardInterrupt, PackError):
        raise
    except BaseException as error:
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise PackError(pack.name, f"{type(error).__name__}: {reason} ({_place(error, pack)})") from error
    specs: list[NodeSpec] = []
    if not digest and pack.name != "core":
        digest = _digest(Path(module.__file__).parent) if module.__file__ else ""
    families: list[Any] = []
    # Who has defined a family has imported this.
    family = sys.modules.get("vidflow.models.family")
    for member in _modules_of(module):
        values: Iterable[Any] = vars(member).values()
        for value in values:
            if family and isinstance(value, family.Family) and value.__class__.__module__ == member.__name__:
                families.append(value)
            if hasattr(value, MARK) and getattr(value, "__module__", None) == member.__name__:
                try:
                    specs.append(read_node(value, pack.name, digest))
                except BadNode as error:
                    code = getattr(value, "__code__", None)
                    if code is None:
                        raise PackError(pack.name, str(error)) from None
                    raise PackError(
                        pack.name, f"{error} ({Path(code.co_filename).name}:{code.co_firstlineno})"
                    ) from None
    twice = next(
        (spec.type for number, spec in enumerate(specs) if spec.type in [one.type for one in specs[:number]]), ""
    )
    if twice:
        raise PackError(pack.name, f"two of its nodes are called {twice!r}.")
    if not specs and not families:
        raise PackError(pack.name, "it has no function marked with @node.")
    if families:
        from vidflow.models.families import add

        for one in families:
            add(one)
    return specs


def _modules_of(package: types.ModuleType) -> list[types.ModuleType]:
    """The package and those of its modules that it has imported, in the order of their import."""
    prefix = package.__name__ + "."
    return [package, *(module for name, module in list(sys.modules.items()) if name.startswith(prefix))]


def _import_folder(pack: Pack) -> types.ModuleType:
    """Import a folder as `vidflow_packs.NAME`, afresh: an earlier version of it is forgotten."""
    assert pack.folder is not None
    file = pack.folder / "__init__.py"
    if not file.is_file():
        raise PackError(pack.name, f"there is no {file}.")
    name = f"{_NAMESPACE}.{pack.name}"
    for old in [key for key in sys.modules if key == name or key.startswith(name + ".")]:
        del sys.modules[old]
    if _NAMESPACE not in sys.modules:
        parent = types.ModuleType(_NAMESPACE)
        parent.__path__ = []
        sys.modules[_NAMESPACE] = parent
    importlib.invalidate_caches()
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(pack.folder)])
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _place(error: BaseException, pack: Pack) -> str:
    """The file and line in the pack that an exception came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}"
    trace, place = error.__traceback__, str(pack.folder or pack.module)
    while trace:
        file = Path(trace.tb_frame.f_code.co_filename)
        if pack.folder and pack.folder in file.parents:
            place = f"{file.relative_to(pack.folder)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _digest(folder: Path) -> str:
    """Of every .py file of a pack, so that who edits a node sees the new result."""
    hasher = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.rglob("*.py")):
        hasher.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return hasher.hexdigest()
