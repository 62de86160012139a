"""The panels as a user sees and works them: palette, settings, problems, runs, log, welcome."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSlider,
    QWidget,
)

from vidflow.api import node
from vidflow.errors import ModelError
from vidflow.graph import AddNode, Graph, Link, Node, RemoveNode, Subgraph, parse
from vidflow.graph.kinds import Slot
from vidflow.gui import application, words
from vidflow.gui.canvas.face import shown_value
from vidflow.gui.canvas.view import NODE_FORMAT
from vidflow.gui.panels.fields import (
    BoolField,
    ChoiceField,
    ColourField,
    LineField,
    NumberField,
    SeedField,
    TextField,
    WordsField,
)
from vidflow.gui.panels.filefields import WeightsField, field_for
from vidflow.gui.panels.library import Library
from vidflow.gui.panels.log import Log
from vidflow.gui.panels.nodepage import NodePage
from vidflow.gui.panels.palette import TYPE, Palette
from vidflow.gui.panels.problems import Problems
from vidflow.gui.panels.runs import Runs
from vidflow.gui.panels.settings import GraphPage, Settings, SeveralPage
from vidflow.gui.panels.welcome import Welcome
from vidflow.gui.preferences import preferences
from vidflow.gui.running import Runner
from vidflow.gui.session import Session
from vidflow.models import library as models_here
from vidflow.models.library import Installed, Licence
from vidflow.nodespec.hints import Weights
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node
from vidflow.nodespec.spec import InputSpec, PortType
from vidflow.places import resource


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:
    made = Session()
    yield made
    made.close()


@pytest.fixture
def settings(session: Session, qtbot: Any) -> Settings:
    panel = Settings(session)
    panel.resize(300, 800)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


@pytest.fixture
def runner(session: Session) -> Iterator[Runner]:
    made = Runner(session)
    yield made
    made.close()


@pytest.fixture
def japanese(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The window speaks Japanese, with a few words for the test."""
    known = {
        "Input": "入力",
        "Search nodes": "ノードを検索",
        "Load video": "動画を読み込む",
        "Log": "ログ",
        "Graph": "グラフ",
    }
    monkeypatch.setattr(words, "table", lambda language: known if language == "ja" else {})
    preferences().setValue("language", "ja")
    yield
    preferences().setValue("language", "en")
    application.dress()


def page_of(settings: Settings, type: str, inputs: dict[str, Any] | None = None, id: str = "it") -> NodePage:
    """The page of a new node."""
    session = settings.session
    assert session.do(AddNode(id, Node(type, inputs or {})))
    session.select([id])
    QApplication.processEvents()
    assert isinstance(settings.page, NodePage)
    return settings.page


def shown(widget: QWidget) -> list[str]:
    """The texts that stand there."""
    QApplication.processEvents()
    kinds = (QLabel, QAbstractButton)
    return [one.text() for kind in kinds for one in widget.findChildren(kind) if one.isVisible() and one.text()]


# The palette


@pytest.fixture
def palette(session: Session, qtbot: Any) -> Palette:
    panel = Palette(session)
    panel.resize(220, 600)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def rows(palette: Palette) -> dict[str, list[str]]:
    model = palette.model
    groups = [model.item(row) for row in range(model.rowCount())]
    return {group.text(): [group.child(row).text() for row in range(group.rowCount())] for group in groups}


def test_the_palette_shows_every_node_by_its_category(palette: Palette, session: Session) -> None:
    found = rows(palette)
    assert found["Input"] == ["Load video", "Load image", "Load audio", "Image sequence"]
    assert sum(map(len, found.values())) == len(session.types.types())


def test_what_is_searched_is_chosen_by_return(palette: Palette, qtbot: Any) -> None:
    qtbot.keyClicks(palette.line, "overl")
    assert "Overlay text" in [title for titles in rows(palette).values() for title in titles]
    with qtbot.waitSignal(palette.chosen) as told:
        qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert told.args == ["overlay_text"]


@pytest.mark.parametrize(
    ("typed", "type"),
    [
        ("crossfade", "concat"),
        ("dissolve", "concat"),
        ("join", "concat"),
        ("title", "overlay_text"),
        ("slow", "retime"),
        ("music", "load_audio"),
        ("export", "save_video"),
        ("wipe", "concat"),
    ],
)
def test_a_node_is_found_by_an_editors_word_for_it(palette: Palette, qtbot: Any, typed: str, type: str) -> None:
    palette.line.setText(typed)
    found = [palette.model.item(row) for row in range(palette.model.rowCount())]
    types = [group.child(row).data(TYPE) for group in found for row in range(group.rowCount())]
    assert type in types[:3]


def test_every_node_with_words_to_be_found_by_is_there(session: Session) -> None:
    known = json.loads(resource("words/search.json").read_text("utf-8"))
    assert set(known) == set(session.types.types())


def test_a_search_that_finds_nothing_says_so(palette: Palette) -> None:
    palette.line.setText("qqqq")
    assert list(rows(palette)) == ["Nothing answers to this."]


def test_a_double_click_chooses_a_node_but_no_category(palette: Palette, qtbot: Any) -> None:
    chosen: list[str] = []
    palette.chosen.connect(chosen.append)
    group = palette.model.item(0)
    palette.tree.doubleClicked.emit(group.index())
    palette.tree.doubleClicked.emit(group.child(0).index())
    assert chosen == ["load_video"]


