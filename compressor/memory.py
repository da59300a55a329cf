"""Resident memory of this process and those it started, as the kernel accounts it."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Resident", "memory_is_known", "read_resident", "reset_peak"]

PROC = Path("/proc")


@dataclass(frozen=True)
class Resident:
    """Resident memory, in MB. Without /proc, as on macOS, only the peak of this process is known; without `getrusage`,
    as on Windows, nothing is."""

    now_mb: float | None
    """The peak, where nothing else is known."""
    peak_mb: float | None
    """Highest since the start, or since `reset_peak`; of several processes the sum of their peaks."""
    anonymous_mb: float | None
    file_mb: float | None


def memory_is_known() -> bool:
    """Whether this system tells what a process holds in memory."""
    return read_resident().peak_mb is not None


def read_resident(proc: Path = PROC, pid: int | None = None) -> Resident:
    """Sum over a process (this one, unless `pid` says another) and all that descend from it, from `/proc/PID/status`
    (see proc(5)); pages they share count for each. Without /proc, what `getrusage` knows: the peak.
    """
    family = [_status(proc / str(member)) for member in _family(proc, pid or os.getpid())]

    def total(name: str) -> float | None:
        found = [status[name] for status in family if name in status]
        return sum(found) if found else None

    peak = total("VmHWM") or _peak_of_life()
    return Resident(total("VmRSS") or peak, peak, total("RssAnon"), total("RssFile"))


def reset_peak(proc: Path = PROC) -> None:
    """Let the peaks start again from here: 5 written to `clear_refs`. Where that can't be, they go on as they are."""
    for member in _family(proc, os.getpid()):
        with contextlib.suppress(OSError):
            file = proc / str(member) / "clear_refs"
            if file.exists():
                file.write_text("5", encoding="ascii")


def _family(proc: Path, pid: int) -> list[int]:
    """The process and its descendants: a thread's children are listed in `task/TID/children`."""
    found = [pid]
    for file in (proc / str(pid) / "task").glob("*/children"):
        # A process may end while it is asked.
        with contextlib.suppress(OSError):
            for child in file.read_text(encoding="ascii").split():
                found += _family(proc, int(child))
    return found


def _status(process: Path) -> dict[str, float]:
    """The fields in kB of `status`, in MB; empty for a process that has ended."""
    try:
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines)
    return {parts[0].rstrip(":"): int(parts[1]) * 1024 / 1e6 for parts in fields if parts[2:] == ["kB"]}


def _peak_of_life() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
