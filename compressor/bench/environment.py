"""The machine a figure was measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CpuTicks", "cpu_ticks", "environment", "host_fingerprint"]

# Instruction sets that decide how fast, and sometimes how exactly, a model runs.
FLAGS = (
    "sse4_1",
    "avx",
    "avx2",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_int8",
    "amx_bf16",
    "asimdhp",
    "asimddp",
    "sve",
    "sve2",
    "i8mm",
    "bf16",
)
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


class CpuTicks(NamedTuple):
    """What the CPUs did since the machine started, in ticks."""

    stolen: int
    """Given to other virtual machines by the hypervisor."""
    total: int


def cpu_ticks() -> CpuTicks | None:
    """Read `/proc/stat` (see proc(5)); None outside Linux."""
    fields = [int(value) for value in (_read("/proc/stat", first_line=True) or "").split()[1:9]]
    return CpuTicks(fields[7], sum(fields)) if len(fields) == 8 else None


def environment(since: CpuTicks | None = None) -> dict[str, Any]:
    """Everything known about the machine now: what is fixed, and how busy it is. Fields it can't tell are left out.

    Args:
        since: when a measurement began: `steal_percent` is of the time from there on; left out, since the machine
            started.
    """
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
        "memory_pressure": _read("/proc/pressure/memory", first_line=True),
        "steal_percent": _steal_percent(since),
        "git_revision": _git_revision(),
        "threads": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
    }
    return {name: value for name, value in found.items() if value is not None}


@cache
def _cpu(cpuinfo: Path = Path("/proc/cpuinfo"), board: Path = Path("/proc/device-tree/model")) -> dict[str, Any]:
    """Model and flags. ARM kernels name the part by numbers, if at all, and the board it sits on."""
    values: dict[str, str] = {}
    for line in (_read(cpuinfo) or "").splitlines():
        name, _, value = line.partition(":")
        values.setdefault(name.strip(), value.strip())
    part = " ".join(values[name] for name in ("CPU implementer", "CPU part") if name in values)
    arm = " ".join(text for text in ((_read(board) or "").strip("\0"), part) if text)
    present = (values.get("flags") or values.get("Features") or "").split()
    return {
        "model": values.get("model name") or arm or _apple() or platform.processor() or platform.machine(),
        "flags": [flag for flag in FLAGS if flag in present],
    }


def _apple() -> str | None:
    if platform.system() != "Darwin":
        return None
    found = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


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


def _steal_percent(since: CpuTicks | None) -> float | None:
    """Time the hypervisor gave to others: a measurement it disturbed shows here."""
    now, before = cpu_ticks(), since or CpuTicks(0, 0)
    if now is None or now.total <= before.total:
        return None
    return round(100 * (now.stolen - before.stolen) / (now.total - before.total), 2)


@cache
def _git_revision() -> str | None:
    """Of this program, where it runs from its repository; read from the files, since git may not be there."""
    git = Path(__file__).parents[2] / ".git"
    head = _read(git / "HEAD") or ""
    if not head.startswith("ref: "):
        return head or None
    name = head.removeprefix("ref: ")
    packed = (line.split() for line in (_read(git / "packed-refs") or "").splitlines())
    return _read(git / name) or next((parts[0] for parts in packed if parts[-1] == name), None)


def _read(path: str | Path, *, first_line: bool = False) -> str | None:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
    return text.splitlines()[0] if first_line and text else text or None
