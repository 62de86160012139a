"""Icons: Phosphor's, through QtAwesome, which is imported once the window is there, as it takes a while."""

from __future__ import annotations

import os
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSize

from vidflow.gui import theme

if TYPE_CHECKING:
    from PySide6.QtGui import QIcon, QPixmap

_bearers: dict[int, tuple[weakref.ref[QObject], str, str]] = {}
_loaded: list[Any] = []


def on(bearer: Any, name: str, token: str = "muted") -> None:
    """Put the icon `name` on an action or a button, in the colour `token` of the theme, now or as soon as there are
    icons, and again when the theme changes."""
    key = id(bearer)
    _bearers[key] = (weakref.ref(bearer, lambda _: _bearers.pop(key, None)), name, token)
    if _loaded:
        _dress(bearer, name, token)


def load() -> None:
    """Have icons from now on: called once, when the window is on the screen."""
    if _loaded:
        return
    os.environ["QT_API"] = "pyside6"
    import qtawesome

    _loaded.append(qtawesome)
    theme.look.changed.connect(_again)
    _again()


def icon(name: str, token: str = "muted") -> QIcon | None:
    """The icon `name` in a colour of the theme; None before there are icons."""
    if not _loaded:
        return None
    return _icon(name, getattr(theme.now(), token), theme.now().on_accent, theme.now().hint)


def pixmap(name: str, size: int, token: str = "muted", ratio: float = 1.0) -> QPixmap | None:
    """The icon `name`, `size` pixels wide at 100 %; None before there are icons."""
    found = icon(name, token)
    return None if found is None else _pixmap(found, size, ratio)


def _pixmap(found: QIcon, size: int, ratio: float) -> QPixmap:
    key = (found.cacheKey(), size, ratio)
    if key not in _pixmaps:
        _pixmaps[key] = found.pixmap(QSize(size, size), ratio)
    return _pixmaps[key]


_pixmaps: dict[tuple[int, int, float], QPixmap] = {}


@cache
def _icon(name: str, colour: str, active: str, disabled: str) -> QIcon:
    return _loaded[0].icon(f"ph.{name}", color=colour, color_selected=active, color_disabled=disabled)


def _dress(bearer: Any, name: str, token: str) -> None:
    found = icon(name, token)
    if found is not None:
        bearer.setIcon(found)


def _again() -> None:
    for reference, name, token in list(_bearers.values()):
        bearer = reference()
        if bearer is not None:
            try:
                _dress(bearer, name, token)
            except RuntimeError:  # Qt has deleted its part already
                _bearers.pop(id(bearer), None)
