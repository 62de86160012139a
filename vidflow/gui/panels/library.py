"""The models that are here, listed on a thread, and those that are being fetched, each on a thread of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from vidflow.errors import Cancelled, ModelError, VidflowError
from vidflow.gui.telling import tell

if TYPE_CHECKING:
    from vidflow.models.hub import Plan
    from vidflow.models.hubcache import HubFile
    from vidflow.models.library import Installed


@dataclass
class Fetch:
    """A model on its way. `size` is None until the hub has said it; nothing comes before `agreed`."""

    name: str
    revision: str | None = None
    variant: str | None = None
    size: int | None = None
    missing: int = 0
    done: int = 0
    licence: str = ""
    error: str = ""
    stopped: bool = False
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def asks(self) -> bool:
        """Whether its size and licence are known, and nobody has said yet that it may come."""
        return self.size is not None and not self.answered.is_set()


class Library(QObject):
    """What `vidflow models` lists, for the fields that choose a model and for the welcome page."""

    listed = Signal()
    """`models` was renewed."""
    advanced = Signal(str)
    """More is known of the fetch of a model."""
    ended = Signal(str)
    """A fetch came to its end; `failed` says how where it was a bad one."""

    def __init__(self) -> None:
        super().__init__()
        self.models: tuple[Installed, ...] = ()
        self.known = False
        """Whether they have been listed yet."""
        self.fetches: dict[str, Fetch] = {}
        self.failed: dict[str, str] = {}
        self._listing = False

    def names(self, kinds: tuple[str, ...] | None = None) -> list[str]:
        """The models that can be used, by the names that stand in a graph: all, or those for a setting of `kinds`."""
        here = (one for one in self.models if one.lacks is None)
        return list(dict.fromkeys(one.name for one in here if kinds is None or one.fits(kinds)))

    def has(self, name: str) -> bool:
        """Whether a model is here."""
        return any(one.name == name and one.lacks is None for one in self.models)

    def refresh(self) -> None:
        """Look again, on a thread."""
        if not self._listing:
            self._listing = True
            threading.Thread(target=self._list, name="models", daemon=True).start()

    def _list(self) -> None:
        found: list[Installed] = []
        try:
            from vidflow.models.library import installed

            found = installed()
        except (OSError, VidflowError):
            pass  # a cache that cannot be read holds nothing that could be chosen
        finally:
            tell(self, self._take, found)

    def _take(self, found: list[Installed]) -> None:
        self._listing = False
        self.known = True
        self.models = tuple(found)
        self.listed.emit()

    def fetch(self, name: str, revision: str | None = None, variant: str | None = None) -> None:
        """Ask the hub for a model and, once its size and licence were agreed to, fetch it as `vidflow models` does."""
        if name in self.fetches:
            return
        one = self.fetches[name] = Fetch(name, revision, variant)
        self.failed.pop(name, None)
        threading.Thread(target=self._fetch, args=(one,), name="fetch", daemon=True).start()
        self.advanced.emit(name)

    def agree(self, name: str) -> None:
        """Let it come."""
        if name in self.fetches:
            self.fetches[name].answered.set()
            self.advanced.emit(name)

    def stop(self, name: str) -> None:
        """Stop a fetch; what has come is kept, and the next one goes on from there."""
        if name in self.fetches:
            self.fetches[name].stopped = True
            self.fetches[name].answered.set()

    def _fetch(self, one: Fetch) -> None:
        try:
            from vidflow.models import hub

            hub.fetch(one.name, one.revision, one.variant, _Watch(self, one))
        except Cancelled:
            pass
        except (ModelError, OSError) as error:
            one.error = str(error)
        finally:
            tell(self, self._end, one)

    def _end(self, one: Fetch) -> None:
        self.fetches.pop(one.name, None)
        if one.error:
            self.failed[one.name] = one.error
        self.ended.emit(one.name)
        self.refresh()


class _Watch:
    """Counts a fetch, on its thread."""

    def __init__(self, library: Library, fetch: Fetch) -> None:
        self._library = library
        self._fetch = fetch
        self._shown = 0

    def began(self, plan: Plan) -> None:
        self._fetch.size, self._fetch.missing = plan.size, plan.missing
        self._fetch.licence = plan.licence.name
        self._tell()
        self._fetch.answered.wait()
        self._tell()

    def file(self, file: HubFile) -> None:
        del file
        self._tell()

    def moved(self, count: int) -> None:
        fetch = self._fetch
        fetch.done += count
        # A signal for each per cent, not for each piece of a network's.
        step = max(1, (fetch.size or 0) // 100)
        if fetch.done // step != self._shown:
            self._shown = fetch.done // step
            self._tell()

    def _tell(self) -> None:
        if self._fetch.stopped:
            raise Cancelled
        tell(self._library, self._library.advanced.emit, self._fetch.name)


@cache
def library() -> Library:
    """The one of this application."""
    return Library()
