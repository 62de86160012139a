"""From a thread to the window: what is found out aside is told where Qt lives."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid


def tell(owner: QObject | None, call: Callable[..., object], *values: object) -> None:
    """Call `call` with these values on the GUI thread, in turn with all that is told so, unless `owner` is gone then.

    A thread that emitted a signal of `owner` itself could meet it in the moment in which Qt deletes it.
    """
    _relay.told.emit((owner, call, values))


class _Relay(QObject):
    """Lives on the thread that imports it first, as long as the process."""

    told = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.told.connect(self._make, Qt.ConnectionType.QueuedConnection)

    def _make(self, told: tuple[QObject | None, Callable[..., object], tuple[object, ...]]) -> None:
        owner, call, values = told
        if owner is None or isValid(owner):
            call(*values)


_relay = _Relay()
