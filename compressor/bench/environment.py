"""The machine a figure was measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["environment", "host_fingerprint"]

# Instruction sets that decide how fast, and sometimes how exactly, a model runs.
FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimddp", "i8mm", "bf16")
LIBRARIES = ("onnxruntime", "onnxruntime-gpu", "torch", "transformers", "tokenizers", "numpy", "compressor")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY")


def host_fingerprint() -> dict[str, str]:
    """What a measurement depends on and a reboot doesn't change: it goes into the key of every measurement."""
    cpu = _cpu()
    return {
        "cpu": cpu["model"],
        "cpu_flags": " ".join(cpu["flags"]),
        "cores": str(os.cpu_count()),
        "gpu": _gpu() or "none",
        "system": f"{platform.system()} {platform.machine()}",
    }


def environment() -> dict[str, Any]:
    """Everything known about the machine now: what is fixed, and how busy it is. Fields it can't tell are left out."""
    cpu = _cpu()
    found: dict[str, Any] = {
        "cpu": cpu["model"],
        "cpu_flags": cpu["flags"],
        "cores": os.cpu_count(),
        "gpu": _gpu(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": _versions(),
        "memory_gb": _memory_gb(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_average": _load_average(),
        "cpu_pressure": _read("/proc/pressure/cpu", first_line=True),
        "steal_ticks": _steal_ticks(),
        "threads": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
    }
    return {name: value for name, value in found.items() if value is not None}


@cache
def _cpu() -> dict[str, Any]:
    model, flags = platform.processor() or platform.machine(), []
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            model = value.strip()
        if name.strip() in ("flags", "Features"):
            present = set(value.split())
            flags = [flag for flag in FLAGS if flag in present]
            break
    return {"model": model, "flags": flags}


@cache
def _gpu() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        found = subprocess.run(
            [program, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip().splitlines()[0] if found.stdout.strip() else None


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _memory_gb() -> float | None:
    for line in (_read("/proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) * 1024 / 1e9, 1)
    return None


def _load_average() -> list[float] | None:
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except OSError:
        return None


def _steal_ticks() -> int | None:
    """Time the hypervisor gave to others since boot: it grows while a measurement is disturbed."""
    fields = (_read("/proc/stat", first_line=True) or "").split()
    return int(fields[8]) if len(fields) > 8 else None


def _read(path: str, *, first_line: bool = False) -> str | None:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
    return text.splitlines()[0] if first_line and text else text or None
