"""What the compression cost, what its stages found, and the machine it was measured on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.blocks import Block, Details, Heading, Pairs, Prose, Table, table
from compressor.report.blocks.charts import Bar, BarChart
from compressor.report.document import StageRecord, was_measured
from compressor.report.models import model_name

__all__ = ["cost_blocks", "flatten", "machine_blocks", "stages_table"]

COST = "Time each stage took when it ran, also where this run found it finished."
BUSY = {"load_average", "pressure", "cpu_pressure", "memory_pressure", "steal_percent"}
"""Changes by the minute: shown for each measurement, since that of the report is of when it was written."""
MOMENTARY = BUSY | {"time"}


def cost_blocks(stages: Sequence[StageRecord]) -> Iterator[Block]:
    """Time of every stage, peak memory, how fast it trained; all of them together; and what each found."""
    if not stages:
        return
    total, peak = sum(stage.seconds for stage in stages), _peak(stages)
    unit, axis = (60, "minutes") if total > 600 else (1, "seconds")
    bars = tuple(Bar(one.name, "neutral", (one.seconds / unit,), fmt.duration(one.seconds)) for one in stages)
    memory = "" if peak is None else f", at most {fmt.number(peak)} MB of memory"
    whole = f"{fmt.duration(total)} of computing in {len(stages)} stages{memory}"
    yield Heading("Cost of the compression")
    yield Prose(f"From the data to the bundle: {whole}. {COST}")
    yield BarChart("Time of each stage", axis, bars)
    yield stages_table(stages)
    if any(stage.facts for stage in stages):
        yield Heading("What each stage found")
        yield from (Details(one.name, (Pairs(tuple(flatten(one.facts))),)) for one in stages if one.facts)


def stages_table(stages: Sequence[StageRecord]) -> Table:
    """A row a stage, the last of all of them together."""
    rows = []
    for one in stages:
        costs = (fmt.duration(one.seconds), fmt.number(one.peak_mb), fmt.number(_examples_per_second(one)))
        rows.append((one.name, *costs, "found finished" if one.cached else "ran"))
    whole = fmt.duration(sum(stage.seconds for stage in stages))
    now = fmt.duration(sum(stage.seconds for stage in stages if not stage.cached))
    rows.append(("all", whole, fmt.number(_peak(stages)), "", f"ran for {now}"))
    header = ("stage", "took", "peak\nMB", "examples\nper s", "this run")
    return table(header, rows, words=(4,), optional=(2, 3), strong=(len(rows) - 1,))


def _peak(stages: Sequence[StageRecord]) -> float | None:
    return max((stage.peak_mb for stage in stages if stage.peak_mb is not None), default=None)


def _examples_per_second(stage: StageRecord) -> float | None:
    """How fast a stage trained, or answered: None where it doesn't say."""
    value = stage.facts.get("examples_per_second", stage.facts.get("texts_per_second"))
    return float(value) if isinstance(value, int | float) else None


def machine_blocks(environment: Mapping[str, Any], measurements: Sequence[Measurement]) -> Iterator[Block]:
    """The machine, and how busy it was with other things during each measurement."""
    steady = {name: value for name, value in environment.items() if name not in MOMENTARY}
    rows = [_busy(one) for one in measurements if was_measured(one) and BUSY & one.environment.keys()]
    if steady or rows:
        yield Heading("Machine")
    if steady:
        yield Pairs(tuple(flatten(steady)))
    if rows:
        yield Heading("While measuring", 3)
        header = ("model", "target", "load\n1 min", "CPU pressure\n% of 10 s", "memory pressure\n% of 10 s")
        yield table((*header, "stolen\n% of time", "threads"), rows, words=(1, 6))


def _busy(found: Measurement) -> tuple[str, ...]:
    averages, settings = found.environment.get("load_average"), found.environment.get("threads")
    return (
        model_name(found),
        found.target,
        fmt.number(float(averages[0])) if isinstance(averages, list | tuple) and averages else fmt.NA,
        _pressure(found.environment, "cpu"),
        _pressure(found.environment, "memory"),
        fmt.number(found.environment.get("steal_percent")),
        ", ".join(f"{name}={value}" for name, value in settings.items()) if isinstance(settings, Mapping) else fmt.NA,
    )


def _pressure(found: Mapping[str, Any], resource: str) -> str:
    """Share of the last ten seconds in which something waited for it. Reports of version 1 hold the kernel's own line,
    `some avg10=0.40 avg60=...`."""
    known = found.get("pressure")
    if isinstance(known, Mapping) and isinstance(known.get(resource), int | float):
        return fmt.number(float(known[resource]))
    line = re.search(r"avg10=([\d.]+)", str(found.get(f"{resource}_pressure")))
    return fmt.number(float(line[1])) if line else fmt.NA


def flatten(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as dotted names, long lists shortened for the eye."""
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}.")
        elif isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
            yield from flatten({str(i): item for i, item in enumerate(value)}, f"{name}.")
        elif isinstance(value, float):
            yield name, fmt.number(value, 4)
        elif isinstance(value, list | tuple):
            shown = ", ".join(map(str, value[:8]))
            yield name, f"{shown}, ... ({len(value)})" if len(value) > 8 else shown
        elif value is not None:
            yield name, str(value)
