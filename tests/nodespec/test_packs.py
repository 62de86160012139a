"""Packs: where they are found, how one is loaded, and what is said of one that cannot be."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from vidflow.errors import PackError
from vidflow.nodespec.packs import Pack, enable_pack, enabled_packs, find_packs, load_pack
from vidflow.nodespec.registry import load_registry
from vidflow.places import config_dir, packs_dir

NODE = '''"""A pack."""

from vidflow.api import node


@node(title="Make", category="Test")
def make(*, value: int = 1) -> int:
    """Give it back."""
    return value
'''


def written(parent: Path, name: str, code: str = NODE, **modules: str) -> Path:
    """A pack's folder with this code, and modules beside it."""
    folder = parent / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text(code, "utf-8")
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text, "utf-8")
    return folder


def loaded(folder: Path) -> list[str]:
    """The types of the pack in a folder."""
    return [spec.type for spec in load_pack(Pack(folder.name, folder=folder))]


def said_of(folder: Path) -> str:
    """Why the pack in a folder cannot be loaded."""
    with pytest.raises(PackError) as caught:
        load_pack(Pack(folder.name, folder=folder))
    return str(caught.value)


# Where they are found


def test_the_core_pack_is_found_by_its_entry_point() -> None:
    found, disabled = find_packs()
    assert Pack("core", module="vidflow_nodes") in found
    assert disabled == ()


def test_a_pack_in_the_users_folder_is_loaded_only_once_enabled() -> None:
    ran = "import pathlib; (pathlib.Path(__file__).parent / 'ran').touch()\n"
    folder = written(packs_dir(), "mine", NODE + ran)
    (packs_dir() / "no pack").mkdir()
    registry = load_registry()
    assert registry.disabled == ("mine",)
    assert registry.get("mine.make") is None
    assert not (folder / "ran").exists(), "it was named without running it"
    enable_pack("mine")
    assert enabled_packs() == {"mine"}
    registry = load_registry()
    assert registry.disabled == ()
    assert registry.get("mine.make") is not None
    assert (folder / "ran").exists()
    enable_pack("mine", on=False)
    assert load_registry().disabled == ("mine",)


def test_a_pack_that_is_not_there_cannot_be_enabled() -> None:
    with pytest.raises(PackError, match=r"there is no folder .*mine with an __init__\.py"):
        enable_pack("mine")
    assert enabled_packs() == frozenset()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"enabled": 3}', '{"other": []}'])
def test_a_spoiled_list_of_enabled_packs_enables_none(text: str) -> None:
    config_dir().mkdir(parents=True)
    (config_dir() / "packs.json").write_text(text, "utf-8")
    assert enabled_packs() == frozenset()


def test_the_list_of_enabled_packs_is_readable() -> None:
    for name in ("two", "one"):
        written(packs_dir(), name)
        enable_pack(name)
    assert json.loads((config_dir() / "packs.json").read_text("utf-8")) == {"enabled": ["one", "two"]}


def test_packs_named_in_the_environment_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [written(tmp_path, "one"), written(tmp_path / "elsewhere", "two")]
    monkeypatch.setenv("VIDFLOW_PACKS", os.pathsep.join([*map(str, folders), " "]))
    registry = load_registry()
    assert not registry.broken
    assert {"one.make", "two.make", "trim"} <= set(registry.types())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDFLOW_PACKS", str(tmp_path / "gone"))
    (broken,) = load_registry().broken
    assert str(broken) == f"Pack 'gone' was skipped: there is no {tmp_path / 'gone' / '__init__.py'}."


# How one is loaded


def test_a_pack_of_several_modules_imports_them_relatively(tmp_path: Path) -> None:
    deep = (
        '"""Deep."""\nfrom vidflow.api import node\nfrom ..level import LEVEL\n\n@node(title="Low", category="Test")\n'
    )
    deep += 'def low() -> int:\n    """How deep."""\n    return LEVEL\n'
    folder = written(
        tmp_path, "mine", NODE + "from . import level\nfrom .deep import deeper\n", level='"""A level."""\nLEVEL = 7\n'
    )
    written(folder, "deep", '"""Deep."""\n', deeper=deep)
    low = next(spec for spec in load_pack(Pack("mine", folder=folder)) if spec.type == "mine.low")
    assert low.function() == 7


