"""What could be lost: files that others change, names without a suffix, documents that are open while another comes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox, QPushButton

from vidflow.graph import AddNode, Node, SetInput, SetView, dump, load
from vidflow.gui import open_window
from vidflow.gui.recovery import versions_of


class Answers:
    """Presses a button in each box that asks, and remembers what was asked."""

    def __init__(self) -> None:
        self.presses: list[str] = []
        self.asked: list[str] = []

    def give(self, *words: str) -> None:
        """What to press in the next boxes."""
        self.presses.extend(words)
        QTimer.singleShot(0, self._press)

    def _press(self) -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QDialog):
            if self.presses:
                QTimer.singleShot(5, self._press)
            return
        words = self.presses.pop(0)
        self.asked.append(box.text() if isinstance(box, QMessageBox) else box.windowTitle())
        (button,) = [one for one in box.findChildren(QPushButton) if one.text() == words]
        if self.presses:
            QTimer.singleShot(5, self._press)
        button.click()


@pytest.fixture
def answers() -> Any:
    found = Answers()
    yield found
    assert found.presses == [], "so many questions were not asked"


def _number(window: Any, value: float) -> None:
    """A document that is a number, not saved yet."""
    if "n" not in window.session.nodes:
        window.session.do(AddNode("n", Node("number", {})))
    window.session.do(SetInput("n", "value", value))


def test_a_file_that_somebody_else_changed_is_replaced_only_knowingly(
    window: Any, answers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.json"
    _number(window, 1.0)
    assert window.save_to(path)
    _number(window, 2.0)
    assert window.filing.save(), "nobody asks where nobody else wrote"
    theirs = json.dumps({"vidflow": 1, "nodes": {"theirs": {"type": "number"}}})
    path.write_text(theirs)
    _number(window, 3.0)
    answers.give("Cancel")
    assert not window.filing.save()
    assert answers.asked == ["one.json was changed by another program since it was opened here."]
    assert path.read_text() == theirs
    assert window.session.dirty
    other = tmp_path / "two.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(other), ""))
    answers.give("Save as…")
    assert window.filing.save()
    assert path.read_text() == theirs
    assert load(other).nodes["n"].inputs["value"] == 3.0
    window.open(path)
    path.write_text(theirs + "\n")
    _number(window, 4.0)
    answers.give("Replace")
    assert window.filing.save()
    assert load(path).nodes["n"].inputs["value"] == 4.0
    assert theirs + "\n" in [one.read_text() for one in versions_of(path)]


def test_a_file_that_was_only_touched_or_is_gone_is_saved_without_a_question(window: Any, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    _number(window, 1.0)
    window.save_to(path)
    os.utime(path, (1, 1))
    _number(window, 2.0)
    assert window.filing.save()
    path.unlink()
    _number(window, 3.0)
    assert window.filing.save()
    assert path.exists()


def test_a_name_without_its_suffix_replaces_nothing_unasked(
    window: Any, answers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "film.json"
    there.write_text("mine")
    _number(window, 1.0)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "film"), ""))
    answers.give("Cancel")
    assert not window.filing.save_as()
    assert there.read_text() == "mine"
    assert answers.asked == ["There is a file film.json already."]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "FILM.JSON"), ""))
    assert window.filing.save_as()
    assert window.session.path == tmp_path / "FILM.JSON"


def test_a_save_that_fails_elsewhere_leaves_the_document_s_paths_alone(window: Any, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "clip.mp4").write_bytes(b"clip")
    id = window.editing.add("load_video")
    window.session.do(SetInput(id, "path", str(here / "clip.mp4")))
    assert window.save_to(here / "one.json")
    assert not window.save_to(tmp_path / "nowhere" / "two.json")
    assert window.session.nodes[id].inputs["path"] == "clip.mp4"
    assert not window.session.dirty
    assert window.session.path == here / "one.json"


def test_each_version_is_kept_though_saved_in_the_same_second_and_of_any_bytes(window: Any, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(b"\xff\xfe no text")
    for value in range(4):
        _number(window, value + 0.5)
        assert window.save_to(path)
    kept = [one.read_bytes() for one in versions_of(path)]
    assert kept[-1] == b"\xff\xfe no text"
    assert [json.loads(one)["nodes"]["n"]["inputs"]["value"] for one in kept[:-1]] == [2.5, 1.5, 0.5]


def _left_behind(window: Any, value: float) -> Path:
    """What a window that was killed left: a document that is a number."""
    folder: Path = window.keeper.folder.parent / "gone"
    folder.mkdir()
    document = {"vidflow": 1, "nodes": {"n": {"type": "number", "inputs": {"value": value}}}}
    (folder / "document.json").write_text(json.dumps(document))
    return folder


def _banner_button(window: Any, words: str) -> Any:
    return next(one for one in window.banner.findChildren(QPushButton) if one.text() == words)


def test_what_is_recovered_takes_nobody_s_place_unasked(window: Any, answers: Any) -> None:
    _left_behind(window, 7.0)
    window.keeper.offer(window.banner, window.may_leave)
    _number(window, 1.0)
    answers.give("Cancel")
    _banner_button(window, "Recover").click()
    assert window.session.nodes["n"].inputs["value"] == 1.0
    answers.give("Discard")
    _banner_button(window, "Recover").click()
    assert window.session.nodes["n"].inputs["value"] == 7.0
    assert window.session.dirty


def test_what_cannot_be_kept_here_stays_where_it_was(window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _left_behind(window, 7.0)
    window.keeper.offer(window.banner, window.may_leave)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vidflow.gui.recovery._put", full)
    _banner_button(window, "Recover").click()
    assert window.session.nodes["n"].inputs["value"] == 7.0
    assert (folder / "document.json").exists()


def test_two_windows_that_start_at_once_offer_a_document_once_and_leave_each_other_alone(window: Any) -> None:
    _left_behind(window, 7.0)
    other = open_window()
    # A third is being opened: its folder is there, its lock is not yet.
    begun = window.keeper.folder.parent / "begun"
    begun.mkdir()
    try:
        said: list[str] = []
        for one in (window, other):
            one.keeper.offer(one.banner, one.may_leave)
            said.append(one.banner.text.text())
        assert [bool(text) for text in said] == [True, False]
        assert begun.is_dir()
        _banner_button(window, "Discard").click()
        assert not (begun.parent / "gone").exists()
        assert window.keeper.folder.is_dir()
        assert other.keeper.folder.is_dir()
    finally:
        other.close()
        other.deleteLater()


def test_a_window_opens_where_nothing_can_be_kept_and_says_so(
    qtbot: Any, tmp_path: Path, qapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "no_folder"
    file.write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(file))
    window = open_window()
    window.show()
    _number(window, 1.0)
    qtbot.waitUntil(lambda: "cannot be written" in window.banner.text.text())
    assert window.save_to(tmp_path / "one.json")
    window.close()
    window.deleteLater()


def test_an_earlier_version_takes_the_place_of_unsaved_work_only_if_it_may(
    window: Any, answers: Any, tmp_path: Path
) -> None:
    path = tmp_path / "one.json"
    for value in (1.0, 2.0):
        _number(window, value)
        window.save_to(path)
    _number(window, 3.0)
    answers.give("Open", "Cancel")
    window.do_versions()
    assert window.session.nodes["n"].inputs["value"] == 3.0
    answers.give("Open", "Discard")
    window.do_versions()
    assert window.session.nodes["n"].inputs["value"] == 1.0


def test_a_document_of_five_megabytes_is_kept_and_saved(window: Any, qtbot: Any, tmp_path: Path) -> None:
    _number(window, 1.0)
    window.session.do(SetView(("frames", "f"), {"note": "word " * 1_000_000}))
    kept = window.keeper.folder / "document.json"
    qtbot.waitUntil(lambda: kept.exists() and kept.stat().st_size > 5_000_000, timeout=20_000)
    assert window.save_to(tmp_path / "large.json")
    assert (tmp_path / "large.json").read_text() == dump(window.document)
