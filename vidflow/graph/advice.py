"""Advice about a graph that can run: what tends to go wrong with generated film, said before it costs an hour.

Rules go by the types and inputs of the core pack; nothing is known of what another pack's nodes do to a video, so
nothing is said of what comes out of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

from vidflow.errors import ModelError, Problem
from vidflow.graph.check import Checked, CheckedNode
from vidflow.graph.document import Link
from vidflow.graph.wording import cut, shown

LONGEST = 10
"""Seconds that a model holds a shot together, at the most."""

_FLOWS = frozenset({"video", "image", "latents"})
_SOURCES = frozenset({"load_video", "image_sequence", "sample"})
_FINISHES = ("interpolate", "upscale")
_FINISHING = {"interpolate": "interpolation", "upscale": "upscaling"}
_ONCE = {
    "interpolate": "Set its factor or rate once, for the whole step.",
    "upscale": "Set its scale or height once, for the whole step.",
    "harmonise_colour": "Keep the one whose reference is right.",
}
"""Types that do harm a second time, and what to do instead."""
_SAME = frozenset({"grade", "overlay_text", "resize", "change_rate"})
"""Types that are a slip where one follows another with the same settings."""
_WORDS = ("scene", "motion_details", "style", "suffix")


@dataclass(frozen=True, slots=True)
class _Film:
    """What is known of a video (or of latents): `shot` names it, None where its colour is harmonised or not known;
    `raw` holds what a generated one still lacks; `by` says which node did what does harm a second time."""

    shot: str | None = None
    raw: tuple[str, ...] = ()
    by: tuple[tuple[str, str], ...] = ()


_UNKNOWN = _Film()


def advice(checked: Checked) -> tuple[Problem, ...]:
    """Notes about the nodes of a check without errors, in their order; each names its node and says what to do."""
    return tuple(_Advice(checked.nodes).notes()) if not checked.errors else ()


class _Advice:
    def __init__(self, nodes: Mapping[str, CheckedNode]) -> None:
        self._nodes = nodes
        self._films: dict[str, _Film] = {}
        self._ports: dict[str, tuple[str, ...]] = {}
        self._decoders: dict[str, list[CheckedNode]] = {}
        self._rules: dict[str, Callable[[CheckedNode], Iterator[Problem]]] = {
            "build_prompt": self._prompt,
            "sample": self._sample,
            "concat": self._joined,
            "save_video": self._delivered,
            **dict.fromkeys(_ONCE, self._stacked),
            **dict.fromkeys(_SAME, self._repeated),
        }

    def notes(self) -> Iterator[Problem]:
        """All of them, in one pass over the nodes, each of which stands after those it reads."""
        for node in self._nodes.values():
            if node.spec.type == "decode_latents":
                for link in _links(node, "latents"):
                    self._decoders.setdefault(link.node, []).append(node)
        films, known = self._films, self._ports
        for id, node in self._nodes.items():
            type = node.spec.type
            ports = known.get(type)
            if ports is None:
                ports = known[type] = self._ports_of(node)
            link = node.links.get(ports[0]) if len(ports) == 1 and type not in _ONCE else None
            if link.__class__ is Link:
                films[id] = films.get(cast("Link", link).node, _UNKNOWN)
            elif ports or type in _SOURCES:
                films[id] = self._film(node, ports)
            rule = self._rules.get(type)
            if rule is not None:
                yield from rule(node)

    def _ports_of(self, node: CheckedNode) -> tuple[str, ...]:
        """The inputs through which video comes that this type passes on, as far as that is known."""
        type = node.spec.type
        if node.spec.pack != "core" or type in _SOURCES:
            return ()
        if type == "harmonise_colour":
            return ("video",)
        return tuple([one.name for one in node.spec.inputs if one.type.name in _FLOWS])

    # What flows

    def _film(self, node: CheckedNode, ports: tuple[str, ...]) -> _Film:
        type, id = node.spec.type, node.id
        if type == "sample":
            return _Film(id, _FINISHES)
        if type in _SOURCES:
            path = node.values.get("path")
            return _Film(f"file {path}" if path is not None else id)
        films = list(
            dict.fromkeys(self._films.get(link.node, _UNKNOWN) for port in ports for link in _links(node, port))
        )
        if not films:
            return _UNKNOWN
        film = films[0] if len(films) == 1 else self._together(id, films)
        if type in _FINISHING:
            film = replace(film, raw=tuple([one for one in film.raw if one != type]))
        if type in _ONCE:
            film = replace(film, by=tuple({**dict(film.by), type: id}.items()))
        return replace(film, shot=None) if type == "harmonise_colour" else film

    def _together(self, id: str, films: list[_Film]) -> _Film:
        """Several videos in one."""
        shots = {film.shot for film in films if film.shot is not None}
        raw = tuple([one for one in _FINISHES if any(one in film.raw for film in films)])
        # Shots that were brought together may be brought to another look as a whole.
        by = {type: by for film in films for type, by in film.by if type != "harmonise_colour"}
        return _Film(shots.pop() if len(shots) == 1 else id if shots else None, raw, tuple(by.items()))

    # Rules

    def _prompt(self, node: CheckedNode) -> Iterator[Problem]:
        # Its patterns take 10 ms to compile, which a graph without prompts need not wait for.
        from vidflow.graph.prompts import names_camera, names_motion, nothing_to_see, writing_asked

        texts: dict[str, str] = {}
        for one in node.spec.inputs:
            # Quotes that force free text are no words in the picture, so what is judged is what the model is told.
            value = one.hint.canonical(node.values.get(one.name)) if one.name in _WORDS else None
            if isinstance(value, str) and value.strip():
                texts[one.name] = value
        for name, text in texts.items():
            asked = writing_asked(text)
            if asked is not None:
                message = f"This asks for writing or numbers in the picture ({shown(asked)}), which models get wrong."
                hint = "Leave it out of the prompt and lay it over afterwards with overlay_text."
                yield _note("text-in-picture", message, node, hint, name)
                break
        scene = texts.get("scene")
        if scene is None:
            return
        said = " ".join([scene, texts.get("motion_details", "")])
        missing: list[str] = []
        if not _given(node, "camera") and not names_camera(said):
            missing.append("camera")
        if not _given(node, "motion") and not _given(node, "motion_details") and not names_motion(said):
            missing.append("motion")
        if missing:
            message = f"This prompt says nothing of {' or '.join(missing)}, so the model will choose."
            hint = f"Set {' and '.join(missing)}, for example {' and '.join(map(_EXAMPLES.__getitem__, missing))}."
            yield _note("no-camera-or-motion", message, node, hint)
        if nothing_to_see(said):
            message = "This scene names feelings and ideas, but hardly anything that could be seen."
            hint = "Say who or what is in the picture, where, and in what light."
            yield _note("nothing-to-see", message, node, hint, "scene")

    def _sample(self, node: CheckedNode) -> Iterator[Problem]:
        frames = node.values.get("frames")
        rates = [rate for one in self._decoders.get(node.id, ()) if (rate := _rate(one.values.get("rate")))]
        if not rates and (family := self._family_rate(node)):
            rates = [family]
        if not isinstance(frames, int) or not rates:
            return
        rate = max(rates)
        if frames / rate > LONGEST:
            seconds = float(frames / rate)
            message = (
                f"{frames} frames at {_number(rate)} a second are {seconds:.1f} s in one go; models hold 4 to 10 s."
            )
            hint = "Make shots of 3 to 5 s and join them with concat."
            yield _note("long-sample", message, node, hint, "frames")

    def _family_rate(self, node: CheckedNode) -> Fraction | None:
        """The rate that the sampled model was made for, where it is here."""
        for link in _links(node, "model"):
            source = self._nodes[link.node]
            name = source.values.get("model") if source.spec.type == "load_model" else None
            if isinstance(name, str):
                return _rate_of(name, source.values.get("revision") or None, source.values.get("variant") or None)
        return None

    def _joined(self, node: CheckedNode) -> Iterator[Problem]:
        shots = {self._films.get(link.node, _UNKNOWN).shot for link in _links(node, "videos")} - {None}
        if len(shots) > 1:
            message = f"{len(shots)} shots are joined as they are, so the colour may jump from one to the next."
            hint = "Put harmonise_colour before all but one of them, with that one as the reference."
            yield _note("uneven-colour", message, node, hint, "videos")

    def _delivered(self, node: CheckedNode) -> Iterator[Problem]:
        raw = self._films[node.id].raw
        if raw:
            message = f"Generated video is delivered without {' and '.join(_FINISHING[one] for one in raw)}."
            hint = f"Put {' and '.join(raw)} before it: models give few and small frames."
            yield _note("raw-generated", message, node, hint, "video")

    def _stacked(self, node: CheckedNode) -> Iterator[Problem]:
        type = node.spec.type
        for link in _links(node, "video"):
            earlier = dict(self._films.get(link.node, _UNKNOWN).by).get(type)
            if earlier is not None:
                message = f"This video has been through {type} already, in {shown(earlier)}."
                yield _note("stacked-twice", message, node, _ONCE[type], "video")

    def _repeated(self, node: CheckedNode) -> Iterator[Problem]:
        for link in _links(node, "video"):
            source = self._nodes[link.node]
            if source.spec is not node.spec or source.values != node.values:
                continue
            if _others(source) == _others(node):
                message = f"{shown(source.id)} before it has the same type and the same settings."
                yield _note("stacked-twice", message, node, "Take one of the two away.", "video")


_EXAMPLES = {"camera": "'dolly in' or 'static'", "motion": "'people' or 'subtle'"}


def _note(code: str, message: str, node: CheckedNode, hint: str, input: str | None = None) -> Problem:
    return Problem(code, cut(message), node.id, input, hint, "note")


def _links(node: CheckedNode, input: str) -> list[Link]:
    link = node.links.get(input)
    if link is None:
        return []
    entries = cast("tuple[Any, ...]", link if isinstance(link, tuple) else (link,))
    return [one for one in entries if isinstance(one, Link)]


def _others(node: CheckedNode) -> dict[str, Any]:
    """The settings that are fed by links."""
    return {name: link for name, link in node.links.items() if name != "video"}


def _given(node: CheckedNode, input: str) -> bool:
    """Whether there is something at a setting, or something will come along a link."""
    value = node.values.get(input)
    return input in node.links or (value is not None and bool(str(value).strip()))


def _rate_of(name: str, revision: str | None, variant: str | None) -> Fraction | None:
    """Frames per second of what a model makes, by its family."""
    from vidflow.models.checkpoint import read_checkpoint
    from vidflow.models.families import family_of
    from vidflow.models.library import find

    try:
        checkpoint = read_checkpoint(find(name, revision).folder, variant)
        family = family_of(checkpoint)
    except ModelError:
        return None
    return family.rules(checkpoint).rate if family.pipelines else None


def _rate(value: Any) -> Fraction | None:
    """Frames per second as a setting holds them: a number, or text such as `30000/1001`."""
    if value is None or isinstance(value, bool):
        return None
    try:
        rate = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        return None
    return rate if rate > 0 else None


def _number(rate: Fraction) -> str:
    return str(rate.numerator) if rate.denominator == 1 else f"{float(rate):.5g}"
