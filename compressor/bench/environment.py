"""What a figure was measured on, and how busy it was meanwhile."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from compressor.bench.energy import energy_source
from compressor.bench.host import (
    allowed_cpus,
    cpu,
    cpu_limit,
    governor,
    gpu,
    memory_gb,
    memory_limit_gb,
    read,
)

__all__ = ["CpuTicks", "cpu_ticks", "environment", "host_fingerprint"]

LIBRARIES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-openvino",
    "tensorrt",
    "onnx",
    "optimum",
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "numpy",
    "scipy",
    "compressor",
)
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "TOKENIZERS_PARALLELISM",
)
REPOSITORY = Path(__file__).parents[2]
PRESSURE = Path("/proc/pressure")


def host_fingerprint() -> dict[str, str]:
    """What a measurement depends on and a reboot doesn't change: it goes into the key of every measurement."""
    return {
        "cpu": cpu().model,
        "cpu_flags": " ".join(cpu().flags),
        "cores": str(os.cpu_count()),
        "gpu": gpu() or "none",
        "system": f"{platform.system()} {platform.machine()}",
    }


class CpuTicks(NamedTuple):
    """What the CPUs did since the machine started, in ticks."""

    stolen: int
    """Given to other virtual machines by the hypervisor."""
    total: int


def cpu_ticks() -> CpuTicks | None:
    """Read `/proc/stat` (see proc(5)); None outside Linux."""
    fields = [int(value) for value in (read("/proc/stat", first_line=True) or "").split()[1:9]]
    return CpuTicks(fields[7], sum(fields)) if len(fields) == 8 else None


def environment(since: CpuTicks | None = None) -> dict[str, Any]:
    """Everything known about the machine now: what is fixed, and how busy it is. Fields it can't tell are left out.

    Args:
        since: when a measurement began: `steal_percent` is of the time from there on; left out, since the machine
            started.
    """
    found: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu().model,
        "cpu_flags": list(cpu().flags),
        "cores": os.cpu_count(),
        "physical_cores": cpu().physical_cores,
        "allowed_cpus": allowed_cpus(),
        "cpu_limit": cpu_limit(),
        "virtual_machine": cpu().virtual or None,
        "gpu": gpu(),
        "gpu_driver": read("/sys/module/nvidia/version"),
        "memory_gb": memory_gb(),
        "memory_limit_gb": memory_limit_gb(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": _versions(),
        "threads": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        "governor": governor(),
        "energy": energy_source(),
        "load_average": _load_average(),
        "pressure": _pressure(),
        "steal_percent": _steal_percent(since),
        "git_revision": _git_revision(),
        "git_changed": _git_changed(),
    }
    return {name: value for name, value in found.items() if value is not None}


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _load_average() -> list[float] | None:
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except OSError:
        return None


def _pressure() -> dict[str, float] | None:
    """Resource -> percent of the last ten seconds in which some process waited for it (pressure stall information)."""
    found = {}
    for resource in ("cpu", "memory", "io"):
        some = re.match(r"some avg10=([0-9.]+)", read(PRESSURE / resource, first_line=True) or "")
        if some:
            found[resource] = float(some.group(1))
    return found or None


def _steal_percent(since: CpuTicks | None) -> float | None:
    """Time the hypervisor gave to others: a measurement it disturbed shows here."""
    now, before = cpu_ticks(), since or CpuTicks(0, 0)
    if now is None or now.total <= before.total:
        return None
    return round(100 * (now.stolen - before.stolen) / (now.total - before.total), 2)


@cache
def _git_revision() -> str | None:
    """Of this program, where it runs from its repository; read from the files where git isn't there."""
    if found := _git("rev-parse", "HEAD"):
        return found.strip()
    git = REPOSITORY / ".git"
    head = read(git / "HEAD") or ""
    if not head.startswith("ref: "):
        return head or None
    name = head.removeprefix("ref: ")
    packed = (line.split() for line in (read(git / "packed-refs") or "").splitlines())
    return read(git / name) or next((parts[0] for parts in packed if parts[-1] == name), None)


@cache
def _git_changed() -> bool | None:
    """Whether the program differs from its revision; only git can tell."""
    found = _git("status", "--porcelain", "--untracked-files=no", "--", "compressor")
    return None if found is None else bool(found.strip())


def _git(*arguments: str) -> str | None:
    """What git says of the repository, which may be a worktree; None where one of the two isn't there."""
    program = shutil.which("git")
    if program is None or not (REPOSITORY / ".git").exists():
        return None
    # Without optional locks it leaves the index alone, and whoever is working in the repository.
    command = [program, "--no-optional-locks", "-C", str(REPOSITORY), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
