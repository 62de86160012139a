"""The welcome page: the sample graphs as pictures, recent files, what this machine has, and where models are."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from vidflow.errors import GraphError
from vidflow.graph import Graph, load
from vidflow.gui import icons, theme
from vidflow.gui.panels.library import library
from vidflow.gui.panels.pieces import Elided, button, emptied, label, size_text
from vidflow.gui.problemwords import whole
from vidflow.gui.recovery import recent_files
from vidflow.gui.running import Runner
from vidflow.gui.session import Session
from vidflow.gui.telling import tell
from vidflow.gui.words import said, tr
from vidflow.nodespec.hints import Weights
from vidflow.places import samples

NARROWEST = 160
"""Pixels that a card needs."""
GAP = 12
FIRST = "first_film"


@dataclass(frozen=True, slots=True)
class Need:
    """A model that a graph names, as `vidflow models fetch` is told."""

    name: str
    revision: str | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample graph."""

    path: Path
    graph: Graph
    needs: tuple[Need, ...]

    @property
    def picture(self) -> Path:
        """Where its picture lies, if it has one."""
        return self.path.parent / "pictures" / f"{self.path.stem}.jpg"


class Welcome(QScrollArea):
    """The page. What is to be opened is told by `open_asked`, a new graph by `new_asked`."""

    open_asked = Signal(str)
    new_asked = Signal()

    def __init__(self, session: Session, runner: Runner) -> None:
        super().__init__()
        self.setObjectName("welcome")
        self.session = session
        self.runner = runner
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._machine: list[str] = []
        self._asked = False
        self._recent_shown: list[Path] = []
        self.cards: list[Card] = []
        self._samples = self._found()
        library().listed.connect(self._on_models)
        self._build()

    def _found(self) -> list[Sample]:
        found: list[Sample] = []
        for path in sorted(samples().glob("*.json")):
            try:
                graph = load(path)
            except GraphError as error:
                self.session.message.emit("warn", whole(error.problems[0]))
                continue
            found.append(Sample(path, graph, self._needs(graph)))
        found.sort(key=lambda one: (bool(one.needs), one.path.stem != FIRST, one.path.stem))
        return found

    def _needs(self, graph: Graph) -> tuple[Need, ...]:
        """The models of the hub that a graph names, in its subgraphs too."""
        found: dict[str, Need] = {}
        for nodes in (graph.nodes, *(part.nodes for part in graph.graphs.values())):
            for node in nodes.values():
                spec = self.session.types.get(node.type)
                for each in spec.inputs if spec is not None else ():
                    name = node.inputs.get(each.name)
                    if not isinstance(each.hint, Weights) or not isinstance(name, str) or name in each.hint.own:
                        continue
                    if name.count("/") != 1:
                        continue
                    revision, variant = (node.inputs.get(key) for key in (each.hint.revision, each.hint.variant))
                    found[name] = Need(
                        name,
                        revision if isinstance(revision, str) else None,
                        variant if isinstance(variant, str) else None,
                    )
        return tuple(found.values())

    # The page

    def _build(self) -> None:
        self.setAccessibleName(tr("Welcome"))
        body = QWidget()
        body.setObjectName("canvas_page")
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(label("vidflow", "heading"))
        column.addWidget(label(tr("Films from clips, pictures and models, as a graph of nodes."), "muted", wrap=True))
        column.addSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.new_button = button(tr("New graph"), self.new_asked.emit)
        self.new_button.setProperty("primary", True)
        self.open_button = button(tr("Open…"), self._open)
        row.addWidget(self.new_button)
        row.addWidget(self.open_button)
        row.addStretch(1)
        column.addLayout(row)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        column.addLayout(self._recent)
        self.cards = [Card(self, one) for one in self._samples]
        self._groups: list[_Cards] = []
        plain = [card for card in self.cards if not card.sample.needs]
        generating = [card for card in self.cards if card.sample.needs]
        for title, cards in (
            (tr("Samples to begin with"), plain),
            (tr("Samples that generate with a model"), generating),
        ):
            column.addSpacing(16)
            column.addWidget(label(title, "heading"))
            group = _Cards(cards)
            self._groups.append(group)
            column.addWidget(group)
        column.addSpacing(16)
        column.addWidget(label(tr("This machine"), "heading"))
        self.machine = label("", "muted", wrap=True)
        column.addWidget(self.machine)
        self.models = label("", "muted", wrap=True)
        column.addWidget(self.models)
        column.addStretch(1)
        self.setWidget(body)
        self._recent_shown = []
        self._show_recent()
        self._show_machine()
        self._on_models()

    def _open(self) -> None:
        from PySide6.QtWidgets import QFileDialog

        found, _ = QFileDialog.getOpenFileName(
            self, tr("Open"), str(Path.home()), "vidflow (*.json *.mp4 *.mov *.mkv *.webm *.webp *.gif)"
        )
        if found:
            self.open_asked.emit(found)

    def _arrange(self) -> None:
        for group in self._groups:
            group.arrange(self.viewport().width() - 32)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_recent()
        library().refresh()
        if not self._asked:
            self._asked = True
            threading.Thread(target=self._measure, name="machine", daemon=True).start()

    def _show_recent(self) -> None:
        found = recent_files()[:6]
        if found == self._recent_shown:
            return
        self._recent_shown = found
        emptied(self._recent)
        self._recent.addSpacing(16)
        self._recent.addWidget(label(tr("Recent files"), "heading"))
        self._recent.addSpacing(4)
        for path in found:
            row = QHBoxLayout()
            row.setSpacing(8)
            go = partial(self.open_asked.emit, str(path))
            row.addWidget(button(path.name, go, name=tr("Open {}").format(path.name), flat=True))
            row.addWidget(Elided(str(path.parent), "hint", Qt.TextElideMode.ElideMiddle), 1)
            self._recent.addLayout(row)

    # The machine and its models

    def _measure(self) -> None:
        from vidflow.engine.device import device_kind, device_name
        from vidflow.models.machine import gpu_memory, memory

        found: list[str] = [
            str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        ]
        found.append(size_text(memory()))
        gpu = gpu_memory()
        if gpu is not None and device_kind("auto") == "cuda":
            found += [device_name("cuda") or "", size_text(gpu)]
        tell(self, self._take_machine, found)

    def _take_machine(self, found: list[str]) -> None:
        self._machine = found
        self._show_machine()

    def _show_machine(self) -> None:
        if not self._machine:
            self.machine.setText(tr("Looking…"))
            return
        cores, memory, *gpu = self._machine
        lines = [tr("{} CPU cores, {} of memory.").format(cores, memory)]
        if gpu:
            lines.append(tr("GPU: {}, {}.").format(gpu[0] or "NVIDIA", gpu[1]))
        else:
            lines.append(tr("No NVIDIA GPU was found: models run on the CPU, which takes very long."))
        self.machine.setText("\n".join(lines))

    def _on_models(self) -> None:
        here = library()
        if here.known:
            from vidflow.models.hubcache import hub_cache

            names = here.names()
            count = tr("{} models are here").format(len(names)) if names else tr("No model has been fetched yet")
            self.models.setText(tr("{}; fetched models lie in {}.").format(count, hub_cache()))
        for card in self.cards:
            card.refresh()
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._build()