def test_a_node_is_dragged_as_the_canvas_takes_it(palette: Palette) -> None:
    group = palette.model.item(0)
    data = palette.model.mimeData([group.child(1).index()])
    assert bytes(data.data(NODE_FORMAT).data()) == b"load_image"
    assert not group.flags() & Qt.ItemFlag.ItemIsDragEnabled


def test_hovering_a_node_shows_what_it_does(palette: Palette) -> None:
    tip = palette.model.item(0).child(0).toolTip()
    assert "Load video" in tip
    assert "`" not in tip
    assert len(tip) > 60


def test_the_subgraphs_of_the_document_are_in_the_palette(palette: Palette, session: Session) -> None:
    part = Subgraph({"n": Node("number")}, outputs={"value": Link("n")}, view={"title": {"en": "My part"}})
    session.put(Graph(graphs={"mine": part}), None)
    assert rows(palette)["Subgraphs"] == ["My part"]
    assert palette.model.item(palette.model.rowCount() - 1).child(0).data(TYPE) == "graph:mine"
    session.new()
    assert "Subgraphs" not in rows(palette)


def test_a_folded_category_is_folded_at_the_next_start(palette: Palette, session: Session, qtbot: Any) -> None:
    palette.tree.collapse(palette.model.item(1).index())
    again = Palette(session)
    qtbot.addWidget(again)
    folded = [again.tree.isExpanded(again.model.item(row).index()) for row in range(3)]
    assert folded == [True, False, True]


@pytest.mark.usefixtures("japanese")
def test_the_palette_follows_the_language(palette: Palette) -> None:
    application.dress()
    QApplication.processEvents()
    assert rows(palette)["入力"][0] == "動画を読み込む"
    assert palette.line.placeholderText() == "ノードを検索"


# Settings


def test_typing_a_number_is_one_edit(settings: Settings, qtbot: Any) -> None:
    field = page_of(settings, "resize").rows["width"].field
    assert isinstance(field, NumberField)
    field.line.setFocus()
    qtbot.keyClicks(field.line, "1280")
    assert settings.session.nodes["it"].inputs == {"width": 1280}
    settings.session.undo()
    assert settings.session.nodes["it"].inputs == {}
    assert field.line.text() == ""
    assert field.line.placeholderText() == "auto"


def test_a_wrong_value_is_no_edit_and_says_why_until_it_is_taken_back(settings: Settings, qtbot: Any) -> None:
    field = page_of(settings, "grade", {"exposure": 2.0}).rows["exposure"].field
    assert isinstance(field, NumberField)
    field.line.setFocus()
    field.line.selectAll()
    qtbot.keyClicks(field.line, "9")
    assert settings.session.nodes["it"].inputs == {"exposure": 2.0}
    assert "expected -4 to 4" in field.why.text()
    assert field.why.isVisible()
    assert field.line.property("wrong") is True
    qtbot.keyClicks(field.line, "x")
    assert "is not a number" in field.why.text()
    qtbot.keyClick(field.line, Qt.Key.Key_Escape)
    assert field.line.text() == "2"
    assert not field.why.isVisible()
    assert field.line.property("wrong") is False


def test_a_value_that_is_the_default_is_left_out_of_the_document(settings: Settings, qtbot: Any) -> None:
    page = page_of(settings, "grade", {"contrast": 2.0})
    field = page.rows["contrast"].field
    assert isinstance(field, NumberField)
    assert page.rows["contrast"].reset.isVisible()
    field.line.selectAll()
    qtbot.keyClicks(field.line, "1")
    assert settings.session.nodes["it"].inputs == {}
    assert not page.rows["contrast"].reset.isVisible()


def test_a_drag_of_a_slider_is_one_edit_and_the_next_another(settings: Settings, qtbot: Any) -> None:
    field = page_of(settings, "grade").rows["exposure"].field
    assert isinstance(field, NumberField)
    slider = field.slider
    assert isinstance(slider, QSlider)
    for end in (100, 120):
        slider.sliderPressed.emit()
        for place in range(81, end + 1):
            slider.setValue(place)
        slider.sliderReleased.emit()
    assert settings.session.nodes["it"].inputs == {"exposure": 2.0}
    assert field.line.text() == "2"
    settings.session.undo()
    assert settings.session.nodes["it"].inputs == {"exposure": 1.0}
    assert slider.value() == 100
    settings.session.undo()
    assert settings.session.nodes["it"].inputs == {}


def test_the_wheel_over_a_field_without_the_focus_changes_nothing(settings: Settings, qtbot: Any) -> None:
    from PySide6.QtGui import QWheelEvent

    field = page_of(settings, "grade").rows["exposure"].field
    assert isinstance(field, NumberField)
    assert field.slider is not None

    def turn() -> None:
        none, no = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        at = QPointF(20, 10)
        event = QWheelEvent(at, at, QPoint(), QPoint(0, 120), none, no, Qt.ScrollPhase.NoScrollPhase, False)
        QApplication.sendEvent(field.slider, event)

    field.line.setFocus()
    turn()
    assert settings.session.nodes["it"].inputs == {}
    field.slider.setFocus()
    turn()
    assert settings.session.nodes["it"].inputs != {}


