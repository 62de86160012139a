"""The words of a prompt by their labels in Japanese and English: those that are shipped, and the user's own.

`resources/vocabulary.json` and `prompts.json` in the user's data folder have one format: for each category a list of
entries, each with a label in one language or both and the English phrase that a video model is told::

    {"camera": [{"ja": "俯瞰", "en": "top down", "phrase": "top-down shot from straight above"}]}
"""

from __future__ import annotations

import json
import re
import reprlib
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

from vidflow.errors import NodeError
from vidflow.places import data_dir, resource

Category = Literal["camera", "motion", "lighting", "style"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
FORMAT = 1
LARGEST = 2**20
"""The longest file of the user's words that is read, in bytes."""

# An opening quote ends the search for a closing one, so that a text of nothing but quotes is read in one go.
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|「([^「」]*)」|“([^“”]*)”|‘([^‘’]*)’)\s*(?=[,、，]|\Z)|[^,、，]+""")
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """A label in each language, of which one may be empty, and the phrase that both stand for."""

    ja: str
    en: str
    phrase: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that there are, Japanese first."""
        return tuple([label for label in (self.ja, self.en) if label])


class Vocabulary:
    """What the labels of each category mean. `entries` are in the order in which a menu shows them."""

    def __init__(self, *layers: dict[Category, list[Entry]]) -> None:
        self._meant: dict[Category, dict[str, Entry]] = {category: {} for category in CATEGORIES}
        for layer in layers:
            for category, entries in layer.items():
                for entry in entries:
                    self._add(self._meant[category], entry)

    def _add(self, meant: dict[str, Entry], entry: Entry) -> None:
        """Where a label is known, the entry stands in its place, and the label in the other language means it too."""
        old = next((meant[key] for label in entry.labels if (key := _folded(label)) in meant), None)
        if old is not None:
            entry = Entry(entry.ja or old.ja, entry.en or old.en, entry.phrase)
            for label in old.labels:
                meant[_folded(label)] = entry
        for label in entry.labels:
            meant[_folded(label)] = entry

    def entries(self, category: Category) -> tuple[Entry, ...]:
        """The words of a category: the shipped ones first, then the user's."""
        return tuple(dict.fromkeys(self._meant[category].values()))

    def phrase(self, category: Category, text: str) -> str:
        """What `text` tells a video model: for a label its phrase, for several with commas (`,` or `、`) between them
        theirs, for anything else the text as it stands. Case, width and space around do not matter in a label; text in
        quotes is free text, without the quotes."""
        meant = self._meant[category]
        known = meant.get(_folded(text))
        if known is not None:
            return known.phrase
        parts: list[str] = []
        plain = True
        for match in _PART.finditer(text):
            if match.lastindex:
                part, plain = match[match.lastindex].strip(), False
            else:
                part = match[0].strip()
                known = meant.get(_folded(part))
                if known is not None:
                    part, plain = known.phrase, False
            if part:
                parts.append(part)
        return text.strip() if plain and parts else ", ".join(parts)


def vocabulary() -> Vocabulary:
    """The words as they are now, with the user's own. Raises NodeError where the user's file is damaged."""
    path = presets_path()
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return _shipped()
    except OSError as error:
        raise _refused(path, f"it cannot be read: {error.strerror or error}") from None
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, "it is no plain file")
    return _with_presets(path, (status.st_mtime_ns, status.st_size, status.st_ino))


def presets_path() -> Path:
    """Where the user's own words are looked for. The file need not exist."""
    return data_dir() / "prompts.json"


@lru_cache(maxsize=1)
def _shipped() -> Vocabulary:
    return Vocabulary(_read(resource("vocabulary.json")))


@lru_cache(maxsize=4)
def _with_presets(path: Path, version: tuple[int, ...]) -> Vocabulary:
    """`version` tells one state of the file from another."""
    return Vocabulary(_read(resource("vocabulary.json")), _read(path))


# The file


def _read(path: Path) -> dict[Category, list[Entry]]:
    """The entries of a file. Raises NodeError naming the file and the line."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _refused(path, f"it cannot be read: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise _refused(path, f"it is longer than {LARGEST // 2**20} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(path, "this is not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from None
    try:
        return dict(_categories(text))
    except _Damaged as error:
        raise _refused(path, error.why, error.line) from None


class _Damaged(Exception):
    def __init__(self, why: str, line: int) -> None:
        self.why = why
        self.line = line


def _categories(text: str) -> Iterator[tuple[Category, list[Entry]]]:
    made: list[dict[str, Any]] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        made.append(members)
        if len(members) != len(pairs):
            twice = reprlib.repr(Counter(name for name, _ in pairs).most_common(1)[0][0])
            raise _Damaged(f"the name {twice} stands twice in the object that begins here", _begins(text, len(made)))
        return members

    try:
        raw: Any = json.loads(text, object_pairs_hook=object_of)
    except json.JSONDecodeError as error:
        raise _Damaged(f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}", error.lineno) from None
    except (RecursionError, ValueError):
        raise _Damaged("this is no file of words", 1) from None
    if not isinstance(raw, dict):
        raise _Damaged("expected an object with camera, motion, lighting or style", 1)
    members = cast("dict[str, Any]", raw)
    version = members.get("vidflow", FORMAT)
    if version != FORMAT:
        raise _Damaged(f"the format {reprlib.repr(version)} is not known; expected {FORMAT}", _named(text, "vidflow"))
    for name, entries in members.items():
        if name == "vidflow":
            continue
        if name not in CATEGORIES:
            raise _Damaged(f"{reprlib.repr(name)} is no category; expected {', '.join(CATEGORIES)}", _named(text, name))
        if not isinstance(entries, list):
            raise _Damaged(f"{name} holds no list of entries", _named(text, name))
        found: list[Entry] = []
        for given in cast("list[Any]", entries):
            if not isinstance(given, dict):
                raise _Damaged(f"an entry of {name} is no object with labels and a phrase", _named(text, name))
            entry = _entry(cast("dict[str, Any]", given))
            if isinstance(entry, str):
                place = next(number for number, one in enumerate(made, 1) if one is given)
                raise _Damaged(entry, _begins(text, place))
            found.append(entry)
        yield name, found


def _entry(given: dict[str, Any]) -> Entry | str:
    """The entry, or what is wrong with it."""
    texts: list[str] = []
    for name in ("ja", "en", "phrase"):
        value = given.get(name, "")
        if not isinstance(value, str):
            return f"the {name} of this entry is no text"
        texts.append(value.strip())
    ja, en, phrase = texts
    if not phrase:
        return "this entry has no phrase"
    return Entry(ja, en, phrase) if ja or en else "this entry has no label; give it a ja, an en or both"


def _begins(text: str, number: int) -> int:
    """The line on which the object begins that is the `number`-th, from 1, to end."""
    opened: list[int] = []
    ended = 0
    for match in _TOKEN.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}":
            start = opened.pop()
            ended += 1
            if ended == number:
                return text.count("\n", 0, start) + 1
    return 1


def _named(text: str, name: str) -> int:
    """The line of the first key `name`, as far as it is written without escapes."""
    match = re.search(rf'"{re.escape(name)}"\s*:', text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _refused(path: Path, why: str, line: int | None = None) -> NodeError:
    place = f"{path}, line {line}" if line else str(path)
    return NodeError(f"The words of your own in {place} cannot be used: {why}. Mend the file, or take it away.")


def _folded(text: str) -> str:
    """What is the same for a label in any case, width and spacing."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
