"""vidflow: a node-based visual editor for AI video, and the engine under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidflow.engine.service import Engine, run

__version__ = "0.1.0"
__all__ = ["Engine", "__version__", "run"]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """`run` and `Engine` are loaded where they are first used, so that importing vidflow costs nothing."""
    if name in ("run", "Engine"):
        from vidflow.engine import service

        return getattr(service, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