def test_a_node_that_is_imported_by_another_module_is_one_node(tmp_path: Path) -> None:
    other = '"""Other."""\nfrom . import nodes\nfrom .nodes import make\n'
    folder = written(tmp_path, "mine", '"""A pack."""\nfrom . import nodes, other\n', nodes=NODE, other=other)
    assert loaded(folder) == ["mine.make"]


def test_a_pack_takes_the_name_of_no_other_module(tmp_path: Path) -> None:
    before = sys.modules["json"]
    assert loaded(written(tmp_path, "json")) == ["json.make"]
    assert sys.modules["json"] is before
    assert sys.modules["vidflow_packs.json"].__file__ == str(tmp_path / "json" / "__init__.py")
    assert loaded(written(tmp_path, "colorsys")) == ["colorsys.make"]
    assert sys.modules.get("colorsys") is not sys.modules["vidflow_packs.colorsys"]


def test_the_folder_of_a_pack_is_not_put_on_the_path(tmp_path: Path) -> None:
    before = list(sys.path)
    folder = written(tmp_path, "mine", NODE + "import level\n", level='"""A level."""\n')
    assert "No module named 'level'" in said_of(folder)
    assert sys.path == before


def test_a_pack_that_was_edited_is_read_afresh(tmp_path: Path) -> None:
    folder = written(tmp_path, "mine", '"""A pack."""\nfrom . import nodes\n', nodes=NODE)
    assert loaded(folder) == ["mine.make"]
    # Of another length: what Python compiled is told from its source by time and size, and the time is in seconds.
    written(folder.parent, "mine", '"""A pack."""\nfrom . import nodes\n', nodes=NODE.replace("make", "remake"))
    assert loaded(folder) == ["mine.remake"]


def test_the_digest_changes_with_any_py_file_and_with_nothing_else(tmp_path: Path) -> None:
    def digest() -> str:
        return load_pack(Pack("mine", folder=folder))[0].digest

    folder = written(tmp_path, "mine", level='"""A level."""\nLEVEL = 7\n')
    first = digest()
    assert re.fullmatch("[0-9a-f]{32}", first)
    (folder / "notes.txt").write_text("other", "utf-8")
    assert digest() == first
    (folder / "level.py").write_text('"""A level."""\nLEVEL = 8\n', "utf-8")
    changed = digest()
    assert changed != first
    (folder / "level.py").rename(folder / "height.py")
    assert digest() not in (first, changed)
    (folder / "height.py").write_text('"""A level."""\nLEVEL = 7\n', "utf-8")
    (folder / "height.py").rename(folder / "level.py")
    assert digest() == first
    written(folder, "deep")
    assert digest() != first


def test_the_core_pack_is_known_by_its_versions_and_not_by_a_digest() -> None:
    assert {spec.digest for spec in load_pack(Pack("core", module="vidflow_nodes"))} == {""}


# What is said of one that cannot be loaded


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\ndef (\n", "SyntaxError: invalid syntax (__init__.py:2)"),
        ("\n\nimport absent_module\n", "ModuleNotFoundError: No module named 'absent_module' (__init__.py:3)"),
        ("\n1 / 0\n", "ZeroDivisionError: division by zero (__init__.py:2)"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3 (__init__.py:2)"),
        ("x = 1\n", "it has no function marked with @node."),
        (NODE.replace("int", "dict"), "make(value) has the type <class 'dict'>"),
        (NODE.replace("value: int", "value: 'list['"), "make: an annotation cannot be read"),
        (
            NODE.split("def")[0] + "class Make:\n    pass\n",
            "is no function; @node marks functions only.",
        ),
    ],
)
def test_a_broken_pack_says_what_is_wrong(tmp_path: Path, code: str, said: str) -> None:
    folder = written(tmp_path, "broken", code)
    assert said_of(folder).startswith("Pack 'broken' was skipped: ")
    assert said in said_of(folder)


