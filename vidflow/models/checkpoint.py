"""What lies in a checkpoint's folder (diffusers layout), read from its JSON files and headers without any model
library.

Only safetensors count as weights of a pipeline: a pickle can run code. That of one network may be a pickle, which is
never opened here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any, cast

from vidflow.errors import ModelError

BYTES: Mapping[str, int] = {
    "F64": 8,
    "I64": 8,
    "F32": 4,
    "I32": 4,
    "F16": 2,
    "BF16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
"""Bytes of a number by its type in a safetensors header."""
GGUF = ".gguf"
"""The suffix of a file of quantised weights."""
NETWORK_SUFFIXES = (".safetensors", ".pth", ".pkl")
"""The suffixes of files in which the weights of one network are published."""
_DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "bfloat16", "F8_E5M2": "bfloat16"}
"""The dtype that numbers have in memory unless another is asked for: nothing computes in 8 bits."""
_STEMS = ("diffusion_pytorch_model", "model")
_UNUSED = {("stable_diffusion", "StableDiffusionSafetyChecker")}
"""Parts that no family here loads."""
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "Scheduler": ("scheduler_config.json",),
    "Token": ("tokenizer.json", "vocab.json", "vocab.txt", ".model"),
    "Processor": ("preprocessor_config.json", "processor_config.json"),
    "Extractor": ("preprocessor_config.json", "processor_config.json"),
}
"""For parts without weights, by what their classes are called: one of these files, by its ending."""
_AXES = 64
"""Axes of a tensor, at most."""
_LARGEST = 64 * 2**20
"""Bytes of a JSON file or a header, at most."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a checkpoint: `library` and `kind` are its class as model_index.json names it."""

    name: str
    library: str
    kind: str
    folder: Path
    config: Mapping[str, Any]
    weights: tuple[Path, ...] = ()
    variant: str | None = None
    single: bool = False
    """Whether its weights come in a file of their own."""

    @property
    def dtype(self) -> str | None:
        """The dtype for most of its numbers, as torch names it; None without weights of a usual one."""
        counts = self._counts()
        return _DTYPES.get(max(counts, key=lambda kind: counts[kind])) if counts else None

    def nbytes(self, dtype: str | None = None) -> int:
        """Bytes in memory with its numbers as `dtype` (`float32`, `bfloat16`, ...), by default as they are stored."""
        size = {"float32": 4, "float16": 2, "bfloat16": 2}.get(dtype or "")
        return sum(
            count * (size if size and kind in _DTYPES else BYTES[kind]) for kind, count in self._counts().items()
        )

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for path in self.weights:
            if path.suffix == GGUF:
                return {"U8": path.stat().st_size}
            for kind, count in header(path).values():
                counts[kind] = counts.get(kind, 0) + count
        return counts


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A pipeline's folder: the class that saved it, its components, and the settings beside them."""

    folder: Path
    pipeline: str
    components: Mapping[str, Component]
    settings: Mapping[str, Any]
    own: Mapping[str, int | Fraction] = field(default_factory=dict[str, "int | Fraction"])
    """What its vidflow.json says that it makes where nothing else is asked for: see `OWN`."""

    def config(self, component: str) -> Mapping[str, Any]:
        """The configuration of a component; empty where it is not there."""
        found = self.components.get(component)
        return found.config if found is not None else {}

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that loading it reads, in the order of their names."""
        found = {path for one in self.components.values() for path in one.weights}
        for folder in (self.folder, *(one.folder for one in self.components.values())):
            found.update(path for path in folder.glob("*") if path.suffix in _READ and path.is_file())
        return tuple(sorted(found))


OWN = {"width": 8192, "height": 8192, "frames": 1025, "steps": 1000, "guidance": 50, "rate": 1000}
"""What a vidflow.json beside model_index.json may say, and the most that it may be: positive whole numbers, but for
`guidance` and `rate` (frames a second) any positive number, also as a fraction in a string."""
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9}|/\d{1,9})?", re.ASCII)
"""Keeps out numbers such as 1e99999999, which would take for ever."""
_READ = {".json", ".txt", ".model", ".jinja"}


def is_checkpoint(folder: Path) -> bool:
    """Whether the folder is a pipeline's, in diffusers layout."""
    return (folder / "model_index.json").is_file()


