"""Where things lie on disk: what is shipped with vidflow, and the user's own folders and files. Cheap to import."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platformdirs import PlatformDirs


def resources() -> Path:
    """The folder of what is shipped with vidflow."""
    return _installed("vidflow_resources")


def resource(name: str) -> Path:
    """The file or folder `name` (with `/` between its parts) that is shipped with vidflow; it need not exist.

    Raises ValueError where `name` is empty, absolute, or leaves the folder of resources.
    """
    parts = name.replace("\\", "/").split("/")
    if not name or any(part in ("", ".", "..") or ":" in part or "\0" in part for part in parts):
        raise ValueError(f"{name!r} is no name of a resource: expected a relative one, for example media/sea.mp4.")
    return resources().joinpath(*parts)


def samples() -> Path:
    """The folder of the sample graphs."""
    return _installed("vidflow_samples")


def store_dir() -> Path:
    """The folder of kept results: `VIDFLOW_STORE`, or one in the user's cache folder. It need not exist."""
    given = os.environ.get("VIDFLOW_STORE")
    return Path(given).expanduser().absolute() if given else Path(_dirs().user_cache_dir, "store")


def previews_dir() -> Path:
    """The folder of what was fitted to show previews of models. It need not exist."""
    return Path(_dirs().user_cache_dir, "previews")


def data_dir() -> Path:
    """The folder of what the user has added to vidflow. It need not exist."""
    return Path(_dirs().user_data_dir)


def packs_dir() -> Path:
    """The folder of the user's own node packs. It need not exist."""
    return data_dir() / "packs"


def config_dir() -> Path:
    """The folder of the user's choices. It need not exist."""
    return Path(_dirs().user_config_dir)


def _dirs() -> PlatformDirs:
    from platformdirs import PlatformDirs

    return PlatformDirs("vidflow", appauthor=False)


def files_of(path: Path) -> Iterator[Path]:
    """The plain files, in no order, of a folder or of a pattern in its last part such as `shots/*.png`."""
    plain = not set("*?[") & set(path.name) or path.is_dir()
    folder, pattern = (path, "*") if plain else (path.parent, path.name)
    matches = re.compile(fnmatch.translate(pattern)).match
    hidden = pattern.startswith(".")
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if matches(entry.name) and (hidden or not entry.name.startswith(".")) and entry.is_file():
                    yield Path(entry.path)
    except OSError:
        return


@cache
def _installed(package: str) -> Path:
    # A lookup by name, without running or scanning anything: this is in the way of each start.
    from importlib.util import find_spec

    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{package} is missing: vidflow is not installed; run `pip install -e .` in its repository.")
    return Path(spec.submodule_search_locations[0])