def test_two_nodes_of_one_name_are_named(tmp_path: Path) -> None:
    folder = written(tmp_path, "broken", '"""A pack."""\nfrom . import one, two\n', one=NODE, two=NODE)
    assert said_of(folder).endswith("two of its nodes are called 'broken.make'.")


def test_a_bad_node_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    nodes = NODE + NODE.split("api import node\n")[1].replace("make", "other").replace("int", "dict")
    folder = written(tmp_path, "broken", '"""A pack."""\nfrom . import nodes\n', nodes=nodes)
    assert said_of(folder).endswith("(nodes.py:12)")


def test_an_error_in_a_module_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    folder = written(tmp_path, "broken", '"""A pack."""\nfrom . import level\n', level="x = 1\n\nx = y\n")
    assert said_of(folder).endswith("NameError: name 'y' is not defined (level.py:3)")


def test_a_pack_that_failed_can_be_loaded_once_mended(tmp_path: Path) -> None:
    folder = written(tmp_path, "mine", NODE + "1 / 0\n")
    said_of(folder)
    assert "vidflow_packs.mine" not in sys.modules
    written(tmp_path, "mine", NODE)
    assert loaded(folder) == ["mine.make"]


@pytest.mark.parametrize("name", ["my-pack", "1st", "my pack", "a.b"])
def test_a_folder_whose_name_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    assert said_of(written(tmp_path, name)).endswith("a pack's folder name consists of letters, digits and _ only.")


def test_no_other_pack_is_called_core(tmp_path: Path) -> None:
    folder = written(tmp_path, "core")
    assert said_of(folder).endswith(f"core is the pack that ships with vidflow; rename the folder {folder}.")


def test_a_broken_pack_is_named_and_the_others_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [written(tmp_path, "broken", "1 / 0\n"), written(tmp_path, "core"), written(tmp_path, "good")]
    monkeypatch.setenv("VIDFLOW_PACKS", os.pathsep.join(map(str, folders)))
    registry = load_registry()
    assert [error.pack for error in registry.broken] == ["broken", "core"]
    assert registry.broken[0].reason == "ZeroDivisionError: division by zero (__init__.py:1)"
    assert {"good.make", "trim", "concat"} <= set(registry.types())
    assert registry.get("core.make") is registry.get("make") is None


def test_of_two_packs_with_one_name_the_second_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [written(tmp_path / place, "mine", NODE.replace("make", place)) for place in ("here", "there")]
    monkeypatch.setenv("VIDFLOW_PACKS", os.pathsep.join(map(str, folders)))
    registry = load_registry()
    assert [str(error) for error in registry.broken] == [
        f"Pack 'mine' was skipped: another pack of that name was found before {folders[1]}."
    ]
    assert [type for type in registry.types() if type.startswith("mine.")] == ["mine.here"]


FAMILY = '''"""A family of models."""

from fractions import Fraction

from vidflow.api import models


class Tiny(models.family.Family):
    """Made of nothing."""

    name = "tiny"
    title = "Tiny"
    pipelines = {"text": "TinyPipeline"}
    rate = Fraction(8)
    size = (64, 64)
    frames = 8
    steps = 4
    guidance = 1.0


TINY = Tiny()
'''


def test_a_pack_may_bring_a_family_of_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vidflow.models import families
    from vidflow.models.checkpoint import Checkpoint

    monkeypatch.setattr(families, "_FOUND", {})
    assert loaded(written(tmp_path, "mine", FAMILY)) == []
    made = Checkpoint(tmp_path, "TinyPipeline", {}, {})
    assert families.family_of(made).title == "Tiny"
    assert families.family("tiny").modes(made) == ("text",)
    assert {"wan", "svd", "tiny"} <= {one.name for one in families.families()}