def read_checkpoint(folder: Path, variant: str | None = None) -> Checkpoint:
    """What lies in `folder`. Weights are those of `variant`; without one the plain files, or where there are none those
    of fp16. Raises ModelError for what cannot be loaded as it is: no pipeline, half of it, pickles only, foreign code.
    """
    if not is_checkpoint(folder) and (folder / "config.json").is_file():
        return _of_one_model(folder, variant)
    index = _json(
        folder / "model_index.json", f"{folder} is no checkpoint in diffusers layout: it has no model_index.json."
    )
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        raise ModelError(f"{folder / 'model_index.json'} names no pipeline.")
    components: dict[str, Component] = {}
    settings: dict[str, Any] = {}
    for name, value in index.items():
        if name.startswith("_"):
            continue
        if not (isinstance(value, list) and len(cast("list[Any]", value)) == 2):
            settings[name] = value
            continue
        library, kind = cast("list[Any]", value)
        if library is None or kind is None or (library, kind) in _UNUSED:
            continue
        if not name.isidentifier():
            raise ModelError(f"{folder / 'model_index.json'} names a part {name!r}, which is no folder beside it.")
        if library not in ("diffusers", "transformers") or not isinstance(kind, str):
            raise ModelError(
                f"{folder}: its part {name!r} comes with code of its own ({library}.{kind}), which is not run."
            )
        components[name] = _component(folder, name, library, kind, variant)
    if not components:
        raise ModelError(f"{folder / 'model_index.json'} names no part of a pipeline.")
    if variant and not any(one.variant == variant for one in components.values()):
        raise ModelError(f"{folder} has no files of the variant {variant!r}; leave variant empty, or fetch that one.")
    return Checkpoint(folder, pipeline, components, settings, _own(folder / "vidflow.json"))


def _own(path: Path) -> dict[str, int | Fraction]:
    found: dict[str, int | Fraction] = {}
    for name, value in _json(path, "").items() if path.exists() else ():
        number = 0
        if (type(value) is int or name in ("guidance", "rate")) and _NUMBER.fullmatch(str(value)):
            with suppress(ZeroDivisionError):
                number = Fraction(str(value))
        if not 0 < number <= OWN.get(name, 0):
            takes = ", ".join(f"{one} (up to {most})" for one, most in OWN.items())
            raise ModelError(f"{path}: {name} is {value!r}; it takes {takes}, each a positive number.")
        found[name] = value if type(value) is int else number
    return found


def _of_one_model(folder: Path, variant: str | None) -> Checkpoint:
    """A folder as transformers saves it: one model, and what prepares its input."""
    config = _json(folder / "config.json", "")
    kinds = config.get("architectures")
    if not (isinstance(kinds, list) and kinds and isinstance(kinds[0], str)):
        raise ModelError(f"{folder / 'config.json'} names no architecture.")
    names = [path.name for path in folder.iterdir()]
    if config.get("auto_map"):
        raise ModelError(f"{folder} comes with code of its own, which is not run.")
    weights, used = _weights(folder, names, variant)
    if not weights:
        raise ModelError(f"{folder} has no weights as safetensors; others can run code and are not read.")
    components = {"model": Component("model", "transformers", kinds[0], folder, config, weights, used)}
    for name, kind, file in (
        ("tokenizer", "AutoTokenizer", "tokenizer_config.json"),
        ("image_processor", "AutoImageProcessor", "preprocessor_config.json"),
    ):
        if file in names:
            components[name] = Component(name, "transformers", kind, folder, _json(folder / file, ""))
    return Checkpoint(folder, kinds[0], components, {})


