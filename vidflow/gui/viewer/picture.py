"""One picture in a neutral surround: fitted or at any size, moved and zoomed by the mouse."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QContextMenuEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from vidflow.gui import theme
from vidflow.gui.pictures import eight_bit, image_of, scaled_down
from vidflow.gui.preferences import chosen, preferences
from vidflow.gui.telling import tell
from vidflow.gui.viewer.newest import Job, Newest
from vidflow.gui.words import tr

SMALLEST, LARGEST = 1 / 64, 64.0
NEAREST_FROM = 2.0
"""From this scale on each pixel is drawn as a square."""
_NOTCH = 120


def surround() -> QColor:
    """What the user chose to have around pictures; neutral, in any theme."""
    token = {"grey": "surround_grey", "black": "surround_black"}.get(chosen("surround", "dark"), "surround")
    return theme.now().qcolor(token)


class PictureView(QWidget):
    """Paints the newest frame that it was given. Scales are in pixels of the screen for each of the picture.

    A frame that is larger than its place is scaled down on the thread `shrinking`; until that is done the one before it
    stays. So a large film costs the window no time, and where the thread cannot follow, frames are left out.
    """

    scale_changed = Signal()

    def __init__(self, shrinking: Newest, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picture")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 60)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._frame: Any = None
        self._fitted = True
        self._scale = 1.0
        self._centre = QPointF()
        """Where the picture's centre is, in pixels of the screen from the centre of the view."""
        self._drag: QPointF | None = None
        self._shrinking = shrinking
        self._turn = 0
        """Counts the frames."""
        self._small: QImage | None = None
        """The newest frame that was scaled down to the size it has in the view."""
        self._small_turn = self._asked_turn = 0
        """Which frame that is, and which was scaled down last, or is about to be, to what size."""
        self._asked_size = (0, 0)
        self.drawn = 0
        """How many different frames were painted."""
        self._painted = 0
        theme.look.changed.connect(self.update)

    @property
    def frame(self) -> Any | None:
        """The picture that is shown, uint8 `[height, width, 3]`."""
        return self._frame

    @property
    def settled(self) -> bool:
        """Whether nothing better of the frame is on its way."""
        if self._frame is None or not self._want_small(self.place()):
            return True
        small = self._small
        return small is not None and (self._small_turn, small.width(), small.height()) == (
            self._turn,
            *self._asked_size,
        )

    def show_frame(self, frame: Any | None) -> None:
        """Show a frame, uint8 or float, or nothing."""
        old = self._frame
        self._frame = None if frame is None else eight_bit(frame)
        self._turn += 1
        if frame is None or old is None or old.shape != frame.shape:
            self._small, self._small_turn = None, self._turn
        if frame is not None and (old is None or old.shape != frame.shape):
            if self._fitted:
                self._fit()
            self.scale_changed.emit()
        if self._small is None or self._frame is None or not self._want_small(self.place()):
            self.update()

    # Scale and place

    @property
    def fitted(self) -> bool:
        """Whether the picture keeps to the size of the view."""
        return self._fitted

    @property
    def scale(self) -> float:
        """1 is 100 %: a pixel of the picture is a pixel of the screen."""
        return self._scale

    def fit(self) -> None:
        """The whole picture, as large as the view allows."""
        self._fitted = True
        self._fit()
        self.update()
        self.scale_changed.emit()

    def actual(self, at: QPointF | None = None) -> None:
        """100 %, the point `at` (of the view) staying where it is."""
        self.zoom_to(1.0, at)

    def zoom_to(self, scale: float, at: QPointF | None = None) -> None:
        """Any scale, the point `at` (of the view) staying where it is; without it, the centre."""
        ratio = self.devicePixelRatioF()
        point = QPointF() if at is None else (at - QPointF(self.width(), self.height()) / 2) * ratio
        scale = min(LARGEST, max(SMALLEST, scale))
        self._centre = point - (point - self._centre) * (scale / self._scale)
        self._scale, self._fitted = scale, False
        self._hold()
        self.update()
        self.scale_changed.emit()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """`factor` times as large."""
        self.zoom_to(self._scale * factor, at)

    def _room(self) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return self.width() * ratio, self.height() * ratio

    def _fit(self) -> None:
        self._centre = QPointF()
        if self._frame is not None:
            height, width, _ = self._frame.shape
            across, down = self._room()
            self._scale = max(SMALLEST, min(across / width, down / height))

    def _hold(self) -> None:
        """Keep some of the picture in the view."""
        if self._frame is None:
            return
        height, width, _ = self._frame.shape
        across, down = self._room()
        far = QPointF((across + width * self._scale) / 2 - 32, (down + height * self._scale) / 2 - 32)
        self._centre = QPointF(
            min(max(self._centre.x(), -far.x()), far.x()), min(max(self._centre.y(), -far.y()), far.y())
        )

    def place(self) -> QRect:
        """Where the picture lies, in whole pixels of the screen from the view's top left corner."""
        height, width, _ = self._frame.shape
        across, down = self._room()
        size = QPoint(max(1, round(width * self._scale)), max(1, round(height * self._scale)))
        left = round((across - size.x()) / 2 + self._centre.x())
        top = round((down - size.y()) / 2 + self._centre.y())
        return QRect(left, top, size.x(), size.y())

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), surround())
        if self._frame is None:
            return
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        place = self.place()
        if self._want_small(place):
            if self._small is None:
                # Coarse, for a moment, is better than nothing.
                painter.drawImage(place, image_of(self._frame))
            else:
                self._count(self._small_turn)
                painter.drawImage(place, self._small)
            return
        self._count(self._turn)
        smooth = self._scale < NEAREST_FROM and place.width() != self._frame.shape[1]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(place, image_of(self._frame))

    def _want_small(self, place: QRect) -> bool:
        """Have the frame scaled down, unless it is; False where its place is no smaller."""
        size = (place.width(), place.height())
        if size[0] >= self._frame.shape[1]:
            return False
        if (self._asked_turn, self._asked_size) != (self._turn, size):
            self._asked_turn, self._asked_size = self._turn, size
            self._shrinking.ask(partial(self._shrink, self._turn, self._frame, size))
        return True

    def _shrink(self, turn: int, frame: Any, size: tuple[int, int], _: Job) -> None:
        """On a thread."""
        # Qt draws 32-bit pictures without another conversion for every paint.
        small = image_of(scaled_down(frame, *size)).convertToFormat(QImage.Format.Format_RGB32)
        tell(self, self._take_small, turn, small)

    def _take_small(self, turn: int, small: QImage) -> None:
        if turn >= self._small_turn:
            self._small, self._small_turn = small, turn
            self.update()

    def _count(self, turn: int) -> None:
        if self._painted != turn:
            self._painted = turn
            self.drawn += 1

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._fitted:
            self._fit()
            self.scale_changed.emit()

    # The mouse

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._frame is not None and event.angleDelta().y():
            self.zoom(1.25 ** (event.angleDelta().y() / _NOTCH), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None or self._frame is None:
            return
        moved = (event.position() - self._drag) * self.devicePixelRatioF()
        if self._fitted and moved.manhattanLength() < 4:
            return
        self._drag = event.position()
        self._fitted = False
        self._centre += moved
        self._hold()
        self.update()
        self.scale_changed.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._fitted:
            self.actual(event.position())
        else:
            self.fit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.addAction(tr("Fit"), self.fit)
        menu.addAction(tr("100 %"), lambda: self.actual(QPointF(event.pos())))
        menu.addSeparator()
        group = QActionGroup(menu)
        texts = {"dark": tr("Dark surround"), "grey": tr("Grey surround"), "black": tr("Black surround")}
        for name, text in texts.items():
            action = QAction(text, menu, checkable=True, checked=chosen("surround", "dark") == name)
            action.triggered.connect(lambda _, name=name: self._surround(name))
            group.addAction(action)
            menu.addAction(action)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def _surround(self, name: str) -> None:
        preferences().setValue("surround", name)
        self.update()
