"""Energy that the processors count themselves (RAPL), where this process may read it. Nothing is estimated.

The kernel shows the counters in `/sys/class/powercap/intel-rapl:N`, AMD's too; see its documentation, power/powercap. A
counter is of a whole package: all cores and caches, whoever uses them, idle or not. Memory and GPU aren't in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Energy", "EnergyReading", "energy_since", "energy_source", "read_energy"]

POWERCAP = Path("/sys/class/powercap")
PACKAGES = "intel-rapl:[0-9]*"
MICRO = 1e-6


@dataclass(frozen=True)
class Energy:
    """What the processors took while texts were answered one at a time, as they count it themselves.

    It is of whole packages: idle power and whatever else ran are in it, memory and GPU aren't.
    """

    n: int
    """Texts."""
    joules: float
    """A text."""
    watts: float
    """Meanwhile."""


@dataclass(frozen=True)
class EnergyReading:
    """What every package had counted at a moment."""

    at: float
    """Seconds of the performance counter."""
    counted: dict[Path, int]
    """Folder of a package -> microjoules."""


def energy_source(powercap: Path = POWERCAP) -> str:
    """Where energy is read from, or why it isn't measured."""
    packages = _packages(powercap)
    if not packages:
        return "not measured: this system shows no energy counters (RAPL), as virtual machines mostly don't"
    try:
        for package in packages:
            _read(package, "energy_uj")
    except (OSError, ValueError) as error:
        return f"not measured: the energy counters can't be read ({getattr(error, 'strerror', None) or error})"
    return f"RAPL, {len(packages)} {'package' if len(packages) == 1 else 'packages'}"


def read_energy(powercap: Path = POWERCAP) -> EnergyReading | None:
    """What is counted now; None where it can't be read."""
    try:
        counted = {package: _read(package, "energy_uj") for package in _packages(powercap)}
    except (OSError, ValueError):
        return None
    return EnergyReading(time.perf_counter(), counted) if counted else None


def energy_since(before: EnergyReading | None, n: int, powercap: Path = POWERCAP) -> Energy | None:
    """What n answers took since then; None where one of the two moments isn't known.

    A counter that has reached its end begins again at 0. That takes minutes at least, so within a workload it happens
    once.
    """
    after = read_energy(powercap)
    if before is None or after is None or before.counted.keys() != after.counted.keys() or not n:
        return None
    joules = 0.0
    for package, value in after.counted.items():
        counted = value - before.counted[package]
        if counted < 0:
            try:
                counted += _read(package, "max_energy_range_uj")
            except (OSError, ValueError):
                return None
        joules += counted * MICRO
    return Energy(n, joules / n, joules / (after.at - before.at)) if joules > 0 else None


def _packages(powercap: Path) -> list[Path]:
    """Folders of whole packages: what lies within them is counted there, and `psys` counts all of them again."""
    found = [folder for folder in sorted(powercap.glob(PACKAGES)) if folder.name.count(":") == 1]
    return [folder for folder in found if _name(folder).startswith("package")]


def _name(folder: Path) -> str:
    try:
        return (folder / "name").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _read(folder: Path, name: str) -> int:
    return int((folder / name).read_text(encoding="ascii"))
