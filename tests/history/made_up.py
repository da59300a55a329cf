"""Reports of runs that were never made, a day apart, and what chance makes of their figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from compressor.bench.results import Measurement
from compressor.history.results import Entry, Measured, Point, Series, SeriesKey, Value
from compressor.report.document import RunReport
from tests.report import sample

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
MACHINE = {"cpu": "Example CPU", "cores": 4, "cpu_flags": ["avx2"], "system": "Linux-6.1-x86_64"}
FIVE_STEPS = (6, 13, 20, 27, 34)
"""Runs of 40 with which something becomes 1% slower."""


def day(number: int) -> str:
    return (BEGIN + timedelta(days=number)).isoformat()


def commit(number: int) -> str:
    return f"{number:08x}" + "0" * 32


def times(steps: tuple[int, ...] = (), *, by: float = 1.01, n: int = 40, seed: int = 0) -> list[float]:
    """A latency a run in ms, with noise of 1%; at each of `steps` it becomes slower by a factor."""
    levels = np.array([by ** sum(step <= run for step in steps) for run in range(n)])
    noise = 1 + 0.01 * np.random.default_rng(seed).standard_normal(n)
    return [float(value) for value in 2.0 * levels * noise]


def series(values: list[float], *, better: str = "lower", versions: Mapping[int, str] | None = None) -> Series:
    """One figure of a variant; `versions`: run -> the version of onnxruntime from then on."""
    key = SeriesKey("reviews", "run", "int8", "cpu-1", "dataset", "p50_ms", "0123456789ab")
    points, version = [], "1.30.0"
    for number, value in enumerate(values):
        version = (versions or {}).get(number, version)
        points.append(Point(number + 1, day(number), commit(number), value, {"onnxruntime": version}))
    return Series(key, "higher" if better == "higher" else "lower", "Example CPU, 4 cores", tuple(points))


def entry(
    number: int, value: float = 2.0, *, name: str = "reviews", machine: str = "0123456789ab", figure: str = "p50_ms"
) -> Entry:
    """A run with one figure."""
    measured = Measured(
        variant="int8",
        target="cpu-1",
        machine=machine,
        machine_name="Example CPU, 4 cores",
        time=day(number),
        commit=commit(number),
        versions={"onnxruntime": "1.32.0"},
        values=(Value("dataset", figure, "lower", value),),
        digest=f"{name} {machine} {figure} {number}",
    )
    return Entry(name, "run", day(number), (measured,))


def measurement(subject: str, number: int, p50: float, machine: Mapping[str, object] | None = None) -> Measurement:
    """Of one model on one day."""
    found = sample.measurement(subject, "onnxruntime", 0.82, p50, 17.6, 17.4)
    about = {**MACHINE, **(machine or {}), "time": day(number), "git_revision": commit(number)}
    return replace(found, environment=about)


def report(number: int, p50: float = 2.0, machine: Mapping[str, object] | None = None) -> RunReport:
    """A run of one variant."""
    return replace(
        sample.bare(), name="reviews", created=day(number), measurements=(measurement("int8", number, p50, machine),)
    )


def write(folder: Path, found: RunReport | list[Measurement], name: str = "report.json") -> Path:
    """As a command writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    data = [one.to_json() for one in found] if isinstance(found, list) else found.to_json()
    (folder / name).write_text(json.dumps(data), encoding="utf-8")
    return folder / name