def test_arrows_step_a_number_within_its_bounds(settings: Settings, qtbot: Any) -> None:
    field = page_of(settings, "compare", {"position": 0.99}).rows["position"].field
    assert isinstance(field, NumberField)
    for _ in range(3):
        qtbot.keyClick(field.line, Qt.Key.Key_Up)
    assert settings.session.nodes["it"].inputs == {"position": 1.0}


def test_every_setting_of_every_node_has_a_field_that_shows_its_default(settings: Settings) -> None:
    session = settings.session
    for type in session.types.types():
        page = page_of(settings, type, id=f"a_{type}")
        spec = session.types.get(type)
        assert spec is not None
        assert list(page.rows) == [one.name for one in spec.inputs if not one.is_port]
        for each in spec.inputs:
            if not each.is_port and not each.required:
                assert page.rows[each.name].field.value == each.default, f"{type}.{each.name}"
        # To show a node is not to edit it.
        assert session.nodes[f"a_{type}"].inputs == {}
        kinds = (QLineEdit, QPlainTextEdit, QComboBox, QAbstractButton, QSlider)
        for control in [one for kind in kinds for one in page.findChildren(kind)]:
            # Qt's own parts: the button in a line that clears it.
            if not control.objectName().startswith("qt_") and control.metaObject().className() != "QLineEditIconButton":
                assert control.accessibleName(), f"{type}: {control}"


def test_each_hint_has_the_field_that_suits_it(settings: Settings) -> None:
    page = page_of(settings, "overlay_text")
    kinds = {name: type(row.field) for name, row in page.rows.items()}
    assert (kinds["text"], kinds["position"], kinds["colour"]) == (TextField, ChoiceField, ColourField)
    assert type(page_of(settings, "sample", id="s").rows["seed"].field) is SeedField
    assert type(page_of(settings, "load_video", id="v").rows["deinterlace"].field) is BoolField
    assert type(page_of(settings, "build_prompt", id="p").rows["camera"].field) is WordsField


def test_choices_ticks_and_dice_are_edits(settings: Settings, qtbot: Any) -> None:
    session = settings.session
    choice = page_of(settings, "sample").rows["attention"].field
    assert isinstance(choice, ChoiceField)
    assert choice.box.currentText() == "auto"
    choice.box.activated.emit(choice.box.findText("sage"))
    assert session.nodes["it"].inputs == {"attention": "sage"}
    choice.box.activated.emit(0)
    assert session.nodes["it"].inputs == {}
    page = settings.page
    assert isinstance(page, NodePage)
    tick = page.rows["compiled"].field
    assert isinstance(tick, BoolField)
    tick.check.click()
    assert session.nodes["it"].inputs == {"compiled": True}
    seed = page.rows["seed"].field
    assert isinstance(seed, SeedField)
    seed.dice.click()
    first = session.nodes["it"].inputs["seed"]
    seed.dice.click()
    assert session.nodes["it"].inputs["seed"] != first
    session.undo()
    assert session.nodes["it"].inputs["seed"] == first
    assert seed.line.text() == str(first)


def test_a_choice_that_this_version_does_not_know_is_shown_and_named_wrong(settings: Settings, qtbot: Any) -> None:
    field = page_of(settings, "save_video", {"path": "a.mp4", "codec": "theora"}).rows["codec"].field
    assert isinstance(field, ChoiceField)
    assert field.box.currentText() == "theora"
    qtbot.waitUntil(lambda: "theora" in field.why.text())
    field.box.activated.emit(field.box.findText("hevc"))
    qtbot.waitUntil(lambda: field.why.text() == "")
    assert field.box.findText("theora") == -1


def test_a_setting_that_may_be_empty_can_be_emptied(settings: Settings, qtbot: Any) -> None:
    field = page_of(settings, "save_video", {"path": "a.mp4"}).rows["quality"].field
    assert isinstance(field, NumberField)
    assert field.line.text() == "18"
    assert field.line.isClearButtonEnabled()
    field.line.selectAll()
    qtbot.keyClick(field.line, Qt.Key.Key_Backspace)
    assert settings.session.nodes["it"].inputs["quality"] is None
    page = settings.page
    assert isinstance(page, NodePage)
    page.rows["quality"].reset.click()
    assert field.line.text() == "18"


def test_a_list_is_typed_with_commas(settings: Settings, qtbot: Any) -> None:
    page = page_of(settings, "concat")
    joints, seconds = page.rows["transition"].field, page.rows["transition_seconds"].field
    assert isinstance(joints, LineField)
    assert isinstance(seconds, LineField)
    assert joints.line.text() == "cut"
    for line in (joints.line, seconds.line):
        qtbot.keyClick(line, Qt.Key.Key_End)
    qtbot.keyClicks(joints.line, ", fade")
    assert settings.session.nodes["it"].inputs == {"transition": ("cut", "fade")}
    qtbot.keyClicks(joints.line, "x")
    assert "Did you mean 'fade'" in joints.why.text()
    qtbot.keyClicks(seconds.line, ", 0.5")
    assert settings.session.nodes["it"].inputs["transition_seconds"] == (1.0, 0.5)


