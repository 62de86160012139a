"""Messages of checks and of the engine in the user's language.

They are English where they are made, as the command line, logs and programs read them. Here each is known by its
wording, `{}` standing for what was given, and said again with the same things in it. What is not known stays English.
"""

from __future__ import annotations

import re
import string
from functools import cache

from vidflow.errors import Problem
from vidflow.gui.words import language, tr
from vidflow.gui.words import later as _

MESSAGES = (
    # Links and nodes
    _("Nothing comes in here; expected {}."),
    _('Link it: {{"from": "node"}}.'),
    _("This setting is missing; expected {}."),
    _("{} feeds this input, but is off and passes nothing on."),
    _("Turn it on."),
    _("There is no node {} to link from."),
    _("There is no node {}."),
    _("There is no node {} to run."),
    _("Did you mean {}?"),
    _("These nodes feed each other in a circle: {}."),
    _("Take away one of these links."),
    _("{} has no input {}."),
    _("Its inputs are {}."),
    _("{} has no output {}."),
    _("{} has no output."),
    _("Its outputs are {}."),
    _("{} gives {}; expected {}."),
    _("The type {} belongs to the pack {}, which is missing."),
    _("Install the pack, or list it in VIDFLOW_PACKS."),
    _("There is no node type {}."),
    _("`vidflow nodes` lists all types."),
    _("The type {} is not known here."),
    _("There is no subgraph {} in this graph."),
    _("The subgraph {} has no port {}."),
    _("The subgraph {} has no output {}."),
    _("This node is off and has no input of its output's type, so nothing comes out of it."),
    _("This version does not know the field {}."),
    _("It is kept, but the graph cannot run with it."),
    _("No node of this graph would run."),
    _("The port {} of this subgraph feeds this input already."),
    # Values
    _("From {}: {}"),
    _("{} stands here; expected {}."),
    _("{} stands here; expected {}, along a link."),
    _('Write {{"from": "node"}}.'),
    _("A list stands here; expected {}, one and not several."),
    _("This setting is empty; expected {}."),
    _("{} is not {}."),
    _("{} is not a finite number."),
    _("{} is out of range: expected {} to {}."),
    _("{} is out of range: expected {}."),
    _("{} is none of {}."),
    _("{} is no seed: expected 0 to {}."),
    _("{} is no colour: expected #rrggbb, for example #ffcc00."),
    _("{} is no frame rate: expected for example 24, 23.976 or 30000/1001."),
    _("Write the number without quotes."),
    _("Put it in quotes."),
    _("Write {} without a decimal point."),
    # Files
    _("There is no file {}."),
    _("There is no folder {}."),
    _("It was looked for in {}."),
    _("No file matches {}."),
    _("This path is empty."),
    _("Give the name of a file."),
    _("{} is no file shipped with vidflow."),
    _("Write resources:NAME, without '..' in it."),
    _("{} is a folder; expected a file."),
    _("{} is an empty file."),
    _("Choose another one."),
    _("{} is a file; expected a folder, or a pattern such as 'shots/*.png'."),
    _("This output name is empty."),
    _("{} has a brace that is no placeholder."),
    _("{} holds {}, which is no placeholder."),
    _("A name may hold {{graph}}, {{each}}, {{n}}, {{n:04}} and {{node.input}}."),
    _("{} begins with ~, which is not followed."),
    _("Write a name below the output folder."),
    _("{} has a backslash."),
    _("Write / between folders."),
    _("{} names a folder; expected a file."),
    _("{} is outside of the output directory."),
    _(
        "Write a name below the output directory, choose another one with --output-dir, or allow more with "
        "--allow-write."
    ),
    _("{} ends in {}; expected {}."),
    _("{} has no ending; expected {}."),
    _("{} names no setting of this graph."),
    _("{} is written by {} too."),
    _("Give each output a name of its own."),
    _("{} would replace the file that {} reads."),
    _("Choose another name."),
    # Opening, saving and editing
    _("There is a {} {} already."),
    _("{} cannot be the name of a {}."),
    _("A name begins with a letter or _ and goes on with letters, digits, _ and -."),
    _("The graph cannot be saved as {}: {}."),
    _("Nothing was changed there."),
    _("{} carries no graph."),
    _("Only movies that vidflow wrote with embed_graph on do; name the graph's own file."),
    _("This is no vidflow graph: the field 'vidflow', the version of the format, is missing."),
    _("This graph was made by a newer vidflow: its format is {}, this vidflow reads up to {}."),
    _("Update vidflow to open it."),
    _("A graph file begins with {}."),
    _("A graph is an object, not {}."),
    _("This file is not UTF-8 text, so it is no graph file."),
    _("This text holds no nodes to paste."),
    _("Copy nodes first."),
    _("No node is selected."),
    _("Select what is to be one subgraph."),
    _("A path leaves the selection at {} and comes back through {}."),
    _("Select {} as well, or leave {} out."),
    _("The subgraph {} cannot contain itself."),
    _("Paste elsewhere."),
    # Generating
    _("There is no model {}: none in the box has that name, and there is no such file or folder."),
    _("A model of the hub is called org/name."),
    _("{} is not here."),
    _("{} is not here in revision {}."),
    _("{} fetches it."),
    _("{} was fetched in half: {}."),
    _("{} goes on where it stopped."),
    _("Its weights take {}, and this machine has {} of memory."),
    _("Choose a smaller model, or the dtype bfloat16."),
    _("Its {} takes {}, and the GPU here has {}."),
    _("Set memory to low."),
    _("{} makes no video."),
    _("Link a model that does."),
    _("The prompt is encoded by {}, but this model is {}."),
    _("Give encode_text the same model."),
    _("An image is linked here, so what is made has one frame."),
    _("The negative prompt does not count here."),
    _("Set guidance over 1."),
    _("Every part of the prompt is empty."),
    _("every part of the prompt is empty; say in scene what is to be seen."),
    _("Say in it what is to be seen."),
    # Advice
    _("This asks for writing or numbers in the picture ({}), which models get wrong."),
    _("Leave it out of the prompt and lay it over afterwards with overlay_text."),
    _("This prompt says nothing of {}, so the model will choose."),
    _("Set {}, for example {}."),
    _("This scene names feelings and ideas, but hardly anything that could be seen."),
    _("Say who or what is in the picture, where, and in what light."),
    _("{} frames at {} a second are {} s in one go; models hold 4 to 10 s."),
    _("Make shots of 3 to 5 s and join them with concat."),
    _("{} shots are joined as they are, so the colour may jump from one to the next."),
    _("Put harmonise_colour before all but one of them, with that one as the reference."),
    _("Generated video is delivered without {}."),
    _("Put {} before it: models give few and small frames."),
    _("This video has been through {} already, in {}."),
    _("{} before it has the same type and the same settings."),
    _("Take one of the two away."),
    _("Set its factor or rate once, for the whole step."),
    _("Set its scale or height once, for the whole step."),
    _("Keep the one whose reference is right."),
    # Interpolation and upscaling
    _("Both factor and rate are set."),
    _("Both scale and height are set."),
    _("Leave one of them empty."),
    _("The model 'flow' has no use for this."),
    _("Leave it as it was."),
    _("This needs torch, which is not installed."),
)
"""Sentences, as they are made anywhere below the editor."""

