"""Which device runs models: what kind is here, and what it is called."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from pathlib import Path

from vidflow.errors import VidflowError

_DRIVER = Path("/proc/driver/nvidia/gpus")


def device_kind(device: str) -> str:
    """What the keys of GPU nodes hold: `cpu` or `cuda`. Raises VidflowError for a device that is not here."""
    kind = device.split(":")[0]
    if kind not in ("auto", "cpu", "cuda"):
        raise VidflowError(f"{device!r} is no device; expected auto, cpu or cuda:0.")
    if kind == "cpu":
        return "cpu"
    present = Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None
    if kind == "cuda" and not present:
        raise VidflowError(f"There is no {device} on this machine; use --device auto or cpu.")
    return "cuda" if present else "cpu"


def device_name(device: str) -> str | None:
    """The model of a GPU, as its driver or, where that does not say, a torch that is loaded anyway names it; the
    architecture of a CPU. None where it is not known."""
    if device == "cpu":
        return platform.machine() or None
    # The driver's order of several GPUs need not be that of CUDA, so it is asked only where all are the same.
    names = {
        name[1].strip()
        for file in _DRIVER.glob("*/information")
        if (name := re.search(r"^Model:(.+)$", file.read_text("utf-8", "replace"), re.MULTILINE))
    }
    if len(names) == 1:
        return names.pop()
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name(device) if torch is not None and torch.cuda.is_available() else None
