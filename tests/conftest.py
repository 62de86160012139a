"""What all tests share: the lab pack, stores of their own, and where real clips lie."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
LAB = ROOT / "tests" / "packs" / "lab"

# What a shell starts in the background is deaf to Ctrl+C, and so would be the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about who else uses the machine than about the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of processes come first: to the system, a process has had the memory of whoever started it, too."""
    items.sort(key=lambda item: "tests/process/" not in item.nodeid)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own, and only the packs that ship with the project."""
    folder = tmp_path / "store"
    monkeypatch.setenv("VIDFLOW_STORE", str(folder))
    monkeypatch.delenv("VIDFLOW_STORE_CAP", raising=False)
    monkeypatch.delenv("VIDFLOW_PACKS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lab pack, enabled for processes that the test starts."""
    monkeypatch.setenv("VIDFLOW_PACKS", str(LAB))
    return LAB


@pytest.fixture(scope="session")
def real_media() -> Path:
    """The folder of real clips; tests that need them are skipped, saying so, where it is missing."""
    folder = Path(os.environ.get("VIDFLOW_MEDIA", ROOT.parent / "shared" / "media"))
    if not (folder / "bigbuckbunny.mp4").exists():
        pytest.skip(f"there are no real clips in {folder}; VIDFLOW_MEDIA names their folder")
    return folder