PHRASES = (
    _("a whole number"),
    _("a number"),
    _("true or false"),
    _("text"),
    _("sound"),
    _("an image"),
    _("latents"),
    _("a video"),
    _("a prompt"),
    _("a model"),
    _("a conditioning"),
    _("a report"),
    _("a list of videos"),
    _("a list of reports"),
    _("a list of whole numbers"),
    _("a list of numbers"),
    _("a list of texts"),
    _("a file"),
    _("a folder"),
    _("a file name ending in {}"),
    _("at least {}"),
    _("at most {}"),
    _("The text {}"),
    _("a list"),
    _("an object"),
    _("{} or {}"),
    _("{} and {}"),
    _("camera"),
    _("motion"),
    _("interpolation"),
    _("upscaling"),
    _("node"),
    _("subgraph"),
)
"""What stands in a sentence in the place of a `{}`."""

WEAK = 12
"""Letters."""


def worded(problem: Problem) -> tuple[str, str]:
    """The sentence and the hint of a problem."""
    return told(problem.message), told(problem.hint)


def whole(problem: Problem) -> str:
    """A problem with its place on one line, as `str` gives it in English."""
    text = _together(*worded(problem))
    return f"{problem.place}: {text}" if problem.place else text


def beside(problem: Problem) -> str:
    """A problem as it stands where its place is plain to see."""
    message, hint = worded(problem)
    # To link an input the hint of the command line says what to write in the file.
    return message if problem.code == "missing-input" else _together(message, hint)


