"""Memory of this process on the GPU, as the NVIDIA driver accounts it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

__all__ = ["process_memory_mb"]


def process_memory_mb() -> float | None:
    """What this process holds on all NVIDIA GPUs together, in MB of 10^6 bytes: contexts, libraries and the memory that
    allocators keep are part of it.

    None where that can't be told: without the extra `cuda` or a driver, where the driver doesn't account by process
    (WSL, MIG), and where a container hides the process's own number from it.
    """
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        held = [value for device in _devices(pynvml) if (value := _on(device, pynvml)) is not None]
        return sum(held) / 1e6 if held else None
    except pynvml.NVMLError:
        return None
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _devices(nvml: Any) -> Iterator[Any]:
    for index in range(nvml.nvmlDeviceGetCount()):
        yield nvml.nvmlDeviceGetHandleByIndex(index)


def _on(device: Any, nvml: Any) -> int | None:
    """Bytes on one device; a process that computes and draws is in both lists, with the same figure."""
    found = []
    for list_ in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
        with contextlib.suppress(nvml.NVMLError):
            found += [entry.usedGpuMemory for entry in list_(device) if entry.pid == os.getpid()]
    return max((held for held in found if held is not None), default=None)
