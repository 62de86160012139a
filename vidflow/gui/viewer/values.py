"""What is no picture, as the viewer shows it: scores as bars, prompts as text, sound as a wave."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from vidflow.gui import theme
from vidflow.gui.telling import tell
from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.values import Audio

WAVE = 600
"""How many peaks a wave is drawn from."""


class Bar(QWidget):
    """A name, a bar of 0 to 1, and the number."""

    def __init__(self, name: str, value: float) -> None:
        super().__init__()
        self._name, self._value = name, value
        self.setAccessibleName(f"{name}: {value:.2f}")
        self.setToolTip(self.accessibleName())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(240, self.fontMetrics().height() + 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, now = QPainter(self), theme.now()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, line = QRectF(self.rect()), self.fontMetrics().height()
        text = f"{self._value:.2f}"
        painter.setFont(theme.font(theme.LABEL))
        painter.setPen(now.qcolor("text"))
        right = painter.fontMetrics().horizontalAdvance(text) + 8
        painter.drawText(QRectF(0, 0, box.width(), line), Qt.AlignmentFlag.AlignRight, text)
        name = painter.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideRight, int(box.width() - right))
        painter.setPen(now.qcolor("muted"))
        painter.drawText(QRectF(0, 0, box.width(), line), Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.qcolor("line"))
        groove = QRectF(0, line + 4, box.width(), 4)
        painter.drawRoundedRect(groove, 2, 2)
        painter.setBrush(now.qcolor("accent"))
        groove.setWidth(box.width() * min(1.0, max(0.0, self._value)))
        painter.drawRoundedRect(groove, 2, 2)


class Page(QScrollArea):
    """A column of headings, lines and bars, made anew for each value."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._begin()

    def _begin(self) -> None:
        self._inner = QWidget()
        self._inner.setProperty("role", "panel")
        self._column = QVBoxLayout(self._inner)
        self._column.setContentsMargins(16, 12, 16, 12)
        self._column.setSpacing(8)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setWidget(self._inner)

    def show_report(self, report: Mapping[str, Any]) -> None:
        """Scores as bars with their mean on top; whatever else is in a report as text."""
        self._begin()
        scores = report.get("scores")
        if isinstance(report.get("overall"), int | float):
            self._add_bar(tr("Overall"), float(report["overall"]))
        if isinstance(scores, Mapping):
            for name, value in scores.items():
                if isinstance(value, int | float):
                    self._add_bar(score_name(str(name)), float(value))
        missing = report.get("not_measured")
        if isinstance(missing, Mapping) and missing:
            self._add(tr("Not measured"), "muted")
            for name, reason in missing.items():
                self._add(f"{score_name(str(name))}: {reason}")
        rest = {name: value for name, value in report.items() if name not in ("scores", "overall", "not_measured")}
        for line in _lines(rest):
            self._add(line)

    def show_texts(self, texts: Mapping[str, str]) -> None:
        """Texts under their headings, which are left out where empty."""
        self._begin()
        for heading, text in texts.items():
            if heading:
                self._add(heading, "muted")
            self._add(text)

    def texts(self) -> str:
        """All that is written, for a reader of the screen."""
        found = [label.text() for label in self._inner.findChildren(QLabel)]
        return "\n".join([bar.accessibleName() for bar in self._inner.findChildren(Bar)] + found)

    def _add(self, text: str, role: str = "") -> None:
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if role:
            label.setProperty("role", role)
        self._column.addWidget(label)

    def _add_bar(self, name: str, value: float) -> None:
        self._column.addWidget(Bar(name, value))


class Wave(QWidget):
    """The loudest sample of each stretch of a sound, found on a thread, and what is known of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("wave")
        self._audio: Audio | None = None
        self.peaks: list[float] = []

    def show_audio(self, audio: Audio) -> None:
        """Show another sound."""
        self._audio, self.peaks = audio, []
        self.setAccessibleDescription(sound_line(audio))
        self.update()
        threading.Thread(target=self._listen, args=(audio,), name="viewer-wave", daemon=True).start()

    def _listen(self, audio: Audio) -> None:
        import numpy as np

        total = audio.info.samples
        reader = audio.open()
        peaks: list[float] = []
        try:
            for k in range(WAVE):
                block = reader.read(total * k // WAVE, total * (k + 1) // WAVE)
                peaks.append(float(np.abs(block).max()) if len(block) else 0.0)
                if self._audio is not audio:
                    return
            tell(self, self._take, audio, peaks)
        except Exception:  # noqa: BLE001 - the line below it still says what is known
            return
        finally:
            reader.close()

    def _take(self, audio: Audio, peaks: list[float]) -> None:
        if audio is self._audio:
            self.peaks = peaks
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, now = QPainter(self), theme.now()
        painter.fillRect(self.rect(), now.qcolor("panel"))
        if self._audio is None:
            return
        wide, high = self.width() - 32, self.height() - 32
        if wide < 1 or high < 1:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.wire("audio"))
        middle = 16 + high / 2
        for x in range(wide):
            peak = self.peaks[x * len(self.peaks) // wide] if self.peaks else 0.0
            tall = max(1.0, min(1.0, peak) * high)
            painter.drawRect(QRectF(16 + x, middle - tall / 2, 1, tall))


def sound_line(audio: Audio) -> str:
    """Length, rate and layout of a sound."""
    info = audio.info
    return tr("{:.2f} s, {} Hz, {}").format(float(info.duration), info.rate, info.layout)


def score_name(name: str) -> str:
    """The word for a score of `score_quality`; another pack's as it stands."""
    known = {
        "temporal_consistency": tr("Temporal consistency"),
        "motion_quality": tr("Motion quality"),
        "artifact_score": tr("Artefacts"),
        "prompt_alignment": tr("Prompt alignment"),
    }
    return known.get(name, name.replace("_", " ").capitalize())


def texts_of(value: Any) -> dict[str, str]:
    """A value that is neither picture, report nor sound, as texts under their headings."""
    kind = type(value).__name__
    if kind == "Prompt":
        return {tr("Prompt"): value.text, **({tr("Negative prompt"): value.negative} if value.negative else {})}
    if kind == "Model":
        return {tr("Model"): value.name, tr("Family"): value.family}
    if kind == "Latents":
        return {tr("Latents"): " x ".join(map(str, value.tensor.shape))}
    if kind == "Conditioning":
        shapes = [f"{name}: {' x '.join(map(str, one.shape))}" for name, one in value.tensors.items()]
        return {tr("Conditioning"): "\n".join(shapes)}
    if isinstance(value, list):
        return {"": "\n".join(_short(one) for one in value)}
    return {"": _short(value)}


def _lines(values: Mapping[str, Any], before: str = "") -> list[str]:
    """A mapping of JSON values as lines, those in it with its name before theirs."""
    found: list[str] = []
    for name, value in values.items():
        title = f"{before}{score_name(str(name))}"
        if isinstance(value, Mapping):
            found.extend(_lines(value, f"{title}: "))
        else:
            found.append(f"{title}: {value:.4g}" if isinstance(value, float) else f"{title}: {_short(value)}")
    return found


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 2000 else f"{text[:2000]}…"
