"""What the editor remembers of its user: the layout of its window, recent files, keys, theme and language."""

from __future__ import annotations

from PySide6.QtCore import QSettings

from vidflow.places import config_dir


def preferences() -> QSettings:
    """The user's choices, in `editor.ini` of the folder of configuration."""
    return QSettings(str(config_dir() / "editor.ini"), QSettings.Format.IniFormat)


def chosen(key: str, default: str) -> str:
    """A choice that is text."""
    value = preferences().value(key, default)
    return value if isinstance(value, str) else default
