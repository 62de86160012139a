"""Weights from safetensors into a model, tensor by tensor: in memory are the model as it is wanted and the pages of one
file, what is done is told as it goes, and it can be stopped anywhere.

What `from_pretrained` of diffusers and transformers does is done in their order, so that the same model comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from vidflow.models.checkpoint import Component

Told = Callable[[int], None]
"""Called with the bytes of each tensor that was read; may raise to stop."""


class MissingWeights(Exception):
    """Weights that a model has and its files have not; diffusers would go on with noise."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def diffusers_model(kind: Any, component: Component, dtype: torch.dtype, device: torch.device, told: Told) -> Any:
    """A diffusers model on `device`. Raises MissingWeights."""
    import accelerate
    from accelerate.utils import set_module_tensor_to_device

    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with accelerate.init_empty_weights():
            model = kind.from_config(kind.load_config(str(component.folder), local_files_only=True))
    finally:
        torch.set_default_dtype(default)
    named = {name: name for path in component.weights for name in _names(path)}
    if len(component.weights) == 1:
        # Old names of what is called otherwise today.
        model._fix_state_dict_keys_on_load(named)
    current = {old: new for new, old in named.items()}
    expected = model.state_dict()
    if missing := sorted(expected.keys() - named.keys()):
        raise MissingWeights(missing)
    exact: Sequence[str] = kind._keep_in_fp32_modules or ()
    for old, tensor in _tensors(component):
        name = current[old]
        if name not in expected:
            continue
        wanted = torch.float32 if set(name.split(".")) & set(exact) else dtype
        if expected[name].shape != tensor.shape:
            raise ValueError(f"{name} has the shape {list(tensor.shape)}, not {list(expected[name].shape)}")
        value = _in_memory(component, tensor, wanted, dtype)
        set_module_tensor_to_device(model, name, device, value=value, dtype=value.dtype, clear_cache=False)
        told(value.nbytes)
    model.register_to_config(_name_or_path=str(component.folder))
    return model.eval()


def transformers_model(kind: Any, component: Component, dtype: torch.dtype, told: Told) -> Any:
    """A transformers model, on the CPU. Raises MissingWeights."""
    exact = [
        one
        for names in (kind._keep_in_fp32_modules if dtype is torch.float16 else None, kind._keep_in_fp32_modules_strict)
        for one in names or ()
    ]
    state: dict[str, torch.Tensor] = {}
    for name, tensor in _tensors(component):
        wanted = tensor.dtype if any(one in name for one in exact) else dtype
        state[name] = _in_memory(component, tensor, wanted, dtype)
        told(state[name].nbytes)
    config = kind.config_class.from_pretrained(str(component.folder), local_files_only=True)
    model, found = kind.from_pretrained(None, config=config, state_dict=state, dtype=dtype, output_loading_info=True)
    if found["missing_keys"]:
        raise MissingWeights(sorted(found["missing_keys"]))
    return model


def _in_memory(component: Component, tensor: torch.Tensor, wanted: torch.dtype, dtype: torch.dtype) -> torch.Tensor:
    """A tensor of a file as it is wanted. It may stay where the file is mapped only if all others do: one would keep
    the pages of all."""
    value = tensor.to(wanted) if tensor.is_floating_point() else tensor
    stays = value.data_ptr() == tensor.data_ptr() and str(dtype) != f"torch.{component.dtype}"
    return value.clone() if stays else value


def _names(path: Path) -> list[str]:
    with _opened(path) as file:
        return list(file.keys())


def _tensors(component: Component) -> Iterator[tuple[str, torch.Tensor]]:
    for path in component.weights:
        with _opened(path) as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                yield name, file.get_tensor(name)


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    """A file of tensors. Raises ValueError for a damaged one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(f"{path.name}: {error}") from error
