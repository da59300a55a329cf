"""Resident memory of this process, as the kernel accounts it."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Resident", "read_resident", "reset_peak"]

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Resident:
    """Resident memory now, in MB. Outside Linux only the peak is known."""

    now_mb: float | None
    peak_mb: float
    """Highest since the start, or since `reset_peak`."""
    anonymous_mb: float | None
    file_mb: float | None


def read_resident() -> Resident:
    """Read `/proc/self/status`; elsewhere `getrusage`, which knows the peak only."""
    if not _STATUS.exists():
        unit = 1 if sys.platform == "darwin" else 1024
        return Resident(None, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, None, None)
    values = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="utf-8").splitlines() if ":" in line)

    def megabytes(name: str) -> float:
        return int(values[name].split()[0]) * 1024 / 1e6

    return Resident(megabytes("VmRSS"), megabytes("VmHWM"), megabytes("RssAnon"), megabytes("RssFile"))


def reset_peak() -> None:
    """Let the peak start again from here (5 written to `clear_refs`, see proc(5)); without /proc it can't."""
    if _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text("5", encoding="ascii")
