"""Figures of runs and benches over time, in a file: a slow drift is seen that each single comparison lets pass."""

from compressor.history.database import History
from compressor.history.drift import NEWEST, CheckResult, Drift, drifts_of
from compressor.history.reading import bench_entry, bench_name, entries_of
from compressor.history.values import CHECKED

__all__ = [
    "CHECKED",
    "NEWEST",
    "CheckResult",
    "Drift",
    "History",
    "bench_entry",
    "bench_name",
    "drifts_of",
    "entries_of",
]
