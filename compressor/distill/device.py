"""Where PyTorch computes, and in what precision."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from compressor.errors import TargetUnavailable
from compressor.processes import size

__all__ = ["choose_device", "choose_precision", "device_peak", "number_of_processes", "reset_device_peak"]

Device = Literal["cpu", "cuda"]
Precision = Literal["fp32", "bf16", "fp16"]

# CPUs without these emulate bf16 and are slower in it than in fp32.
_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> Device:
    """`auto` is a GPU where there is one.

    Raises:
        TargetUnavailable: a GPU is asked for and isn't there.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise TargetUnavailable(
            "The recipe trains on cuda, and PyTorch sees no GPU here.",
            hint="Set device: auto, or install a CUDA build of torch.",
        )
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def choose_precision(wanted: Literal["auto", "fp32", "bf16", "fp16"], device: Device) -> Precision:
    """`auto` is bf16 where the device computes in it rather than emulating it. Weights stay in fp32 (autocast).

    Raises:
        TargetUnavailable: bf16 is asked for on a GPU that doesn't have it, or fp16 on a CPU.
    """
    if wanted == "fp16" and device == "cpu":
        raise TargetUnavailable(
            "precision is fp16, and this trains on the CPU: scaled gradients, without which those of fp16 vanish, are "
            "there for GPUs only.",
            hint="Set precision: auto, which is bf16 where the CPU computes in it, else fp32.",
        )
    has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False) if device == "cuda" else _cpu_has_bf16()
    if wanted == "bf16" and device == "cuda" and not has_bf16:
        raise TargetUnavailable("This GPU doesn't compute in bf16.", hint="Set precision: fp32.")
    if wanted == "auto":
        return "bf16" if has_bf16 else "fp32"
    return wanted


def reset_device_peak(device: Device) -> None:
    """Let the peak of the GPU's memory start again from here."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def device_peak(device: Device) -> dict[str, float]:
    """A fact for the report: the most memory tensors took on the GPU since `reset_device_peak`. Nothing on a CPU."""
    return {"device_peak_mb": round(torch.cuda.max_memory_allocated() / 1e6, 1)} if device == "cuda" else {}


def number_of_processes() -> dict[str, int]:
    """A fact for the report, where several processes did the work together."""
    return {"processes": size()} if size() > 1 else {}


def _cpu_has_bf16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU's flags name a bf16 unit. Where Linux doesn't tell, fp32 is the safe answer."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not _BF16_FLAGS.isdisjoint(flags.split())