def test_a_size_is_chosen_by_its_aspect_in_one_edit(settings: Settings) -> None:
    page = page_of(settings, "sample")
    size = page._size
    assert size is not None
    place = size.presets.findText("720×1280")
    assert size.presets.findText("1:1") > place > size.presets.findText("9:16") > 0
    size.presets.activated.emit(place)
    assert settings.session.nodes["it"].inputs == {"width": 720, "height": 1280}
    size.turn.click()
    assert settings.session.nodes["it"].inputs == {"width": 1280, "height": 720}
    assert size.presets.currentText() == "1280×720"
    settings.session.undo()
    assert settings.session.nodes["it"].inputs == {"width": 720, "height": 1280}
    settings.session.undo()
    assert settings.session.nodes["it"].inputs == {}


def test_words_of_a_prompt_are_offered_in_both_languages(settings: Settings, qtbot: Any) -> None:
    page = page_of(settings, "build_prompt", {"scene": "a boat"})
    field = page.rows["camera"].field
    assert isinstance(field, WordsField)
    field.line.setFocus()
    # What an input method commits.
    QApplication.sendEvent(field.line, QKeyEvent(QKeyEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, "ドリー"))
    model = field.completer.completionModel()
    found = [model.index(row, 0).data() for row in range(model.rowCount())]
    assert found
    assert all("ドリー" in one for one in found)
    field.completer.activated.emit(found[0])
    assert settings.session.nodes["it"].inputs["camera"] == found[0]
    # What the label says to a model stands below, live.
    assert page._prompt is not None
    assert page._prompt.text().startswith("a boat, ")
    assert found[0] not in page._prompt.text()
    qtbot.keyClicks(field.line, ", on a crane")
    assert page._prompt.text().endswith("on a crane")
    field.line.setText("")
    qtbot.keyClicks(field.line, "doll")
    assert model.index(0, 0).data().startswith("dolly")


def test_a_word_from_the_menu_goes_behind_those_that_stand_there(settings: Settings) -> None:
    field = page_of(settings, "build_prompt", {"style": "grainy"}).rows["style"].field
    assert isinstance(field, WordsField)
    field.offers.click()
    action = field.menu.actions()[0]
    action.trigger()
    field.menu.close()
    value = settings.session.nodes["it"].inputs["style"]
    assert isinstance(value, str)
    assert value.startswith("grainy, ")
    assert action.text().startswith(value.removeprefix("grainy, "))


def test_a_file_is_named_as_the_document_names_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    session = settings.session
    session.save(tmp_path / "film.json")
    field = page_of(settings, "load_video").rows["path"].field
    assert isinstance(field, LineField)
    clip = tmp_path / "media" / "clip.mp4"
    asked: list[str] = []

    def choose(parent: QWidget, title: str, folder: str, filters: str) -> tuple[str, str]:
        asked.append(filters)
        return str(clip), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    field.chooser.click()  # type: ignore[attr-defined]
    assert session.nodes["it"].inputs == {"path": "media/clip.mp4"}
    assert field.line.text() == "media/clip.mp4"
    assert "*.mkv" in asked[0]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "other.mov"))])
    buttons, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    over = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, buttons, none)
    QApplication.sendEvent(field.line, over)
    assert over.isAccepted()
    drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, none)
    QApplication.sendEvent(field.line, drop)
    assert session.nodes["it"].inputs == {"path": "other.mov"}


NETWORK = Weights(kinds=("IFNet",), own=("flow",))


def weights_field(session: Session, hint: Weights) -> WeightsField:
    """The editor of a setting that takes a model."""
    field = field_for(Slot(InputSpec("model", PortType("str"), False, "flow", False, hint)), session)
    assert isinstance(field, WeightsField)
    return field


@pytest.mark.parametrize(
    ("hint", "names"),
    [(NETWORK, ["rife-small", "flow"]), (Weights(), ["pocket", "org/clip"]), (Weights(kinds=("Other",)), [])],
    ids=["networks", "pipelines", "none"],
)
def test_a_setting_for_models_offers_those_that_fit_and_names_of_its_own(
    session: Session,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    hint: Weights,
    names: list[str],
    qtbot: Any,
) -> None:
    def one(name: str, family: str, lacks: str | None = None) -> Installed:
        return Installed(name, "box", Path(), None, (), 10**7, family, Licence("apache-2.0"), lacks)

    here = [
        one("pocket", "WanPipeline"),
        one("rife-small", "IFNet"),
        one("esrgan-small", "RRDBNet"),
        one("org/clip", "CLIPModel"),
        one("org/half", "IFNet", "a file is missing"),
    ]
    monkeypatch.setattr(models_here, "installed", lambda: here)
    field = weights_field(session, hint)
    qtbot.addWidget(field)
    qtbot.waitUntil(lambda: library.known)
    assert [field.box.itemText(k) for k in range(field.box.count())] == names


