"""The main window: the canvas with the viewer beside it, the panels around, and the commands that they share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QPoint, QPointF, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QCursor, QDesktopServices
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vidflow import __version__
from vidflow.graph import Graph
from vidflow.gui import application, icons
from vidflow.gui.banner import Banner
from vidflow.gui.canvas.face import Port
from vidflow.gui.canvas.search import Entry, Search
from vidflow.gui.canvas.view import Canvas
from vidflow.gui.commands import ALIGNING, BREAK, COMMANDS, MENUS, TOOLBAR, Command, keys_of
from vidflow.gui.contextmenu import context_menu
from vidflow.gui.editing import Editing
from vidflow.gui.filing import Filing
from vidflow.gui.panels.log import Log
from vidflow.gui.panels.palette import Palette
from vidflow.gui.panels.problems import Problems
from vidflow.gui.panels.runs import Runs
from vidflow.gui.panels.settings import Settings
from vidflow.gui.panels.welcome import Welcome
from vidflow.gui.preferences import chosen, preferences
from vidflow.gui.recovery import Keeper
from vidflow.gui.running import Runner
from vidflow.gui.session import Session
from vidflow.gui.stills import Stills
from vidflow.gui.thumbnails import Thumbnails
from vidflow.gui.viewer.player import Player
from vidflow.gui.viewer.source import Source
from vidflow.gui.viewer.timeline import Timeline
from vidflow.gui.viewer.viewer import Viewer
from vidflow.gui.words import later as _
from vidflow.gui.words import tr

LAYOUT = 1
"""Raised where the docks change, so that an old layout is not put back."""


class Window(QMainWindow):
    """The editor's window, with one document."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("window")
        self.session = Session()
        self.runner = Runner(self.session)
        self.canvas = Canvas(self.session)
        self.editing = Editing(self.session, self.canvas)
        self.thumbs = Thumbnails(self)
        self.stills = Stills(self.session, self.runner, self.canvas, self.thumbs)
        self.keeper = Keeper(self.session, self.runner)
        self.filing = Filing(self)
        self.actions_by_name: dict[str, QAction] = {}
        self._search = Search(self)
        self._make_actions()
        self._make_parts()
        self._make_menus()
        self._wire_up()
        self._speak()
        self._lay_out()

    @property
    def document(self) -> Graph:
        """The open document, as it is now."""
        return self.session.graph

    # Making it

    def _does(self) -> dict[str, Callable[[], object]]:
        """What the commands do that are no more than a call; the others have a method of their own."""
        return {
            "new": lambda: self.filing.start_empty(),
            "open": lambda: self.filing.ask_open(),
            "save": lambda: self.filing.save(),
            "save_as": lambda: self.filing.save_as(),
            "quit": lambda: self.close(),
            "undo": lambda: self.session.undo(),
            "redo": lambda: self.session.redo(),
            "cut": lambda: self.editing.cut(),
            "copy": lambda: self.editing.copy(),
            "duplicate": lambda: self.editing.duplicate(),
            "delete": lambda: self.editing.delete(),
            "dissolve": lambda: self.editing.delete(heal=True),
            "select_all": lambda: self.session.select(self.session.nodes),
            "play": lambda: self.player.toggle(),
            "toggle_off": lambda: self.editing.toggle_off(),
            "group": lambda: self.editing.group(),
            "ungroup": lambda: self.editing.ungroup(),
            "leave": lambda: self.session.leave(),
            "frame": lambda: self.editing.frame(),
            "arrange": lambda: self.editing.arrange(),
            "align_left": lambda: self.editing.align("left"),
            "align_right": lambda: self.editing.align("right"),
            "align_top": lambda: self.editing.align("top"),
            "align_bottom": lambda: self.editing.align("bottom"),
            "spread_across": lambda: self.editing.align("across"),
            "spread_down": lambda: self.editing.align("down"),
            "fit_selection": lambda: self.canvas.fit(self.session.selection),
            "fit": lambda: self.canvas.fit(),
            "zoom_in": lambda: self.canvas.zoom_by(1.25),
            "zoom_out": lambda: self.canvas.zoom_by(0.8),
            "zoom_reset": lambda: self.canvas.zoom_by(1 / self.canvas.zoom),
            "welcome": lambda: self.pages.setCurrentWidget(self.welcome),
            "run_selected": lambda: self.runner.run([self.session.flat(id) for id in self.session.selection]),
            "cancel": lambda: self.runner.cancel(),
        }

    def _make_actions(self) -> None:
        does = self._does()
        for command in COMMANDS:
            action = QAction(self)
            action.setObjectName(command.name)
            action.setCheckable(command.checkable)
            action.setProperty("title", command.title)
            if command.icon:
                icons.on(action, command.icon)
            context = (
                Qt.ShortcutContext.WidgetWithChildrenShortcut if command.canvas else Qt.ShortcutContext.WindowShortcut
            )
            action.setShortcutContext(context)
            (self.canvas if command.canvas else self).addAction(action)
            self.actions_by_name[command.name] = action
            slot = does.get(command.name) or getattr(self, f"do_{command.name}")
            # What is being typed on the canvas counts before any command: a save, a run.
            action.triggered.connect(lambda _=False, slot=slot: (self.canvas.editor.close(), slot()))
        self.set_keys()

    def set_keys(self) -> None:
        """Put the keys on the commands that the user wants there."""
        for command in COMMANDS:
            self.actions_by_name[command.name].setShortcuts(keys_of(command))

    def _make_parts(self) -> None:
        session, runner = self.session, self.runner
        self.palette_panel = Palette(session)
        self.settings_panel = Settings(session)
        self.source = Source(session, runner)
        self.player = Player(self.source)
        self.viewer = Viewer(self.source, self.player)
        self.timeline = Timeline(self.source, self.player)
        self.problems = Problems(session)
        self.runs = Runs(session, runner)
        self.log = Log(session, runner)
        self.welcome = Welcome(session, runner)
        self.crumbs = QFrame()
        self.crumbs.setProperty("role", "banner")
        QHBoxLayout(self.crumbs).setContentsMargins(8, 4, 8, 4)
        column = QWidget()
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.crumbs)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.canvas)
        self.pages.addWidget(self.welcome)
        rows.addWidget(self.pages, 1)
        self.banner = Banner(column)
        self.setCentralWidget(column)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("reports")
        self.tabs.setDocumentMode(True)
        for part in (self.runs, self.problems, self.log):
            self.tabs.addTab(part, "")
        self.docks: dict[str, QDockWidget] = {}
        for name, part, area in (
            ("palette_dock", self.palette_panel, Qt.DockWidgetArea.LeftDockWidgetArea),
            ("viewer_dock", self.viewer, Qt.DockWidgetArea.RightDockWidgetArea),
            ("settings_dock", self.settings_panel, Qt.DockWidgetArea.RightDockWidgetArea),
            ("timeline_dock", self.timeline, Qt.DockWidgetArea.BottomDockWidgetArea),
            ("reports_dock", self.tabs, Qt.DockWidgetArea.BottomDockWidgetArea),
        ):
            dock = QDockWidget(self)
            dock.setObjectName(name)
            dock.setWidget(part)
            self.addDockWidget(area, dock)
            self.docks[name] = dock
            if area == Qt.DockWidgetArea.BottomDockWidgetArea:
                # What these are is plain to see, and height is dear.
                dock.setTitleBarWidget(QWidget(dock))
        self.setDockNestingEnabled(True)
        self.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.splitDockWidget(self.docks["viewer_dock"], self.docks["settings_dock"], Qt.Orientation.Horizontal)
        self.splitDockWidget(self.docks["timeline_dock"], self.docks["reports_dock"], Qt.Orientation.Vertical)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)

    def _make_menus(self) -> None:
        self.menus: dict[str, QMenu] = {}
        bar = self.menuBar()
        for name, entries in MENUS.items():
            menu = self.menus[name] = bar.addMenu("")
            for entry in entries.split():
                if entry == BREAK:
                    menu.addSeparator()
                elif entry in self.actions_by_name:
                    menu.addAction(self.actions_by_name[entry])
                else:
                    self.menus[entry] = menu.addMenu("")
        self.menus["recent"].aboutToShow.connect(lambda: self.filing.fill_recent(self.menus["recent"]))
        for how in ALIGNING:
            self.menus["align"].addAction(self.actions_by_name[how])
        for dock in self.docks.values():
            self.menus["panels"].addAction(dock.toggleViewAction())
        self._choices("theme", {"system": _("As the system"), "dark": _("Dark"), "light": _("Light")}, "system")
        self._choices("language", {"": _("As the system"), "en": "English", "ja": "日本語"}, "")
        self.toolbar = QToolBar()
        self.toolbar.setObjectName("toolbar")
        self.toolbar.setMovable(False)
        self.toolbar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        for name in TOOLBAR.split():
            if name == BREAK:
                self.toolbar.addSeparator()
            else:
                self.toolbar.addAction(self.actions_by_name[name])
        spacer = QWidget()
        spacer.setSizePolicy(spacer.sizePolicy().Policy.Expanding, spacer.sizePolicy().Policy.Preferred)
        self.toolbar.addWidget(spacer)
        self.run_button = QPushButton()
        self.run_button.setObjectName("run_button")
        self.run_button.setProperty("primary", True)
        self.run_button.clicked.connect(lambda: self.runner.cancel() if self.runner.busy else self.do_run())
        self.toolbar.addWidget(self.run_button)
        self.addToolBar(self.toolbar)

    def _choices(self, key: str, options: dict[str, str], default: str) -> None:
        group = QActionGroup(self)
        for value, words in options.items():
            action = QAction(self, checkable=True)
            action.setProperty("title", words)
            action.setChecked(chosen(key, default) == value)
            action.triggered.connect(lambda _=False, value=value: self._choose(key, value))
            group.addAction(action)
            self.menus[key].addAction(action)

    def _choose(self, key: str, value: str) -> None:
        preferences().setValue(key, value)
        application.dress()

    def _wire_up(self) -> None:
        session, runner, canvas = self.session, self.runner, self.canvas
        session.file_changed.connect(self._show_file)
        session.changed.connect(lambda *_: self._enable())
        session.selection_changed.connect(self._enable)
        session.scope_changed.connect(self._show_scope)
        session.message.connect(self.banner.say)
        session.checked.connect(self._enable)
        runner.started.connect(lambda _: self._show_running())
        runner.finished.connect(self._on_finished)
        runner.queued.connect(lambda _: self._show_running())
        runner.picture.connect(lambda node, start, stop, frames: self._offer(node, lambda: frames.numpy()[-1]))
        runner.preview.connect(lambda node, step, total, picture: self._offer(node, picture))
        self.thumbs.ready.connect(canvas.set_thumb)
        session.replaced.connect(self.thumbs.forget)
        self.palette_panel.chosen.connect(lambda type: self.editing.add(type))
        canvas.node_dropped.connect(lambda type, at: self.editing.add(type, at))
        canvas.files_dropped.connect(self.filing.drop_files)
        canvas.search_asked.connect(self._ask_node)
        canvas.menu_asked.connect(self._show_menu)
        self.welcome.open_asked.connect(self.open)
        self.welcome.new_asked.connect(self.filing.start_empty)
        self.problems.counted.connect(lambda count: self._show_counts())
        self.tabs.tabBarClicked.connect(self._fold_or_unfold)
        self.setAcceptDrops(True)

    def _lay_out(self) -> None:
        """The window as it was left, or as it is first seen."""
        store = preferences()
        geometry, state = store.value("window/geometry"), store.value("window/state")
        if isinstance(geometry, QByteArray) and self.restoreGeometry(geometry):
            pass
        else:
            # With room for the frame that the system draws around it, else its foot hangs below the screen.
            self.resize(QSize(1600, 1000).boundedTo(self.screen().availableSize() - QSize(8, 48)))
        self._fold(True)
        if not (isinstance(state, QByteArray) and self.restoreState(state, LAYOUT)):
            self.share_out()
        self._show_file()
        self._show_scope()
        self._show_running()
        self._enable()
        self.actions_by_name["thumbnails"].setChecked(True)
        self.pages.setCurrentWidget(self.welcome if not self.session.graph.nodes else self.canvas)

    def share_out(self) -> None:
        """Give the parts the room that they have at first: the canvas and the viewer 55 to 45 of what is left."""
        docks, across = self.docks, Qt.Orientation.Horizontal
        palette, settings = 220, 300
        viewer = max(240, round((self.width() - palette - settings) * 0.45))
        self.resizeDocks([docks["palette_dock"]], [palette], across)
        self.resizeDocks([docks["viewer_dock"], docks["settings_dock"]], [viewer, settings], across)
        self.resizeDocks([docks["timeline_dock"]], [180], Qt.Orientation.Vertical)

    def _speak(self) -> None:
        """Put words on everything, in the language that is on."""
        for action in self.actions_by_name.values():
            title = tr(str(action.property("title")))
            action.setText(title)
            keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
            action.setToolTip(f"{title.rstrip('…')} ({keys})" if keys else title)
            action.setStatusTip("")
            button = self.toolbar.widgetForAction(action)
            if button is not None:
                button.setAccessibleName(title)
        words = {
            "File": tr("File"),
            "Edit": tr("Edit"),
            "Node": tr("Node"),
            "View": tr("View"),
            "Run": tr("Run"),
            "Help": tr("Help"),
            "recent": tr("Open recent"),
            "align": tr("Align"),
            "panels": tr("Panels"),
            "theme": tr("Theme"),
            "language": tr("Language"),
        }
        for name, menu in self.menus.items():
            menu.setTitle(words[name])
        for name in ("theme", "language"):
            for action in self.menus[name].actions():
                action.setText(tr(str(action.property("title"))))
        titles = {
            "palette_dock": tr("Nodes"),
            "viewer_dock": tr("Viewer"),
            "settings_dock": tr("Settings"),
            "timeline_dock": tr("Timeline"),
            "reports_dock": tr("Runs, problems and log"),
        }
        for name, dock in self.docks.items():
            dock.setWindowTitle(titles[name])
        for part, name in (
            (self.palette_panel, tr("Nodes")),
            (self.settings_panel, tr("Settings")),
            (self.viewer, tr("Viewer")),
            (self.timeline, tr("Timeline")),
            (self.runs, tr("Runs")),
            (self.problems, tr("Problems")),
            (self.log, tr("Log")),
            (self.canvas, tr("Canvas")),
        ):
            part.setAccessibleName(name)
        self.tabs.tabBar().setAccessibleName(tr("Runs, problems and log"))
        # Qt names these once, when they are made.
        for side, words_of_qt in (("Left", tr("Scroll left")), ("Right", tr("Scroll right"))):
            scroller = self.tabs.tabBar().findChild(QToolButton, f"Scroll{side}Button")
            if scroller is not None:
                scroller.setAccessibleName(words_of_qt)
        self.tabs.setTabText(0, tr("Runs"))
        self.tabs.setTabText(2, tr("Log"))
        self.toolbar.setWindowTitle(tr("Toolbar"))
        self._show_counts()
        self._show_running()
        self._show_file()
        self._show_scope()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()
        super().changeEvent(event)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        # Once the window is on the screen, not before: both take a while.
        QTimer.singleShot(0, self._load_icons)
        QTimer.singleShot(50, self._offer_recovery)

    def _load_icons(self) -> None:
        icons.load()
        self.palette_panel.dress()

    # Showing what is so

    def _show_file(self) -> None:
        name = self.session.name
        # Qt takes the first of these marks for its own; doubled it stands for itself.
        self.setWindowTitle(f"{name.replace('[*]', '[*][*]')}[*]")
        self.setWindowModified(self.session.dirty)
        self.setWindowFilePath(str(self.session.path) if self.session.path else "")
        self._enable()

    def _show_scope(self) -> None:
        layout = self.crumbs.layout()
        assert layout is not None
        while (item := layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        scope = self.session.scope
        for depth in range(len(scope) + 1):
            button = QToolButton()
            name = self.session.name if not depth else scope[depth - 1]
            button.setText(name.replace("&", "&&"))
            button.setAccessibleName(name)
            button.setEnabled(depth < len(scope))
            button.clicked.connect(lambda _=False, depth=depth: self.session.go(scope[:depth]))
            layout.addWidget(button)
            if depth < len(scope):
                layout.addWidget(QLabel("›"))
        layout.addStretch(1)  # type: ignore[attr-defined]
        self.crumbs.setVisible(bool(scope))
        self._enable()

    def _show_counts(self) -> None:
        count = len(self.session.problems) + len(self.session.advice)
        self.tabs.setTabText(1, tr("Problems ({})").format(count) if count else tr("Problems"))

    def _show_running(self) -> None:
        busy = self.runner.busy
        self.run_button.setText(tr("Cancel") if busy else tr("Run"))
        self.run_button.setAccessibleName(self.run_button.text())
        key = self.actions_by_name["cancel" if busy else "run"].shortcut().toString()
        self.run_button.setToolTip(f"{self.run_button.text()} ({key})")
        self.run_button.setProperty("primary", not busy)
        self.run_button.style().unpolish(self.run_button)
        self.run_button.style().polish(self.run_button)
        self._enable()

    def _enable(self) -> None:
        session, by_name = self.session, self.actions_by_name
        chosen = bool(session.selection)
        by_name["undo"].setEnabled(session.history.can_undo)
        by_name["redo"].setEnabled(session.history.can_redo)
        for name in (
            "cut",
            "copy",
            "duplicate",
            "dissolve",
            "toggle_off",
            "group",
            "show",
            "rename",
            "run_selected",
            "fit_selection",
        ):
            by_name[name].setEnabled(chosen)
        several = len(session.selection) > 1
        for name in ALIGNING:
            by_name[name].setEnabled(several)
        inner = any(session.nodes[id].type.startswith("graph:") for id in session.selection)
        for name in ("ungroup", "enter"):
            by_name[name].setEnabled(inner)
        by_name["leave"].setEnabled(bool(session.scope))
        by_name["cancel"].setEnabled(self.runner.busy)
        by_name["run"].setEnabled(bool(session.graph.nodes))
        if hasattr(self, "run_button"):
            self.run_button.setEnabled(bool(session.graph.nodes) or self.runner.busy)
        if session.graph.nodes and hasattr(self, "pages"):
            self.pages.setCurrentWidget(self.canvas)

    def _offer(self, flat: str, picture: Any) -> None:
        """A picture for a node, where that is on the canvas."""
        for one in self.session.showing(flat):
            if self.canvas.has_room(one):
                self.thumbs.offer(one, picture)

    def _on_finished(self, run: Any) -> None:
        self._show_running()
        if run.status == "failed":
            self._fold(False)
            self.tabs.setCurrentWidget(self.runs)
            first = run.failures[0] if run.failures else ""
            self.banner.say("error", self.session.titled(first) if self.session.number == run.document else first)
        elif run.status == "done" and run.files:
            self.banner.say("info", tr("Saved {}.").format(", ".join(Path(one).name for one in run.files[:3])))

    def _fold_or_unfold(self, index: int) -> None:
        """A click on the tab that is open folds the tabs up, any other opens them."""
        folded = self.tabs.maximumHeight() < 100
        self._fold(not folded and index == self.tabs.currentIndex())

    def _fold(self, folded: bool) -> None:
        height = self.tabs.tabBar().sizeHint().height()
        self.tabs.setMaximumHeight(height if folded else 16777215)
        self.tabs.setMinimumHeight(height if folded else 160)

    # Files

    def open(self, path: str | Path) -> None:
        """Open a graph file or a movie that carries one. Raises GraphError."""
        self.filing.open(path)

    def save_to(self, path: Path) -> bool:
        """Write the document; False, with a message, where that is impossible."""
        return self.filing.save_to(path)

    def may_leave(self) -> bool:
        """Whether the document may be closed: saved, or given up knowingly."""
        return self.filing.may_leave()

    def do_versions(self) -> None:
        """Offer the versions of this file that were saved before."""
        from vidflow.gui.versions import choose_version

        choose_version(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.runner.busy and not self._may_stop():
            event.ignore()
            return
        if not self.may_leave():
            event.ignore()
            return
        store = preferences()
        store.setValue("window/geometry", self.saveGeometry())
        store.setValue("window/state", self.saveState(LAYOUT))
        self.keeper.close()
        self.player.close()
        self.source.close()
        self.stills.stop()
        self.thumbs.close()
        self.runner.close()
        self.session.close()
        event.accept()

    def _may_stop(self) -> bool:
        stop, more = tr("Close"), tr("What it has made is kept, and it goes on at the next start.")
        return self.filing.ask(tr("A run is at work. Close anyway?"), stop, tr("Stay"), more=more) == stop

    def _offer_recovery(self) -> None:
        self.keeper.offer(self.banner, self.may_leave)

    # Editing

    def do_paste(self) -> None:
        """Paste."""
        at = self.canvas.mapFromGlobal(QCursor.pos())
        inside = self.canvas.rect().contains(at)
        self.editing.paste(self.canvas.mapToScene(at) if inside else None)

    def do_keys(self) -> None:
        """Show and change the keys."""
        from vidflow.gui.keys import show_keys

        show_keys(self)

    # Nodes

    def do_search(self) -> None:
        """Search for a node to add where the mouse is."""
        at = self.canvas.mapFromGlobal(QCursor.pos())
        if not self.canvas.viewport().rect().contains(at):
            at = self.canvas.viewport().rect().center()
        self._ask_node(self.canvas.mapToScene(at), None)

    def _ask_node(self, at: QPointF, port: Port | None) -> None:
        place = self.canvas.viewport().mapToGlobal(self.canvas.mapFromScene(at))
        offered: list[Entry] = self.editing.offered(port)
        self._search.ask(place, offered, lambda type: self._add(type, at, port))

    def _add(self, type: str, at: QPointF, port: Port | None) -> None:
        self.editing.add(type, at, port)

    def do_show(self) -> None:
        """Keep the selected node in the viewer; once more follows the selection."""
        flat = self.session.flat(self.session.selection[-1])
        self.session.pin("" if self.session.pinned == flat else flat)

    def do_rename(self) -> None:
        """Give the selected node another title."""
        item = self.canvas.nodes.get(self.session.selection[-1]) if self.session.selection else None
        if item is not None:
            self.canvas.editor.rename(item)

    def do_enter(self) -> None:
        """Enter the selected subgraph."""
        for id in self.session.selection:
            if self.session.nodes[id].type.startswith("graph:"):
                self.session.enter(id)
                return

    def _show_menu(self, at: QPoint, what: Any) -> None:
        context_menu(self, what).popup(at)

    # Looking

    def do_thumbnails(self) -> None:
        """Show pictures on nodes, or not."""
        self.canvas.thumbnails = self.actions_by_name["thumbnails"].isChecked()
        self.canvas.sync()

    def do_commands(self) -> None:
        """Search through all commands."""
        found = [
            Entry(command.name, tr(command.title).rstrip("…"), command.title, self._keys_words(command), "")
            for command in COMMANDS
            if self.actions_by_name[command.name].isEnabled() and command.name != "commands"
        ]
        centre = self.mapToGlobal(self.rect().center()) - QPoint(150, 240)
        self._search.ask(centre, found, lambda name: self.actions_by_name[name].trigger(), tr("Search commands"))

    def _keys_words(self, command: Command) -> str:
        return ", ".join(one.toString() for one in self.actions_by_name[command.name].shortcuts())

    def do_about(self) -> None:
        """Say what this is."""
        QMessageBox.about(self, "vidflow", f"vidflow {__version__}\n\n{tr('A node editor for AI video. Apache-2.0.')}")

    # Running

    def do_run(self) -> None:
        """Run the document; what is up to date is taken from the store."""
        self.runner.run()

    def do_run_variants(self) -> None:
        """Run once for each of several values of a setting."""
        from vidflow.gui.variants import ask_variants

        each = ask_variants(self)
        if each:
            self.runner.run(each=each)

    def do_models(self) -> None:
        """Show the models that are here."""
        from vidflow.gui.models import show_models

        show_models(self)

    def do_open_outputs(self) -> None:
        """Open the folder that files go to."""
        folder = self.session.paths.output_dir
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
