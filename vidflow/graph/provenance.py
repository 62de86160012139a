"""What a film was made with besides its graph, as it stands in the film, and how that differs from what is here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from vidflow.errors import ModelError, Problem
from vidflow.graph.wording import cut, shown
from vidflow.nodespec.hints import File, Folder, Weights
from vidflow.places import files_of

if TYPE_CHECKING:
    from vidflow.graph.check import CheckedNode

T = TypeVar("T")

LIBRARIES = ("av", "numpy", "opencv-python-headless")
"""The distributions whose work is seen in every film."""
MODEL_LIBRARIES = ("torch", "diffusers", "transformers")
"""Those whose work is seen where models were used."""
_NAMED = 3
"""How many files a note names."""


@dataclass(frozen=True, slots=True)
class UsedModel:
    """A checkpoint that a setting stands for. `name` is its name in the box or on the hub, or that of its folder;
    `dtypes` are those of its numbers in memory; `files` maps each file of it to its mark."""

    name: str
    files: Mapping[str, str]
    revision: str | None = None
    family: str | None = None
    dtypes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a film.

    `libraries` and `nodes` map what was used to its version, `packs` those that are not the core to the digest of their
    source. `device` has a `kind` and a `name`; it is empty where nothing was made on the GPU lane. `models` and `files`
    go by `node.input`; a file is told by its mark, `kind:hash` (see `engine/provenance.py`), and by no path.
    """

    vidflow: str
    python: str
    libraries: Mapping[str, str] = field(default_factory=dict[str, str])
    device: Mapping[str, str] = field(default_factory=dict[str, str])
    nodes: Mapping[str, int] = field(default_factory=dict[str, int])
    packs: Mapping[str, str] = field(default_factory=dict[str, str])
    models: Mapping[str, UsedModel] = field(default_factory=dict[str, UsedModel])
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def text(self) -> str:
        """As JSON, without what is empty. The same run gives the same text."""
        plain = _filled(asdict(self))
        return json.dumps(plain, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def read(text: str) -> Provenance:
    """What `text` tells. Anything can stand in a film: what has not the form of `Provenance.text` is left out."""
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    found = _mapping(raw, object)
    models: dict[str, UsedModel] = {}
    for place, value in _mapping(found.get("models"), object).items():
        one = _mapping(value, object)
        name, files = one.get("name"), _mapping(one.get("files"), str)
        if isinstance(name, str):
            dtypes = _texts(one.get("dtypes"))
            models[place] = UsedModel(name, files, _text(one.get("revision")), _text(one.get("family")), dtypes)
    marks = {place: texts for place, one in _mapping(found.get("files"), object).items() if (texts := _texts(one))}
    return Provenance(
        _text(found.get("vidflow")) or "",
        _text(found.get("python")) or "",
        _mapping(found.get("libraries"), str),
        _mapping(found.get("device"), str),
        _mapping(found.get("nodes"), int),
        _mapping(found.get("packs"), str),
        models,
        marks,
    )


class Machine(Protocol):
    """What is here, as far as it is known without running anything."""

    def versions(self) -> Mapping[str, str]:
        """Those of vidflow, as `vidflow`, and of every library that a film may tell of and that is here."""
        ...

    def device(self) -> Mapping[str, str]:
        """As in `Provenance`; without a `name` where that is not known."""
        ...

    def same(self, path: Path, mark: str) -> bool | None:
        """Whether the file has this mark; None where it would take long to say. Raises OSError."""
        ...

    def same_listing(self, files: list[Path], mark: str) -> bool | None:
        """Whether these files of a folder have together this mark."""
        ...


def differences(made: Provenance, nodes: Mapping[str, CheckedNode], machine: Machine) -> Iterator[Problem]:
    """Notes on what differs here from what made a film whose graph was checked as `nodes`. None where all is the same.

    What a problem of the graph itself says already, such as a missing file, is not said again.
    """
    yield from _programs(made, machine)
    yield from _device(made, machine)
    yield from _types(made, nodes)
    for id, node in nodes.items():
        for spec in node.spec.inputs:
            place = f"{id}.{spec.name}"
            value = node.values.get(spec.name)
            try:
                if isinstance(spec.hint, Weights):
                    if place in made.models and isinstance(value, str) and value not in spec.hint.own:
                        yield from _model(made.models[place], value, node, spec.name, spec.hint, machine)
                elif isinstance(spec.hint, File | Folder) and place in made.files and value is not None:
                    yield from _files(made.files[place], value, node, spec.name, machine)
            except (OSError, ModelError):
                # It is not here, which the check says.
                continue


def _programs(made: Provenance, machine: Machine) -> Iterator[Problem]:
    here = machine.versions()
    before = {"vidflow": made.vidflow, **made.libraries}
    changed = [
        (name, before[name], here.get(name))
        for name in ("vidflow", *LIBRARIES, *MODEL_LIBRARIES)
        if before.get(name) and before[name] != here.get(name)
    ]
    if changed:
        then = _listed([f"{name} {_plain(old)}" for name, old, _ in changed])
        now = _listed([f"{name} {new}" if new else f"no {name}" for name, _, new in changed])
        yield _note(f"This film was made with {then}; here {'is' if len(changed) == 1 else 'are'} {now}.")


def _device(made: Provenance, machine: Machine) -> Iterator[Problem]:
    if not made.device:
        return
    here = machine.device()
    if any(name in here and here[name] != value for name, value in made.device.items()):
        yield _note(
            f"This film was made on {_named(made.device)}; here it would be made on {_named(here)}.",
            hint="The last bits of numbers may differ, and frames with them.",
        )


def _types(made: Provenance, nodes: Mapping[str, CheckedNode]) -> Iterator[Problem]:
    types, packs = set[str](), set[str]()
    for id, node in nodes.items():
        spec = node.spec
        then = made.nodes.get(spec.type)
        if spec.type not in types and then is not None and then != spec.version:
            types.add(spec.type)
            yield _note(f"{spec.type} was version {then} when this film was made; here it is {spec.version}.", id)
        digest = made.packs.get(spec.pack)
        if spec.pack not in packs and digest is not None and digest != spec.digest:
            packs.add(spec.pack)
            yield _note(f"The code of the pack {shown(spec.pack)} is not that which made this film.", id)


def _model(
    made: UsedModel, name: str, node: CheckedNode, input: str, hint: Weights, machine: Machine
) -> Iterator[Problem]:
    from vidflow.models.checkpoint import files_of_model
    from vidflow.models.hubcache import fetch_command, is_commit
    from vidflow.models.library import find

    found = find(name, node.values.get(hint.revision))
    root = found.folder if found.folder.is_dir() else found.folder.parent
    files = {
        path.relative_to(root).as_posix(): path
        for path in files_of_model(found.folder, node.values.get(hint.variant) or None, network=bool(hint.kinds))
    }
    differing = [file for file in made.files if file not in files] + [file for file in files if file not in made.files]
    unknown: list[Path] = []
    for file, path in files.items():
        if file in made.files:
            same = machine.same(path, made.files[file])
            if same is None:
                unknown.append(path)
            elif not same:
                differing.append(file)
    if made.revision is not None and found.revision != made.revision:
        message = f"This film was made with revision {_plain(made.revision[:12])} of {_plain(made.name)}"
        now = f"revision {found.revision[:12]}" if found.revision else "a local one"
        # What is told to be typed into a shell must be no more than a commit, whatever stands in the film.
        fetchable = found.kind == "hub" and is_commit(made.revision)
        advice = f"'{fetch_command(found.name, made.revision)}' fetches that one." if fetchable else ""
        yield _note(f"{message}; here is {now}.", node.id, input, advice)
    elif differing:
        verb = "differs" if len(differing) == 1 else "differ"
        message = f"{len(differing)} of {len(files)} files of this model {verb} from those that made this film"
        yield _note(
            f"{message}: {_listed([_plain(one) for one in differing[:_NAMED]], len(differing))}.", node.id, input
        )
    if unknown:
        size = sum(path.stat().st_size for path in unknown) / 1e9
        what = f"{len(unknown)} file{'s' * (len(unknown) != 1)} of this model ({size:.2f} GB)"
        yield _note(f"{what} {'was' if len(unknown) == 1 else 'were'} not compared, as it takes long.", node.id, input)


def _files(marks: tuple[str, ...], value: Any, node: CheckedNode, input: str, machine: Machine) -> Iterator[Problem]:
    paths = [Path(one) for one in cast("tuple[str, ...]", value if isinstance(value, tuple) else (value,))]
    if len(paths) != len(marks):
        return
    for path, mark in zip(paths, marks, strict=True):
        same = machine.same(path, mark) if path.is_file() else machine.same_listing(sorted(files_of(path)), mark)
        if same is False:
            yield _note(f"{shown(path.name)} is not as it was when this film was made.", node.id, input)
        elif same is None:
            yield _note(f"{shown(path.name)} was not compared, as it takes long.", node.id, input)


def _note(message: str, node: str | None = None, input: str | None = None, hint: str = "") -> Problem:
    return Problem("differs-here", cut(message), node, input, hint, "note")


def _named(device: Mapping[str, str]) -> str:
    return " ".join(_plain(device[name]) for name in ("kind", "name") if name in device)


def _plain(text: str) -> str:
    """A text out of a film as it can be shown: short and without control characters."""
    return text if text.isprintable() and len(text) <= 80 else shown(text)


def _listed(texts: list[str], total: int = 0) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, c and 4 more`."""
    more = total - len(texts)
    parts = [*texts, f"{more} more"] if more > 0 else texts
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _mapping(value: object, kind: type[T]) -> dict[str, T]:
    """What of `value` is a mapping of names to values of the `kind`."""
    if not isinstance(value, dict):
        return {}
    entries = cast("dict[str, object]", value)
    return {name: one for name, one in entries.items() if isinstance(one, kind) and not isinstance(one, bool)}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return tuple([one for one in listed if isinstance(one, str)])


def _filled(value: Any) -> Any:
    """The value without members that are empty."""
    if isinstance(value, dict):
        members = {name: _filled(one) for name, one in cast("dict[str, Any]", value).items()}
        return {name: one for name, one in members.items() if one not in (None, {}, ())}
    return value
