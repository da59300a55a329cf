"""Resident memory of this process, as the kernel accounts it."""

from __future__ import annotations

import contextlib
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Resident", "read_resident", "reset_peak"]

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Resident:
    """Resident memory, in MB. Where the kernel keeps no /proc, only the peak is known."""

    now_mb: float
    """The peak, where nothing else is known."""
    peak_mb: float
    """Highest since the start, or since `reset_peak`."""
    anonymous_mb: float | None
    file_mb: float | None


def read_resident(status: Path = STATUS) -> Resident:
    """Read `/proc/self/status` (see proc(5)); what it lacks comes from `getrusage`, which knows the peak only."""
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    values = dict(line.split(":", 1) for line in lines if ":" in line)

    def megabytes(name: str) -> float | None:
        return int(values[name].split()[0]) * 1024 / 1e6 if name in values else None

    peak = megabytes("VmHWM") or _peak_of_life()
    return Resident(megabytes("VmRSS") or peak, peak, megabytes("RssAnon"), megabytes("RssFile"))


def reset_peak(clear_refs: Path = CLEAR_REFS) -> None:
    """Let the peak start again from here: 5 written to `clear_refs`. Where that can't be, it goes on from the start."""
    with contextlib.suppress(OSError):
        if clear_refs.exists():
            clear_refs.write_text("5", encoding="ascii")


def _peak_of_life() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
