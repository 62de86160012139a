"""What makes sampling faster: attention kernels, compiled blocks, steps taken from what earlier ones computed.

All of it is done to a twin of a denoiser (see `loading.twin`), which shares its weights and is dropped afterwards:
nothing of it is left for whoever samples next, and a more urgent sampling between two steps does not meet it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vidflow.models.family import ATTENTION, Family, Request
from vidflow.models.loading import quietly


def is_asked_for(request: Request) -> bool:
    """Whether a denoiser has to be changed for `request`."""
    return bool(request.attention or request.cache or request.compiled)


def speed_up(found: Family, part: Any, request: Request, timestep: Callable[[], Any]) -> None:
    """Make a denoiser that nobody else holds as fast as `request` asks, so far as the family can be; `timestep` is
    called for the one that is sampled."""
    if request.attention in found.attends:
        _attend(part, ATTENTION[request.attention].backend)
    if request.cache in found.caches:
        import diffusers

        with quietly(diffusers):
            part.enable_cache(_cache(request, found, timestep))
    if request.compiled and found.compiles:
        part.compile_repeated_blocks()


def _attend(part: Any, backend: str) -> None:
    """As diffusers' `set_attention_backend`, without the default of the whole process that it sets as well."""
    from diffusers.models.attention_dispatch import AttentionBackendName, _check_attention_backend_requirements

    chosen = AttentionBackendName(backend)
    _check_attention_backend_requirements(chosen)
    for module in part.modules():
        processor: Any = getattr(module, "processor", None)
        if hasattr(processor, "_attention_backend"):
            processor._attention_backend = chosen


def _cache(request: Request, found: Family, timestep: Callable[[], Any]) -> Any:
    import diffusers

    if request.cache == "first_block":
        threshold = {} if request.cache_threshold is None else {"threshold": request.cache_threshold}
        return diffusers.FirstBlockCacheConfig(**threshold)
    if request.cache == "pyramid":
        return diffusers.PyramidAttentionBroadcastConfig(
            spatial_attention_block_skip_range=2,
            cross_attention_block_skip_range=4,
            current_timestep_callback=timestep,
        )
    return diffusers.FasterCacheConfig(
        spatial_attention_block_skip_range=2,
        unconditional_batch_skip_range=5,
        attention_weight_callback=lambda module: 0.5,
        current_timestep_callback=timestep,
        tensor_format=found.layout,
    )
