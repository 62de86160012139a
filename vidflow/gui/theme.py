"""How the window looks: colours as tokens, one table per theme, and the style sheet that reads them.

The palette, the style sheet on Fusion and every painted item take their colours from `now()`. The values were measured:
text at least 10.5:1 on its ground, muted text, accent and states 4.6:1, hints 3.9:1, wires 3:1 on the canvas and
apart from each other for all kinds of sight (tests/gui/test_theme.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from vidflow.gui.preferences import chosen
from vidflow.gui.styling import style_sheet


@dataclass(frozen=True)
class Theme:
    """The tokens of one theme, as `#rrggbb`."""

    name: str
    window: str
    canvas: str
    panel: str
    raised: str
    line: str
    text: str
    muted: str
    hint: str
    accent: str
    on_accent: str
    ok: str
    warn: str
    error: str
    wires: Mapping[str, str]
    surround: str = "#1A1A1A"
    """Around a picture, the same in every theme: a tint would change how its colours look."""
    surround_grey: str = "#777777"
    surround_black: str = "#000000"
    on_surround: str = "#C9CDD3"

    def qcolor(self, token: str, alpha: float = 1.0) -> QColor:
        """The colour of a token."""
        return _qcolor(getattr(self, token), alpha)

    def wire(self, type: str) -> QColor:
        """The colour of a type on a wire; plain values share one."""
        return _qcolor(self.wires.get(type, self.wires["value"]), 1.0)


@cache
def _qcolor(name: str, alpha: float) -> QColor:
    colour = QColor(name)
    colour.setAlphaF(alpha)
    return colour


DARK = Theme(
    name="dark",
    window="#202327",
    canvas="#1B1D21",
    panel="#25282D",
    raised="#2D3137",
    line="#3A3F47",
    text="#E4E7EB",
    muted="#A0A7B1",
    hint="#868E99",
    accent="#529EFF",
    on_accent="#0F1216",
    ok="#4FB286",
    warn="#E0A82E",
    error="#F2777A",
    wires={
        "video": "#7C9CFF",
        "image": "#217879",
        "audio": "#F2931D",
        "prompt": "#9B978D",
        "conditioning": "#CF3D15",
        "latents": "#F0AECE",
        "model": "#8A60CC",
        "report": "#A2EC7D",
        "value": "#E9F0F4",
    },
)
LIGHT = Theme(
    name="light",
    window="#F4F5F6",
    canvas="#EEF0F2",
    panel="#FFFFFF",
    raised="#F0F1F3",
    line="#D0D4D9",
    text="#1D2126",
    muted="#555D68",
    hint="#6A727E",
    accent="#1A63C6",
    on_accent="#FFFFFF",
    ok="#1B7350",
    warn="#805700",
    error="#B82F35",
    wires={
        "video": "#1A5EB3",
        "image": "#002B43",
        "audio": "#854C00",
        "prompt": "#7A766F",
        "conditioning": "#4A0000",
        "latents": "#5D0E81",
        "model": "#AA6FD8",
        "report": "#559B29",
        "value": "#47515B",
    },
)

BODY, LABEL, CAPTION, HEADING = 13, 12, 11, 15
"""Sizes of type in pixels at 100 %."""
_FALLBACKS = ("Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI", "Meiryo")


class _Look(QObject):
    """Tells who paints that the theme has changed."""

    changed = Signal()


look = _Look()
_current = DARK


def now() -> Theme:
    """The theme that is on."""
    return _current


def wanted() -> Theme:
    """The theme that the user chose, else the one that the system is in."""
    choice = chosen("theme", "system")
    if choice == "system":
        light = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
        return LIGHT if light else DARK
    return LIGHT if choice == "light" else DARK


def put_on(app: QApplication, theme: Theme) -> None:
    """Dress the whole application in `theme`."""
    global _current
    _current = theme
    app.setStyle("Fusion")
    app.setFont(font(BODY))
    app.setPalette(_palette(theme))
    app.setStyleSheet(style_sheet(theme))
    look.changed.emit()


@cache
def font(pixels: int, bold: bool = False) -> QFont:
    """The system's own font at a size, with what Japanese needs behind it, and figures of one width."""
    face = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    face.setFamilies([*dict.fromkeys([face.family(), *_FALLBACKS])])
    face.setPixelSize(pixels)
    face.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    face.setFeature(QFont.Tag("tnum"), 1)
    return face


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, token in {
        roles.Window: "window",
        roles.WindowText: "text",
        roles.Base: "panel",
        roles.AlternateBase: "raised",
        roles.Text: "text",
        roles.Button: "raised",
        roles.ButtonText: "text",
        roles.BrightText: "error",
        roles.ToolTipBase: "raised",
        roles.ToolTipText: "text",
        roles.PlaceholderText: "hint",
        roles.Highlight: "accent",
        roles.HighlightedText: "on_accent",
        roles.Link: "accent",
        roles.Light: "raised",
        roles.Midlight: "raised",
        roles.Mid: "line",
        roles.Dark: "line",
        roles.Shadow: "canvas",
    }.items():
        palette.setColor(role, theme.qcolor(token))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, theme.qcolor("hint"))
    return palette
