"""The QApplication: how it looks and which language it speaks."""

from __future__ import annotations

import os
import sys
import warnings
from typing import cast

# Qt.py, which NodeGraphQt imports, is told which Qt there is before anything imports it.
os.environ["QT_PREFERRED_BINDING"] = "PySide6"
warnings.filterwarnings("ignore", module=r"(Qt|NodeGraphQt|qtpy|distutils)(\.|$)")

from PySide6.QtCore import QLoggingCategory, Qt  # noqa: E402
from PySide6.QtGui import QGuiApplication  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from vidflow.gui import theme, words  # noqa: E402


def application() -> QApplication:
    """The application, made at the first call."""
    app = cast("QApplication | None", QApplication.instance())
    if app is None:
        # OpenCV's other wheel leaves the path of its own Qt there, which breaks every other one.
        os.environ.pop("QT_QPA_PLATFORM_PLUGIN_PATH", None)
        # A system without PipeWire is said so at each start, though the sound plays by other ways.
        QLoggingCategory.setFilterRules("qt.multimedia.symbolsresolver=false\nqt.multimedia.ffmpeg.info=false")
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        app = QApplication(sys.argv[:1])
    if app.property("vidflow") is None:
        app.setProperty("vidflow", True)
        app.setApplicationName("vidflow")
        app.setApplicationDisplayName("vidflow")
        app.setDesktopFileName("vidflow")
        words.install(app)
        theme.put_on(app, theme.wanted())
        app.styleHints().colorSchemeChanged.connect(lambda _: dress())
    return app


def dress() -> None:
    """Put on the theme and the language that are wanted now."""
    app = cast("QApplication", QApplication.instance())
    words.install(app)
    theme.put_on(app, theme.wanted())