class _Cards(QWidget):
    """Cards in columns, as many as there is room for, those of a row equally high.

    Qt's grid asks for the height that words need at their narrowest, which leaves the page half empty.
    """

    def __init__(self, cards: list[Card]) -> None:
        super().__init__()
        self._cards = cards
        for card in cards:
            card.setParent(self)
            card.grew.connect(lambda: self.arrange(self.width()))

    def arrange(self, width: int) -> None:
        """Lay them out in `width` pixels."""
        columns = max(1, min(5, (width + GAP) // (NARROWEST + GAP)))
        each = (width - GAP * (columns - 1)) // columns
        top = 0
        for first in range(0, len(self._cards), columns):
            row = self._cards[first : first + columns]
            height = max(card.height_in(each) for card in row)
            for place, card in enumerate(row):
                card.setGeometry(place * (each + GAP), top, each, height)
            top += height + GAP
        self.setFixedHeight(max(0, top - GAP))


class Card(QFrame):
    """A sample: its picture, what it is, and the models that it needs. A click opens it."""

    grew = Signal()
    """It needs another height."""

    def __init__(self, page: Welcome, sample: Sample) -> None:
        super().__init__()
        self.page = page
        self.sample = sample
        view = sample.graph.view
        title = said(view.get("title")) or sample.path.stem.replace("_", " ")
        self.setProperty("role", "card")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Open the sample {}").format(title))
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 8)
        column.setSpacing(4)
        self.picture = _Picture(sample.picture)
        column.addWidget(self.picture)
        words = QVBoxLayout()
        words.setContentsMargins(8, 4, 8, 0)
        words.setSpacing(4)
        name = label(title, wrap=True)
        name.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        about = label(said(view.get("about")), "muted", wrap=True)
        about.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        about.setFont(theme.font(theme.CAPTION))
        words.addWidget(name)
        words.addWidget(about)
        self.badges = [_Badge(need) for need in sample.needs]
        for badge in self.badges:
            badge.changed.connect(self.grew)
            words.addWidget(badge)
        words.addStretch(1)
        column.addLayout(words, 1)

    def height_in(self, width: int) -> int:
        """How high it is, `width` pixels wide."""
        self.picture.fit(width - 2)
        layout = self.layout()
        assert layout is not None
        layout.invalidate()
        return layout.totalHeightForWidth(width)

    def refresh(self) -> None:
        """Look again which models are here."""
        for badge in self.badges:
            badge.refresh()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._go()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._go()
        else:
            super().keyPressEvent(event)

    def _go(self) -> None:
        self.page.open_asked.emit(str(self.sample.path))


class _Picture(QWidget):
    """A picture as wide as the card, 16:9, with its upper corners round; a mark where there is none."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._picture = QPixmap(str(path)) if path.is_file() else QPixmap()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def fit(self, width: int) -> None:
        """Take the height that belongs to a width."""
        # Without a picture only a strip: an empty surface says nothing.
        self.setFixedHeight(width * 9 // 16 if not self._picture.isNull() else 56)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect())
        path = QPainterPath()
        path.addRoundedRect(box.adjusted(0, 0, 0, 8), 5, 5)
        painter.setClipPath(path)
        if not self._picture.isNull():
            painter.drawPixmap(box, self._picture, QRectF(self._picture.rect()))
            return
        painter.fillRect(box, theme.now().qcolor("raised"))
        mark = icons.pixmap("sparkle", 24, "hint", self.devicePixelRatioF())
        if mark is not None:
            painter.drawPixmap(QRectF(box.center().x() - 12, box.center().y() - 12, 24, 24), mark, QRectF(mark.rect()))


class _Badge(QWidget):
    """A model that a sample needs: whether it is here, and else getting it, once its size and licence are known."""

    changed = Signal()

    def __init__(self, need: Need) -> None:
        super().__init__()
        self.need = need
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        self.words = label("", "warn", wrap=True)
        self.words.setFont(theme.font(theme.CAPTION))
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        column.addWidget(self.words)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of {}").format(need.name))
        column.addWidget(self.bar)
        row = QHBoxLayout()
        row.setSpacing(4)
        self.get = button("", self._get)
        self.stop = button(tr("Cancel"), lambda: library().stop(need.name), name=tr("Cancel {}").format(need.name))
        row.addWidget(self.get)
        row.addWidget(self.stop)
        row.addStretch(1)
        column.addLayout(row)
        library().advanced.connect(self._on_news)
        library().ended.connect(self._on_news)
        self.refresh()

    def _on_news(self, name: str) -> None:
        if name == self.need.name:
            self.refresh()
            self.changed.emit()

    def _get(self) -> None:
        here = library()
        fetch = here.fetches.get(self.need.name)
        if fetch is None:
            here.fetch(self.need.name, self.need.revision, self.need.variant)
        elif fetch.asks:
            here.agree(self.need.name)

    def refresh(self) -> None:
        """Say how it stands."""
        here, name = library(), self.need.name
        fetch = here.fetches.get(name)
        there = next((one for one in here.models if one.name == name and one.lacks is None), None)
        half = next((one for one in here.models if one.name == name and one.lacks is not None), None)
        error = here.failed.get(name, "")
        role = "warn"
        get = tr("Get")
        if there is not None:
            words = tr("{} is here: {}, {}").format(name, size_text(there.size), there.licence.name)
            role = "hint"
        elif fetch is None:
            words = error or tr("Needs {}").format(name)
            role = "error" if error else "warn"
            if half is not None and not error:
                words = tr("Needs {}, of which {} are here").format(name, size_text(half.size))
                get = tr("Go on")
        elif fetch.size is None:
            words, role = tr("Asking the hub for {}").format(name), "muted"
        elif fetch.asks:
            words = tr("{}: {} to fetch, licence {}").format(name, size_text(fetch.missing), fetch.licence)
            get = tr("Download")
        else:
            words, role = tr("{}: {} of {}").format(name, size_text(fetch.done), size_text(fetch.size)), "muted"
        if self.words.property("role") != role:
            self.words.setProperty("role", role)
            self.words.style().unpolish(self.words)
            self.words.style().polish(self.words)
        self.words.setText(words)
        self.bar.setVisible(fetch is not None and not fetch.asks)
        self.bar.setRange(0, 1000 if fetch is not None and fetch.size is not None else 0)
        if fetch is not None and fetch.size:
            self.bar.setValue(round(1000 * min(1.0, fetch.done / fetch.size)))
        self.get.setText(get)
        self.get.setAccessibleName(f"{get} {name}")
        self.get.setVisible(there is None and (fetch is None or fetch.asks))
        self.stop.setVisible(fetch is not None)
