"""The machine itself: processor, GPU, memory, and what of them this process may use."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Cpu", "allowed_cpus", "cpu", "cpu_limit", "governor", "gpu", "memory_gb", "memory_limit_gb", "read"]

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
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Cpu:
    """A processor."""

    model: str
    flags: tuple[str, ...]
    """Those of `FLAGS` it has."""
    physical_cores: int | None
    """Without hyper-threads; None where the kernel doesn't tell."""
    virtual: bool
    """Whether a hypervisor says that it is there."""


@cache
def cpu(cpuinfo: Path = Path("/proc/cpuinfo"), board: Path = Path("/proc/device-tree/model")) -> Cpu:
    """ARM kernels name the part by numbers, if at all, and the board it sits on."""
    values: dict[str, str] = {}
    cores: set[tuple[str, str]] = set()
    for block in (read(cpuinfo) or "").split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        one = {name.strip(): value.strip() for name, _, value in pairs}
        if "core id" in one:
            cores.add((one.get("physical id", ""), one["core id"]))
        values = one | values
    part = " ".join(values[name] for name in ("CPU implementer", "CPU part") if name in values)
    arm = " ".join(text for text in ((read(board) or "").strip("\0"), part) if text)
    present = (values.get("flags") or values.get("Features") or "").split()
    return Cpu(
        model=values.get("model name") or arm or _apple() or platform.processor() or platform.machine(),
        flags=tuple(flag for flag in FLAGS if flag in present),
        physical_cores=len(cores) or None,
        virtual="hypervisor" in present,
    )


@cache
def gpu() -> str | None:
    """Name of the first NVIDIA GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip().splitlines()[0] if found.stdout.strip() else None


def memory_gb() -> float | None:
    """All that is built in."""
    for line in (read("/proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) * 1024 / 1e9, 1)
    return None


def allowed_cpus() -> list[int] | None:
    """Where this process may run; None outside Linux."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def governor(cpus: Path = Path("/sys/devices/system/cpu")) -> str | None:
    """How the kernel chooses the clock; all of them, where CPUs differ."""
    found = {read(file) for file in cpus.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {None}
    return ", ".join(sorted(map(str, found))) or None


def cpu_limit(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> float | None:
    """CPUs a container grants in time slices (`cpu.max` of cgroup v2): a process that takes more has to pause."""
    limits = []
    for text in _limits("cpu.max", cgroups, own):
        quota, _, period = text.partition(" ")
        if quota != "max":
            limits.append(int(quota) / int(period))
    return round(min(limits), 2) if limits else None


def memory_limit_gb(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> float | None:
    """What a container may hold (`memory.max` of cgroup v2)."""
    limits = [int(text) for text in _limits("memory.max", cgroups, own) if text != "max"]
    return round(min(limits) / 1e9, 2) if limits else None


def read(path: str | Path, *, first_line: bool = False) -> str | None:
    """A small file's text; None where it isn't there."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
    return text.splitlines()[0] if first_line and text else text or None


def _limits(name: str, cgroups: Path, own: Path) -> list[str]:
    """Of this process's group and all above it: the tightest holds. See cgroups(7)."""
    lines = (read(own) or "").splitlines()
    path = next((line.removeprefix("0::").lstrip("/") for line in lines if line.startswith("0::")), "")
    group = cgroups / path
    folders = [group, *group.parents[: len(group.relative_to(cgroups).parts)]]
    return [text for folder in folders if (text := read(folder / name))]


def _apple() -> str | None:
    if platform.system() != "Darwin":
        return None
    found = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None