def told(text: str) -> str:
    """A message of one sentence or several, with or without its place, on one line or several."""
    if not text or language() == "en":
        return text
    return "\n".join(_line(one) for one in text.split("\n"))


def _line(text: str) -> str:
    found = _sentences(text)
    place = re.match(r"[\w./-]+: ", text)
    if found is None and place is not None:
        rest = _sentences(text[place.end() :])
        found = None if rest is None else place[0] + rest
    return text if found is None else found


def _sentences(text: str) -> str | None:
    """One sentence that is known, and what follows it; None where the first is not."""
    for end in re.finditer(r"[.?] ", text):
        first = _known(text[: end.end() - 1], MESSAGES)
        if first is not None:
            rest = text[end.end() :]
            return _together(first, _sentences(rest) or rest)
    return _known(text, MESSAGES)


def _together(*sentences: str) -> str:
    """Sentences one after the other; Japanese has no blank after its full stop."""
    text = " ".join(one for one in sentences if one)
    return text.replace("。 ", "。").replace("？ ", "？")


def _known(text: str, among: tuple[str, ...]) -> str | None:
    for pattern, template, weak in _patterns(among):
        match = pattern.fullmatch(text)
        given = [_given(one) for one in match.groups()] if match is not None else []
        if match is not None and any(_broken(one) for one in match.groups()):
            continue
        if match is not None and not (weak and any(known is None for known in given)):
            said = [one if known is None else known for one, known in zip(match.groups(), given, strict=True)]
            return tr(template).format(*said)
    return None


def _broken(text: str) -> bool:
    """Whether a full stop in quotes was taken for the end of a sentence."""
    return text[:1] in ("'", '"') and text[-1:] != text[:1]


def _given(text: str) -> str | None:
    """What was given, in the brackets of the user's language where it was in quotes; None for English words."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text.count(text[0]) == 2:
        return f"「{text[1:-1]}」"
    if re.fullmatch(r"[.a-z0-9_]+(, [.a-z0-9_]+)*", text):
        return _known(text, PHRASES) or "、".join(_named(one) for one in text.split(", "))
    return _known(text, PHRASES) or _sentences(text) or (None if re.search(r"[A-Za-z]+\s", text) else text)


def _named(name: str) -> str:
    """An input, an output, a choice or a node type as the window calls it."""
    words = name.replace("_", " ")
    found = tr(words)
    return found if found != words else tr(words.capitalize()) if tr(words.capitalize()) != words.capitalize() else name


@cache
def _patterns(among: tuple[str, ...]) -> list[tuple[re.Pattern[str], str, bool]]:
    """The templates as patterns, those with the most words of their own first, and whether one has so few that it
    fits much that it was not made for."""
    found: list[tuple[int, re.Pattern[str], str]] = []
    for template in among:
        parts = list(string.Formatter().parse(template))
        pattern = "".join(re.escape(words) + ("(.+?)" if name is not None else "") for words, name, _, _ in parts)
        found.append((-sum(len(words) for words, *_ in parts), re.compile(pattern, re.DOTALL), template))
    found.sort(key=lambda one: one[0])
    return [(pattern, template, own > -WEAK) for own, pattern, template in found]
