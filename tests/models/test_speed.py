"""What makes sampling faster does its work, and is undone afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.models.cases import NEGATIVE, Case, model_of, named, ours, request_of
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import families, family
from vidflow.models.family import ATTENTION, Request
from vidflow.models.loading import loaded

pytestmark = [
    pytest.mark.usefixtures("one_thread", "empty"),
    pytest.mark.filterwarnings(
        "ignore:In CPU autocast, but the target dtype is not supported",
        "ignore:torch.meshgrid",  # in FasterCache
    ),
]
STEPS = 8
PROMPTED = ("ltx-text", "wan-text", "cogvideox-text", "hunyuan-text", "mochi-text")
CACHED = [(name, cache) for name in PROMPTED for cache in ("first_block", "pyramid")] + [
    ("cogvideox-text", "faster"),
    ("mochi-text", "faster"),
]


def blocks(part: Any) -> list[Any]:
    """The blocks of a transformer."""
    return [one for name in ("blocks", "transformer_blocks") for one in getattr(part, name, ())]


@contextmanager
def counted(kind: type) -> Any:
    """How often modules of a class have computed anything."""
    calls = [0]
    forward = kind.forward

    def counting(self: Any, *given: Any, **named_: Any) -> Any:
        calls[0] += 1
        return forward(self, *given, **named_)

    kind.forward = counting
    try:
        yield calls
    finally:
        kind.forward = forward


def attention_of(model: Any) -> type:
    """The class that computes attention in a model's last block."""
    with loaded(model, family(model.family).denoisers, "cpu") as parts:
        last = blocks(next(iter(parts.values())))[-1]
        return type(next(one for one in last.modules() if hasattr(one, "processor")))


@pytest.mark.parametrize(("name", "cache"), CACHED)
def test_a_cache_computes_less_and_is_gone_afterwards(name: str, cache: str, checkpoint: Callable[[str], Path]) -> None:
    case = named(name)
    if case.checkpoint == "wan":
        case = replace(case, checkpoint="wan_deep")
    model = model_of(case, checkpoint(case.checkpoint), checkpoint, dtype="float32")
    kind = attention_of(model)
    with counted(kind) as plainly:
        wanted, _ = ours(model, case, NEGATIVE, steps=STEPS)
    threshold = 10.0 if cache == "first_block" else None
    with counted(kind) as fewer:
        latents, _ = ours(model, case, NEGATIVE, steps=STEPS, cache=cache, cache_threshold=threshold)
    assert torch.isfinite(latents.tensor).all()
    assert fewer[0] < 0.95 * plainly[0]
    again, _ = ours(model, case, NEGATIVE, steps=STEPS)
    assert torch.equal(again.tensor, wanted.tensor)


@pytest.mark.parametrize("name", ["wan-text", "ltx-text", "hunyuan-text"])
def test_attention_computed_another_way_is_nearly_the_same_and_nobody_elses(
    name: str, checkpoint: Callable[[str], Path]
) -> None:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry as registry

    case = named(name)
    model = model_of(case, checkpoint(case.checkpoint), checkpoint, dtype="float32")
    wanted, _ = ours(model, case, NEGATIVE)
    before = registry._active_backend
    latents, _ = ours(model, case, NEGATIVE, attention="math")
    assert registry._active_backend is before
    assert 0 < (latents.tensor - wanted.tensor).abs().max() < 1e-3
    with loaded(model, family(model.family).denoisers, "cpu") as parts:
        chosen = {
            getattr(one.processor, "_attention_backend", None)
            for one in parts["transformer"].modules()
            if hasattr(one, "processor")
        }
    assert chosen == {None}
    assert torch.equal(ours(model, case, NEGATIVE)[0].tensor, wanted.tensor)


def test_compiled_blocks_are_nearly_the_same_and_nobody_elses(checkpoint: Callable[[str], Path]) -> None:
    case = named("wan-text")
    model = model_of(case, checkpoint("wan"), checkpoint, dtype="float32")
    wanted, _ = ours(model, case, NEGATIVE)
    compiled = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    latents, _ = ours(model, case, NEGATIVE, compiled=True)
    once = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert once > compiled
    assert (latents.tensor - wanted.tensor).abs().max() < 1e-3
    again, _ = ours(model, case, NEGATIVE, compiled=True)
    # What was compiled for one twin serves the next.
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == once
    assert torch.equal(again.tensor, latents.tensor)
    with loaded(model, ("transformer",), "cpu") as parts:
        assert all(one._compiled_call_impl is None for one in parts["transformer"].modules())
    assert torch.equal(ours(model, case, NEGATIVE)[0].tensor, wanted.tensor)


def test_only_what_works_is_offered(checkpoint: Callable[[str], Path]) -> None:
    for found in families():
        assert set(found.caches) <= {"first_block", "pyramid", "faster"}
    everything = {"attention": "math", "cache": "faster", "cache_threshold": 0.1, "compiled": True}
    unused = {
        name: {
            one.input
            for one in family(name.split("-")[0]).unused(read_checkpoint(checkpoint(name.split("-")[0])), asked(name))
        }
        for name in ("wan-text", "cogvideox-text", "svd-image")
    }
    assert unused["wan-text"] == {"cache_threshold"}
    assert unused["cogvideox-text"] == {"attention", "cache_threshold", "compiled"}
    wrong = [one.message for one in family("wan").wrong(read_checkpoint(checkpoint("wan")), asked("wan-text"))]
    assert wrong == ["Wan has no cache 'faster'."]
    assert unused["svd-image"] == set(everything)


def asked(name: str) -> Request:
    """A request for every kind of speed."""
    return Request(image=name.endswith("image"), attention="math", cache="faster", cache_threshold=0.1, compiled=True)


def test_a_package_that_is_missing_is_said_before_the_run(checkpoint: Callable[[str], Path]) -> None:
    case: Case = named("wan-text")
    request = request_of(case, checkpoint("wan"))
    for name, attention in ATTENTION.items():
        wrong = list(family("wan").wrong(read_checkpoint(checkpoint("wan")), Request(attention=name)))
        assert [one.input for one in wrong] == (["attention"] if attention.package else [])
    assert request.attention is None
