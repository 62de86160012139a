"""The themes measured: contrast, colours for all kinds of sight, no colour but the tokens'."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLineEdit, QToolButton

from vidflow.gui import icons
from vidflow.gui.theme import DARK, LIGHT, Theme

GUI = Path(__file__).resolve().parents[2] / "vidflow" / "gui"
THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
GROUNDS = ("window", "canvas", "panel", "raised")
# What is missing of each kind of cone (Machado, Oliveira and Fernandes 2009, severity 1), on linear RGB.
SIGHTS = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> tuple[float, ...]:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def contrast(one: str, other: str) -> float:
    light, dark = sorted(
        (sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True)) for x in (one, other)),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


def oklab(rgb: tuple[float, ...]) -> tuple[float, ...]:
    r, g, b = (max(0.0, part) for part in rgb)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


@THEMES
def test_text_is_readable_on_every_ground(theme: Theme) -> None:
    for token, least in {
        "text": 10.5,
        "muted": 4.6,
        "accent": 4.6,
        "ok": 4.6,
        "warn": 4.6,
        "error": 4.6,
        "hint": 3.9,
    }.items():
        for ground in GROUNDS:
            measured = contrast(getattr(theme, token), getattr(theme, ground))
            assert measured >= least, f"{token} on {ground}: {measured:.2f}"
    assert contrast(theme.on_accent, theme.accent) >= 4.6
    assert contrast(theme.on_surround, theme.surround) >= 4.6


@THEMES
@pytest.mark.parametrize("sight", SIGHTS)
def test_wires_stand_out_and_apart_for_all_kinds_of_sight(theme: Theme, sight: str) -> None:
    def seen(colour: str) -> tuple[float, ...]:
        rgb = linear(colour)
        return oklab(tuple(sum(w * c for w, c in zip(row, rgb, strict=True)) for row in SIGHTS[sight]))

    for name, colour in theme.wires.items():
        assert contrast(colour, theme.canvas) >= 3, name
    for (one, a), (other, b) in itertools.combinations(theme.wires.items(), 2):
        distance = sum((x - y) ** 2 for x, y in zip(seen(a), seen(b), strict=True)) ** 0.5
        assert distance >= 0.09, f"{one} and {other}: {distance:.3f}"


def test_the_viewer_s_surround_is_neutral_in_both_themes() -> None:
    for theme in (DARK, LIGHT):
        red, green, blue = (theme.surround[k : k + 2] for k in (1, 3, 5))
        assert red == green == blue
    assert DARK.surround == LIGHT.surround


def test_no_colour_stands_anywhere_but_in_the_theme() -> None:
    named = re.compile(
        r"QColor\((?!\*|self|colour|str\(self)|GlobalColor\.(?!transparent)|\"#[0-9a-fA-F]{3,8}\"|rgba?\("
    )
    for path in GUI.rglob("*.py"):
        if path.name == "theme.py":
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            assert not named.search(line), f"{path.relative_to(GUI)}:{number}: {line.strip()}"


def test_every_icon_that_is_named_is_there() -> None:
    import json

    import qtawesome

    from vidflow.gui.canvas.face import ICONS
    from vidflow.gui.canvas.node import GLYPHS
    from vidflow.gui.commands import COMMANDS

    (table,) = (Path(qtawesome.__file__).parent / "fonts").glob("phosphor-charmap-*.json")
    there = set(json.loads(table.read_text("utf-8")))
    called = re.compile(r"icons\.(?:on|icon|pixmap)\([^\"\n]*\"([a-z-]+)\"")
    named = {name for path in GUI.rglob("*.py") for name in called.findall(path.read_text("utf-8"))}
    named |= set(ICONS.values()) | {one.icon for one in COMMANDS} | {name for name, _ in GLYPHS.values()}
    assert len(named) > 50
    assert sorted(named - there - {""}) == []


def test_what_empties_a_line_stands_in_its_middle(qapp: Any, qtbot: Any) -> None:
    line = QLineEdit("words")
    line.setClearButtonEnabled(True)
    qtbot.addWidget(line)
    line.resize(200, 30)
    line.show()
    qtbot.waitExposed(line)
    (button,) = line.findChildren(QToolButton)
    assert abs(button.geometry().center().y() - line.rect().center().y()) <= 1


def test_an_icon_is_seen_on_the_row_that_is_chosen(qapp: Any) -> None:
    icons.load()
    found = icons.icon("scissors")
    assert found is not None
    images = [found.pixmap(16, mode=mode).toImage() for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected)]
    assert images[0] != images[1]
