"""Where vidflow finds what it ships and what is the user's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow import places


def test_a_shipped_file_is_found_by_its_name() -> None:
    assert places.resource("media/sea.mp4").is_file()
    assert (places.samples() / "first_cut.json").is_file()


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../pyproject.toml", "media/../../x", "media//sea.mp4", "C:/x", "..\\x", "a\0b", ".", "media/"],
)
def test_a_name_that_is_no_plain_relative_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a resource"):
        places.resource(name)


@given(st.text(alphabet="abc./\\:~\0 ", max_size=20))
def test_no_name_leaves_the_folder_of_resources(name: str) -> None:
    try:
        path = places.resource(name)
    except ValueError:
        return
    assert path.resolve().is_relative_to(places.resources().resolve())


def test_the_store_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDFLOW_STORE", str(tmp_path / "kept"))
    assert places.store_dir() == tmp_path / "kept"


def test_without_the_variable_the_store_is_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VIDFLOW_STORE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places.store_dir().is_relative_to(tmp_path)


def test_the_users_packs_are_among_the_users_data() -> None:
    assert places.packs_dir() == places.data_dir() / "packs"
    assert places.config_dir().is_absolute()
