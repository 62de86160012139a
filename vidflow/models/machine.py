"""How much memory the machine and its GPU have, asked without torch."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

_NVML = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"


def memory() -> int:
    """Bytes of memory that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@cache
def gpu_memory() -> int | None:
    """Bytes of memory of the first GPU, as its driver says (NVML); None where there is none."""
    # Total, free and used bytes.
    found = (ctypes.c_ulonglong * 3)()
    handle = ctypes.c_void_p()
    try:
        nvml = ctypes.CDLL(_NVML)
        if nvml.nvmlInit_v2() != 0:
            return None
        try:
            failed = nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle))
            failed = failed or nvml.nvmlDeviceGetMemoryInfo(handle, found)
        finally:
            nvml.nvmlShutdown()
    except (OSError, AttributeError):
        return None
    return None if failed else found[0]
