"""The machine in words: what it is, and how busy it was with other things during each measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.document import was_measured
from compressor.report.rows import model_name

__all__ = ["BUSY", "busy_rows", "steady"]

MOMENTARY = {"load_average", "pressure", "cpu_pressure", "memory_pressure", "steal_percent"}
"""Changes by the minute: shown for each measurement, since that of the report is of when it was written."""

BUSY = (
    "model", "target", "load\n1 min", "CPU pressure\n% of 10 s", "memory pressure\n% of 10 s",
    "stolen\n% of time", "threads\n",
)  # fmt: skip


def steady(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What of it stays as it is."""
    return {name: value for name, value in environment.items() if name not in MOMENTARY}


def busy_rows(measurements: Sequence[Measurement]) -> list[tuple[str, ...]]:
    """A row below `BUSY` for each measurement that knows; none where nobody does."""
    return [
        (
            model_name(one),
            one.target,
            _load(one.environment.get("load_average")),
            _pressure(one.environment, "cpu"),
            _pressure(one.environment, "memory"),
            fmt.number(one.environment.get("steal_percent")),
            _threads(one.environment.get("threads")),
        )
        for one in measurements
        if was_measured(one) and MOMENTARY & one.environment.keys()
    ]


def _load(averages: Any) -> str:
    return fmt.number(float(averages[0])) if isinstance(averages, list | tuple) and averages else fmt.NA


def _pressure(found: Mapping[str, Any], resource: str) -> str:
    """Share of the last ten seconds in which something waited for it. Reports of version 1 hold the kernel's own line,
    `some avg10=0.40 avg60=...`."""
    known = found.get("pressure")
    if isinstance(known, Mapping) and isinstance(known.get(resource), int | float):
        return fmt.number(float(known[resource]))
    line = re.search(r"avg10=([\d.]+)", str(found.get(f"{resource}_pressure")))
    return fmt.number(float(line[1])) if line else fmt.NA


def _threads(settings: Any) -> str:
    if not isinstance(settings, Mapping):
        return fmt.NA
    return ", ".join(f"{name}={value}" for name, value in settings.items()) or fmt.NA
