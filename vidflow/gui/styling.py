"""The style sheet on Fusion, from a theme's tokens. Grid 4 px, rows 28, radius 4, lines 1; no gradients, no bevels."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidflow.gui.theme import Theme

_SHEET = Template("""
* { outline: 0; }
QMainWindow, QDialog { background: $window; }
QMainWindow::separator { background: $canvas; width: 4px; height: 4px; }
QMainWindow::separator:hover { background: $accent; }
QWidget { color: $text; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 4px 8px; }

QMenuBar { background: $window; padding: 0 4px; }
QMenuBar::item { padding: 6px 8px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: $raised; }
QMenu { background: $panel; border: 1px solid $line; padding: 4px 0; }
QMenu::item { padding: 6px 24px 6px 12px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: $accent; color: $on_accent; }
QMenu::item:disabled { color: $hint; background: transparent; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }

QToolBar { background: $window; border: 0; border-bottom: 1px solid $line; padding: 4px 8px; spacing: 4px; }
QToolBar::separator { width: 1px; background: $line; margin: 4px 4px; }
QToolButton {
    background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 4px; min-width: 20px;
    min-height: 20px; }
QToolButton:hover { background: $raised; }
QToolButton:pressed, QToolButton:checked { background: $raised; border-color: $line; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $hint; }
QToolButton::menu-indicator { image: none; }

QToolButton[compact="true"] { padding: 3px; min-width: 16px; min-height: 16px; }

QPushButton { background: $raised; border: 1px solid $line; border-radius: 4px; padding: 4px 12px; min-height: 18px; }
QPushButton:hover { border-color: $hint; }
QPushButton:focus { border-color: $accent; }
QPushButton:pressed { background: $line; }
QPushButton:disabled { color: $hint; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border-color: $accent; }
QPushButton[primary="true"]:hover { border-color: $text; }
QPushButton[primary="true"]:disabled { background: $raised; color: $hint; border-color: $line; }
QPushButton[flat="true"] {
    background: transparent; border-color: transparent; color: $accent; padding: 2px 0; text-align: left; }
QPushButton[flat="true"]:focus { border-color: $accent; }

QTreeView, QListView, QTableView, QScrollArea, QAbstractScrollArea { background: $panel; border: 0; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
    background: $panel; border: 1px solid $line; border-radius: 4px; padding: 3px 8px; min-height: 20px;
    selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:hover, QPlainTextEdit:hover, QSpinBox:hover, QDoubleSpinBox:hover, QComboBox:hover { border-color: $hint; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus,
QDoubleSpinBox:focus, QComboBox:focus {
    border-color: $accent; }
QLineEdit[wrong="true"], QPlainTextEdit[wrong="true"], QSpinBox[wrong="true"], QDoubleSpinBox[wrong="true"],
QComboBox[wrong="true"] {
    border-color: $error; }
QLineEdit:disabled, QPlainTextEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled,
QComboBox:disabled {
    color: $hint; background: $window; }
QPlainTextEdit[bare="true"], QPlainTextEdit[bare="true"]:focus { border: 0; }
QLineEdit { lineedit-clear-button-icon: url($clear); }
QLineEdit > QToolButton, QLineEdit > QToolButton:hover {
    background: transparent; border: 0; padding: 0; min-width: 16px; min-height: 16px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QComboBox QLineEdit { background: transparent; border: 0; padding: 0; min-height: 18px; }
QComboBox::drop-down { border: 0; width: 20px; }
QComboBox::down-arrow { image: url($caret); width: 12px; height: 12px; }
QComboBox QAbstractItemView {
    background: $panel; border: 1px solid $line; selection-background-color: $accent;
    selection-color: $on_accent; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    width: 0; border: 0; }

QCheckBox { spacing: 8px; }
QCheckBox::indicator { width: 16px; height: 16px; border: 1px solid $hint; border-radius: 4px; background: $panel; }
QCheckBox::indicator:hover, QCheckBox::indicator:focus { border-color: $accent; }
QCheckBox:focus { color: $accent; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($check); }

QSlider::groove:horizontal { height: 4px; background: $line; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -4px 0; background: $text; border-radius: 6px; }
QSlider::handle:horizontal:focus { background: $accent; }

QProgressBar { background: $line; border: 0; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QDockWidget { titlebar-close-icon: none; titlebar-normal-icon: none; color: $muted; }
QDockWidget::title { background: $window; padding: 6px 12px; border-bottom: 1px solid $line; }
QTabWidget::pane { border: 0; border-top: 1px solid $line; }
QTabBar { background: $window; }
QTabBar::tab {
    background: transparent; color: $muted; padding: 6px 12px; border: 0; border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $accent; }

QTreeView::item, QListView::item { min-height: 28px; padding: 0 4px; border: 0; }
QTreeView::item:hover, QListView::item:hover { background: $raised; }
QTreeView::item:selected, QListView::item:selected { background: $accent; color: $on_accent; }
QTreeView:focus, QListView:focus { border: 1px solid $accent; }
QHeaderView::section {
    background: $window; color: $muted; border: 0; border-bottom: 1px solid $line; padding: 4px 8px; }

QScrollBar { background: transparent; width: 12px; height: 12px; margin: 0; }
QScrollBar::handle { background: $line; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 2px; }
QScrollBar::handle:hover { background: $hint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QStatusBar { background: $window; color: $muted; border-top: 1px solid $line; }
QStatusBar::item { border: 0; }
QSplitter::handle { background: $canvas; }
QGroupBox { border: 0; border-top: 1px solid $line; margin-top: 16px; padding-top: 8px; }
QGroupBox::title { subcontrol-origin: margin; color: $muted; padding: 0 4px 0 0; }

QLabel[role="muted"] { color: $muted; }
QLabel[role="hint"] { color: $hint; }
QLabel[role="error"] { color: $error; }
QLabel[role="warn"] { color: $warn; }
QLabel[role="heading"] { font-size: 15px; font-weight: 600; }
QLabel[role="caption"] { font-size: 11px; color: $muted; }
QFrame[role="card"] { background: $panel; border: 1px solid $line; border-radius: 6px; }
QFrame[role="card"]:hover { border-color: $accent; }
QFrame[role="card"]:focus { border-color: $accent; }
QFrame[role="banner"] { background: $raised; border: 0; border-bottom: 1px solid $line; }
QFrame#banner { border: 1px solid $line; border-radius: 6px; }
QWidget[role="panel"] { background: $panel; }
QWidget#canvas, QGraphicsView { background: $canvas; border: 0; }
""")


def style_sheet(theme: Theme) -> str:
    """The style sheet of `theme`."""
    from vidflow.places import resource

    tokens = {name: value for name, value in vars(theme).items() if isinstance(value, str)}
    pictures = {name: resource(f"icons/{name}-{theme.name}.svg").as_posix() for name in ("check", "caret", "clear")}
    return _SHEET.substitute(tokens, **pictures)