def network_file(path: Path) -> Path:
    """The file of weights of the model of one network at `path`: itself, or the only one in the folder; pickles count
    where there are no safetensors. Raises ModelError."""
    endings = ", ".join(NETWORK_SUFFIXES)
    if path.is_file():
        if path.suffix not in NETWORK_SUFFIXES:
            raise ModelError(f"{path} is no file of weights; expected {endings} at its end.")
        return path
    if is_checkpoint(path):
        raise ModelError(f"{path} is a pipeline of several parts; expected a model that is one network.")
    found = sorted(one for one in path.rglob("*") if one.suffix in NETWORK_SUFFIXES and one.is_file())
    found = [one for one in found if one.suffix == ".safetensors"] or found
    if not found:
        raise ModelError(f"{path} is no model: it has no file of weights ({endings}).")
    if len(found) > 1:
        names = ", ".join(one.relative_to(path).as_posix() for one in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise ModelError(f"{path} has {len(found)} files of weights: {names}{more}. Name one by its path.")
    return found[0]


def files_of_model(path: Path, variant: str | None = None, *, network: bool = False) -> tuple[Path, ...]:
    """The files that loading the model at `path` reads: those of a checkpoint, of a model of one part, or the file
    itself; of one `network` its file of weights and the config.json beside it. Raises ModelError."""
    if network:
        weights = network_file(path)
        return tuple(one for one in (path / "config.json", weights) if one.is_file())
    if path.is_file():
        return (path,)
    if is_checkpoint(path):
        return read_checkpoint(path, variant).files
    files = tuple(sorted(one for one in path.rglob("*") if one.suffix in {*_READ, ".safetensors"} and one.is_file()))
    if not any(one.suffix == ".safetensors" for one in files):
        raise ModelError(f"{path} is no model: it has neither a model_index.json nor weights as safetensors.")
    return files


def _component(root: Path, name: str, library: str, kind: str, variant: str | None) -> Component:
    folder = root / name
    if not folder.is_dir():
        raise ModelError(f"{root}: its part {name!r} is missing; it was fetched in half. Fetch it again.")
    names = [path.name for path in folder.iterdir()]
    config: Mapping[str, Any] = {}
    for file in ("config.json", "scheduler_config.json", "preprocessor_config.json"):
        if file in names:
            config = _json(folder / file, "")
            break
    weights, used = _weights(folder, names, variant)
    for word, files in _NEEDED.items():
        if word in kind:
            if not any(file.endswith(files) for file in names):
                raise ModelError(f"{folder} has no {files[0]}; it was fetched in half. Fetch it again.")
            return Component(name, library, kind, folder, config)
    if not weights:
        if any(file.endswith((".bin", ".pt", ".pth", ".ckpt")) for file in names):
            raise ModelError(
                f"{folder} holds pickled weights only, which can run code; fetch or convert it as safetensors."
            )
        if variant and any(file.endswith(".safetensors") for file in names):
            raise ModelError(
                f"{folder} has no files of the variant {variant!r}; leave variant empty, or fetch that one."
            )
        raise ModelError(f"{folder} has no weights; it was fetched in half. Fetch it again.")
    if "config.json" not in names:
        raise ModelError(f"{folder} has no config.json; it was fetched in half. Fetch it again.")
    said = config.get("_class_name")
    if library == "diffusers" and isinstance(said, str) and said != kind:
        raise ModelError(
            f"{folder} is of the class {said}, where {root / 'model_index.json'} names {kind}; fetch it again."
        )
    return Component(name, library, kind, folder, config, weights, used)


def config_of(folder: Path) -> Mapping[str, Any]:
    """The configuration of the one model in a folder; empty where it has none."""
    try:
        return _json(folder / "config.json", "")
    except ModelError:
        return {}


def _weights(folder: Path, names: list[str], variant: str | None) -> tuple[tuple[Path, ...], str | None]:
    for wanted in (variant, None) if variant else (None, "fp16"):
        dotted = f".{wanted}" if wanted else ""
        for stem in _STEMS:
            single = f"{stem}{dotted}.safetensors"
            if single in names:
                return (folder / single,), wanted
            index = f"{stem}.safetensors.index{dotted}.json"
            if index in names:
                return _shards(folder, index), wanted
            # A sharded variant was once saved with the variant before the suffix of the index.
            pattern = re.compile(rf"{stem}(\.{wanted})?-\d+-of-\d+(\.{wanted})?\.safetensors" if wanted else "$.")
            shards = sorted(name for name in names if pattern.fullmatch(name))
            if shards:
                return tuple(folder / name for name in shards), wanted
    return (), None


def _shards(folder: Path, index: str) -> tuple[Path, ...]:
    named = _json(folder / index, "").get("weight_map")
    if not isinstance(named, dict):
        raise ModelError(f"{folder / index} names no shards.")
    files = sorted({str(name) for name in cast("dict[str, Any]", named).values()})
    for name in files:
        if "/" in name or "\\" in name or not name.endswith(".safetensors"):
            raise ModelError(f"{folder / index} names {name!r}, which is no safetensors file beside it.")
        if not (folder / name).is_file():
            raise ModelError(f"{folder} lacks {name}; it was fetched in half. Fetch it again.")
    return tuple(folder / name for name in files)


def header(path: Path) -> dict[str, tuple[str, int]]:
    """For each tensor of a safetensors file its type and how many numbers it has. Raises ModelError."""
    return {name: (kind, prod(shape)) for name, (kind, shape) in shapes(path).items()}


def shapes(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """For each tensor of a safetensors file its type and its shape. Raises ModelError."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if not 2 <= size <= _LARGEST:
                raise ValueError("no header")
            entries = json.loads(file.read(size))
        ends = [one["data_offsets"][1] for name, one in entries.items() if name != "__metadata__"]
        if path.stat().st_size < 8 + size + max(ends, default=0):
            raise ModelError(f"{path} is cut short; it was fetched in half. Fetch it again.")
        found: dict[str, tuple[str, tuple[int, ...]]] = {
            name: (one["dtype"], _shape(one["shape"])) for name, one in entries.items() if name != "__metadata__"
        }
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path} is no safetensors file; fetch it again.") from error
    if (unknown := next((kind for kind, _ in found.values() if kind not in BYTES), None)) is not None:
        raise ModelError(f"{path} holds numbers of the kind {unknown}, which is not known here.")
    return found


def _shape(given: list[int]) -> tuple[int, ...]:
    """Raises ValueError for what is no shape."""
    if len(given) > _AXES or not all(type(side) is int and side >= 0 for side in given):
        raise ValueError("no shape")
    return tuple(given)


def _json(path: Path, missing: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("too long")
        found = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(missing or f"{path} is missing.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no JSON; fetch it again.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} is no JSON object; fetch it again.")
    return cast("dict[str, Any]", found)