def test_a_network_is_chosen_as_a_file_and_a_pipeline_as_a_folder(
    session: Session, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    session.save(tmp_path / "film.json")
    asked: list[tuple[str, str]] = []

    def file(parent: QWidget, title: str, folder: str, filters: str) -> tuple[str, str]:
        asked.append((title, filters))
        return str(tmp_path / "nets" / "rife.pth"), ""

    def folder(parent: QWidget, title: str, folder: str) -> str:
        asked.append((title, ""))
        return str(tmp_path / "wan")

    monkeypatch.setattr(QFileDialog, "getOpenFileName", file)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", folder)
    for hint, text in ((NETWORK, "nets/rife.pth"), (Weights(), "wan")):
        field = weights_field(session, hint)
        qtbot.addWidget(field)
        field.chooser.click()
        assert (field.value, field.line.text()) == (text, text)
    assert asked == [
        ("Choose the file of a model", "Models (*.safetensors *.pth *.pkl);;All files (*)"),
        ("Choose the folder of a model", ""),
    ]


def test_a_file_that_is_called_as_a_way_of_the_node_stays_a_file(
    session: Session, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    session.save(tmp_path / "film.json")
    (tmp_path / "flow").mkdir()
    begun: list[str] = []

    def file(parent: QWidget, title: str, folder: str, filters: str) -> tuple[str, str]:
        begun.append(folder)
        return str(tmp_path / "flow"), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", file)
    field = weights_field(session, NETWORK)
    qtbot.addWidget(field)
    field.put("flow")
    field.chooser.click()
    assert field.value == "./flow"
    field.chooser.click()
    assert begun == [str(tmp_path), str(tmp_path / "flow")]


def test_the_ending_of_an_output_is_chosen(settings: Settings) -> None:
    field = page_of(settings, "save_video", {"path": "film-{n}.mp4"}).rows["path"].field
    box: QComboBox = field.box  # type: ignore[attr-defined]
    assert box.currentText() == ".mp4"
    box.activated.emit(box.findText(".webm"))
    assert settings.session.nodes["it"].inputs["path"] == "film-{n}.webm"
    assert box.currentText() == ".webm"


def test_a_change_from_elsewhere_shows_in_place(settings: Settings, qtbot: Any) -> None:
    page = page_of(settings, "text", {"value": "a boat at sea"})
    field = page.rows["value"].field
    assert isinstance(field, TextField)
    field.area.setFocus()
    cursor = field.area.textCursor()
    cursor.setPosition(3)
    field.area.setTextCursor(cursor)
    settings.session.set("it", "value", "a boat at night")
    assert settings.page is page
    assert field.area.toPlainText() == "a boat at night"
    assert field.area.hasFocus()
    assert field.area.textCursor().position() == 3


def test_what_is_typed_stays_as_it_was_typed(settings: Settings, qtbot: Any) -> None:
    field = page_of(settings, "number").rows["value"].field
    assert isinstance(field, NumberField)
    field.line.setFocus()
    field.line.selectAll()
    qtbot.keyClicks(field.line, "+2")
    assert field.line.text() == "+2"
    assert settings.session.nodes["it"].inputs == {"value": 2.0}


def test_a_linked_setting_says_what_feeds_it_and_can_be_unlinked(settings: Settings) -> None:
    session = settings.session
    session.do(
        AddNode(
            "seed",
            Node(
                "number",
                {"value": 7.0},
            ),
            {"title": "The seed"},
        )
    )
    page = page_of(settings, "sample", {"seed": Link("seed")})
    row = page.rows["seed"]
    assert not row.field.isVisible()
    assert "The seed" in shown(row)
    row.unlink.trigger()
    assert session.nodes["it"].inputs == {}
    assert row.field.isVisible()
    session.undo()
    assert "The seed" in shown(row)
    [link] = [one for one in row.findChildren(QPushButton) if one.isVisible()]
    link.click()
    assert session.selection == ("seed",)


def test_a_switch_that_a_link_feeds_is_named_in_its_row(settings: Settings) -> None:
    assert settings.session.do(AddNode("one", Node("number", {"value": 1.0})))
    row = page_of(settings, "load_video", {"deinterlace": Link("one")}).rows["deinterlace"]
    assert row.name.window() is settings.window()
    assert row.name.isVisible()
    row.unlink.trigger()
    assert row.field.isVisible()
    assert not row.name.isVisible()


def test_the_panel_follows_a_node_that_goes_and_comes_back(settings: Settings, qtbot: Any) -> None:
    session = settings.session
    page_of(settings, "grade")
    session.do(RemoveNode("it"))
    qtbot.waitUntil(lambda: isinstance(settings.page, GraphPage))
    session.undo()
    session.select(["it"])
    qtbot.waitUntil(lambda: isinstance(settings.page, NodePage))


def test_ports_say_what_feeds_them(settings: Settings) -> None:
    session = settings.session
    session.do(AddNode("clip", Node("load_video", {"path": "a.mp4"})))
    page = page_of(settings, "set_audio", {"video": Link("clip")})
    assert "Load video" in shown(page)
    assert shown(page).count("not linked") == 1


def test_a_starred_setting_and_one_made_an_input_are_in_the_layout(settings: Settings) -> None:
    session = settings.session
    page = page_of(settings, "grade")
    page.rows["contrast"].star.click()
    page.rows["exposure"].make_input.trigger()
    assert session.view_of("it") == {"stars": ["contrast"], "inputs": ["exposure"]}
    page.rows["contrast"].star.click()
    page.rows["exposure"].make_input.trigger()
    assert "stars" not in session.view_of("it")
    assert "inputs" not in session.view_of("it")


def test_a_sixth_star_is_refused_in_words(settings: Settings, qtbot: Any) -> None:
    page = page_of(settings, "overlay_text")
    for row in list(page.rows.values())[:5]:
        row.star.click()
    with qtbot.waitSignal(settings.session.message) as told:
        page.rows["margin"].star.click()
    assert "5" in told.args[1]
    assert not page.rows["margin"].star.isChecked()
    assert "margin" not in settings.session.view_of("it")["stars"]


def test_a_problem_stands_at_the_setting_that_it_is_about(settings: Settings, qtbot: Any) -> None:
    page = page_of(settings, "load_video", {"path": "nowhere.mp4"})
    field = page.rows["path"].field
    qtbot.waitUntil(lambda: "nowhere.mp4" in field.why.text())
    assert field.why.isVisible()
    settings.session.set("it", "path", "resources:media/sea.mp4")
    qtbot.waitUntil(lambda: not field.why.isVisible())


def test_a_click_into_a_line_that_offers_a_list_opens_it_and_other_words_are_left_to_be_typed(
    settings: Settings, qtbot: Any
) -> None:
    field = page_of(settings, "concat").rows["transition"].field
    qtbot.mouseClick(field.line, Qt.MouseButton.LeftButton)
    assert field.box.view().isVisible()
    field.box.hidePopup()
    settings.session.set("it", "transition", ["cut", "crossfade"])
    qtbot.mouseClick(field.line, Qt.MouseButton.LeftButton)
    assert not field.box.view().isVisible()


def test_a_title_is_given_and_taken_away(settings: Settings, qtbot: Any) -> None:
    session = settings.session
    page = page_of(settings, "grade")
    assert page.title.text() == "Grade"
    page.title.setFocus()
    page.title.selectAll()
    qtbot.keyClicks(page.title, "Evening")
    assert session.view_of("it")["title"] == "Evening"
    page.title.selectAll()
    qtbot.keyClick(page.title, Qt.Key.Key_Backspace)
    qtbot.keyClick(page.title, Qt.Key.Key_Return)
    assert "title" not in session.view_of("it")
    assert page.title.text() == "Grade"


def test_several_selected_nodes_are_turned_off_together(settings: Settings, qtbot: Any) -> None:
    session = settings.session
    for id in ("a", "b"):
        session.do(AddNode(id, Node("grade")))
    session.select(["a", "b"])
    qtbot.waitUntil(lambda: isinstance(settings.page, SeveralPage))
    page = settings.page
    assert isinstance(page, SeveralPage)
    assert page.count.text() == "2 nodes selected"
    page.off.click()
    assert [session.nodes[id].off for id in "ab"] == [True, True]
    assert not page.off.isEnabled()
    session.undo()
    assert [session.nodes[id].off for id in "ab"] == [False, False]


def test_a_graph_says_its_title_in_the_language_of_the_window(settings: Settings, qtbot: Any) -> None:
    session = settings.session
    session.put(Graph(view={"title": {"en": "Sea", "ja": "海"}}), None)
    qtbot.waitUntil(lambda: isinstance(settings.page, GraphPage) and settings.page.title.text() == "Sea")
    page = settings.page
    assert isinstance(page, GraphPage)
    qtbot.keyClicks(page.title, "side")
    assert session.layout["title"] == {"en": "Seaside", "ja": "海"}
    page.about.setPlainText("A day out.")
    assert session.layout["about"] == "A day out."


def test_the_name_of_a_setting_is_not_cut(settings: Settings) -> None:
    name = page_of(settings, "concat").rows["transition_seconds"].name
    assert name.width() >= name.fontMetrics().horizontalAdvance(name.text())


def test_a_setting_that_must_be_given_is_not_said_to_be_automatic(session: Session) -> None:
    kind = session.kinds.get("load_video")
    assert kind is not None
    assert shown_value(kind.slots["path"], None) == "–"


def test_a_subgraph_is_entered_from_its_page(settings: Settings) -> None:
    session = settings.session
    part = {"nodes": {"small": {"type": "resize"}}, "inputs": {}, "outputs": {}}
    session.put(
        parse(json.dumps({"vidflow": 1, "nodes": {"it": {"type": "graph:part"}}, "graphs": {"part": part}})), None
    )
    session.select(["it"])
    QApplication.processEvents()
    [enter] = [one for one in settings.findChildren(QPushButton) if one.text() == "Enter the subgraph"]
    enter.click()
    assert session.scope == ("it",)


def test_a_node_of_a_missing_pack_is_said_to_be_missing(settings: Settings) -> None:
    page = page_of(settings, "other.sharpen", {"amount": 2})
    assert any("other.sharpen" in text and "not installed" in text for text in shown(page))


# Problems


def test_advice_calls_nodes_and_types_as_the_canvas_does(session: Session, qtbot: Any) -> None:
    panel = Problems(session)
    qtbot.addWidget(panel)
    clips = {id: Node("load_video", {"path": f"resources:media/{id}.mp4"}) for id in ("sea", "lanterns")}
    joined = Node("concat", {"videos": (Link("sea"), Link("lanterns"))})
    once = Node("resize", {"video": Link("joined"), "width": 320})
    twice = Node("resize", {"video": Link("once"), "width": 320})
    save = Node("save_video", {"video": Link("twice"), "path": "x.mp4"})
    nodes = {**clips, "joined": joined, "once": once, "twice": twice, "save": save}
    session.put(Graph(nodes, view={"nodes": {"once": {"title": "Smaller"}}}), None)
    qtbot.waitUntil(lambda: panel.list.count() == 2)
    told = " ".join(panel.list.item(row).text() for row in range(2))
    assert "Put Harmonise colour before" in told
    assert "'Smaller' before it has the same type" in told


def test_a_click_on_a_problem_goes_to_its_node(session: Session, qtbot: Any) -> None:
    panel = Problems(session)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.isVisible()
    counts: list[int] = []
    panel.counted.connect(counts.append)
    part = Subgraph(
        {
            "look": Node("grade", {"exposure": 99.0, "video": Link("clip")}),
            "clip": Node("load_video", {"path": "x.mp4"}),
        }
    )
    session.put(Graph({"inside": Node("graph:part")}, {"part": part}), None)
    qtbot.waitUntil(lambda: panel.list.count() == 2)
    assert counts == [2]
    texts = [panel.list.item(row).text() for row in range(2)]
    [place] = [row for row, text in enumerate(texts) if "99.0 is out of range" in text]
    assert texts[place].startswith("part / Grade, exposure: ")
    panel.list.itemClicked.emit(panel.list.item(place))
    assert (session.scope, session.selection) == (("inside",), ("look",))
    session.new()
    qtbot.waitUntil(panel.empty.isVisible)
    assert counts == [2, 0]


# Runs and the log


def test_a_run_shows_what_it_made_and_what_failed(
    session: Session, runner: Runner, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, log = Runs(session, runner), Log(session, runner)
    for one in (panel, log):
        qtbot.addWidget(one)
        one.show()
    assert "Nothing has run yet. Run makes what the graph describes." in shown(panel)
    moon = resource("media/moon.png").as_posix()
    nodes = {
        "moon": {"type": "load_image", "inputs": {"path": moon}},
        "save": {"type": "save_image", "inputs": {"image": {"from": "moon"}, "path": "moon.png"}},
    }
    session.put(parse(json.dumps({"vidflow": 1, "nodes": nodes})), tmp_path / "moon.json")
    with qtbot.waitSignal(runner.finished, timeout=20_000):
        runner.run()
    made = tmp_path / "outputs" / "moon.png"
    texts = shown(panel)
    assert "moon.png" in texts
    assert any(text.startswith("Done") for text in texts)
    assert any(text.endswith("kB") for text in texts)
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    for name in ("Show moon.png in folder", "Open moon.png"):
        [one] = [each for each in panel.findChildren(QPushButton) if each.accessibleName() == name]
        one.click()
    assert opened == [str(made.parent), str(made)]
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: False)
    with qtbot.waitSignal(session.message) as told:
        one.click()
    assert told.args == ["warn", f"Nothing on this system opens {made}."]
    assert "Run of moon began." in log.text.toPlainText()

    session.set("moon", "path", "gone.png")
    with qtbot.waitSignal(runner.finished, timeout=20_000):
        runner.run()
    session.select(["save"])
    assert any("gone.png" in text for text in shown(panel))
    [link] = [one for one in panel.findChildren(QPushButton) if one.accessibleName() == "Go to Load image"]
    link.click()
    assert session.selection == ("moon",)


def test_a_waiting_run_is_cancelled_in_the_queue(session: Session, runner: Runner, qtbot: Any) -> None:
    panel = Runs(session, runner)
    qtbot.addWidget(panel)
    panel.show()
    # The engine is not made, so that the first run stays where it is.
    runner.with_engine = lambda callback: None  # type: ignore[method-assign]
    session.put(Graph(), None)
    first, second = runner.run(), runner.run()
    assert "Waiting, number 1" in shown(panel)
    buttons = [one for one in panel.findChildren(QPushButton) if one.isVisible()]
    buttons[-1].click()
    assert second.status == "cancelled"
    assert runner.queue == []
    assert runner.current is first
    assert "Waiting, number 1" not in shown(panel)
    assert any(text.startswith("Cancelled") for text in shown(panel))


def test_the_log_holds_messages_and_warnings_of_any_thread(session: Session, runner: Runner, qtbot: Any) -> None:
    import threading

    log = Log(session, runner)
    qtbot.addWidget(log)
    log.show()
    session.message.emit("error", "The disk is full.")
    worker = threading.Thread(target=lambda: logging.getLogger("any").warning("slow %s", "disk"))
    worker.start()
    worker.join()
    chatty = logging.getLogger("chatty")
    chatty.setLevel(logging.INFO)
    chatty.info("nobody asked")
    qtbot.waitUntil(lambda: "slow disk" in log.text.toPlainText())
    lines = log.text.toPlainText().splitlines()
    assert [line[10:] for line in lines] == ["The disk is full.", "slow disk"]
    log.copy.click()
    assert "The disk is full." in QGuiApplication.clipboard().text()
    log.clear.click()
    assert log.text.toPlainText() == ""


# Welcome


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    from vidflow.gui.panels import filefields, welcome

    made = Library()
    for module in (welcome, filefields):
        monkeypatch.setattr(module, "library", lambda: made)
    yield made
    # Were the thread that lists the last to let go of it, Qt would meet its end there, and crash.
    for thread in threading.enumerate():
        if thread.name == "models":
            thread.join()


@pytest.fixture
def welcome(session: Session, runner: Runner, library: Library, qtbot: Any) -> Welcome:
    page = Welcome(session, runner)
    page.resize(800, 700)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: library.known)
    return page


def test_a_click_or_return_on_a_sample_opens_it(welcome: Welcome, qtbot: Any) -> None:
    card = welcome.cards[0]
    assert card.accessibleName() == "Open the sample First film"
    opened: list[str] = []
    welcome.open_asked.connect(opened.append)
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.keyClick(card, Qt.Key.Key_Return)
    assert [Path(one).name for one in opened] == ["first_film.json"] * 2


def test_every_card_has_room_for_its_words(welcome: Welcome) -> None:
    for width in (360, 500, 1100):
        welcome.resize(width, 700)
        QApplication.processEvents()
        for card in welcome.cards:
            for one in card.findChildren(QLabel):
                if one.isVisibleTo(card):
                    assert one.height() >= one.heightForWidth(one.width()), (width, one.text())


def test_samples_without_a_model_come_first_and_the_others_name_theirs(welcome: Welcome) -> None:
    needs = [bool(card.badges) for card in welcome.cards]
    assert needs == sorted(needs)
    texts = shown(welcome)
    assert "Needs genmo/mochi-1-preview" in texts
    assert any(text.endswith("GB of memory.") or "CPU cores" in text for text in texts) or not welcome._machine


def test_a_way_of_a_node_is_no_model_that_a_sample_needs(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    @node(title="Between", category="Test")
    def between(*, model: Annotated[str, Weights(kinds=("IFNet",), own=("of/flow",))]) -> int:
        """A node with a model."""
        return 0

    for name in ("of/flow", "org/rife"):
        text = json.dumps({"vidflow": 1, "nodes": {"it": {"type": "between", "inputs": {"model": name}}}})
        (tmp_path / f"{name.replace('/', '-')}.json").write_text(text, "utf-8")
    monkeypatch.setattr("vidflow.gui.panels.welcome.samples", lambda: tmp_path)
    session = Session(Registry([read_node(between)]))
    runner = Runner(session)
    page = Welcome(session, runner)
    qtbot.addWidget(page)
    needs = {card.sample.path.stem: [badge.need.name for badge in card.badges] for card in page.cards}
    runner.close()
    session.close()
    assert needs == {"of-flow": [], "org-rife": ["org/rife"]}


def test_a_model_comes_once_its_size_and_licence_were_agreed_to(
    welcome: Welcome, library: Library, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidflow.models import hub
    from vidflow.models.library import Licence

    came: list[tuple[str, bool]] = []

    def fetch(name: str, revision: str | None, variant: str | None, watch: hub.Watch) -> Path:
        watch.began(hub.Plan(name, "main", "0" * 40, Licence("apache-2.0"), (), 5_000_000_000, 4_000_000_000))
        came.append((name, library.fetches[name].answered.is_set()))
        watch.moved(2_500_000_000)
        raise ModelError("The hub does not answer; try again later.")

    monkeypatch.setattr(hub, "fetch", fetch)
    name = "genmo/mochi-1-preview"
    [badge] = [one for card in welcome.cards for one in card.badges if one.need.name == name]
    badge.get.click()
    qtbot.waitUntil(lambda: badge.get.text() == "Download" and badge.get.isVisible())
    assert badge.words.text() == "genmo/mochi-1-preview: 4.0 GB to fetch, licence apache-2.0"
    assert came == []
    badge.get.click()
    qtbot.waitUntil(lambda: badge.words.text() == "The hub does not answer; try again later.")
    assert came == [(name, True)]
    assert badge.get.text() == "Get"


def test_a_model_that_is_not_wanted_after_all_does_not_come(
    welcome: Welcome, library: Library, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidflow.models import hub
    from vidflow.models.library import Licence

    came: list[str] = []

    def fetch(name: str, revision: str | None, variant: str | None, watch: hub.Watch) -> Path:
        watch.began(hub.Plan(name, "main", "0" * 40, Licence("other"), (), 5, 5))
        came.append(name)
        return Path()

    monkeypatch.setattr(hub, "fetch", fetch)
    badge = welcome.cards[-1].badges[0]
    badge.get.click()
    qtbot.waitUntil(lambda: badge.get.text() == "Download")
    badge.stop.click()
    qtbot.waitUntil(lambda: badge.need.name not in library.fetches)
    assert came == []
    assert badge.words.text() == f"Needs {badge.need.name}"


def test_recent_files_are_opened_from_the_welcome_page(welcome: Welcome, tmp_path: Path, qtbot: Any) -> None:
    from vidflow.gui.recovery import remember_file

    path = tmp_path / "mine.json"
    path.write_text("{}")
    remember_file(path)
    welcome.hide()
    welcome.show()
    [link] = [one for one in welcome.findChildren(QPushButton) if one.text() == "mine.json"]
    with qtbot.waitSignal(welcome.open_asked) as told:
        link.click()
    assert told.args == [str(path)]
