"""What the compression cost, and the machine it was measured on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.document import StageRecord, was_measured
from compressor.report.facts import flatten
from compressor.report.html.bars import Bar, bar_chart
from compressor.report.html.markup import Element, tag
from compressor.report.html.tables import pairs, table
from compressor.report.rows import model_name
from compressor.report.stages import stage_table

__all__ = ["cost", "environment", "facts"]

MOMENTARY = {"load_average", "pressure", "cpu_pressure", "memory_pressure", "steal_percent"}
"""Changes by the minute: shown for each measurement instead."""


def cost(stages: Sequence[StageRecord]) -> list[Element]:
    """Time of every stage, peak memory, how fast it trained; and all of them together."""
    if not stages:
        return []
    total = sum(stage.seconds for stage in stages)
    peaks = [stage.peak_mb for stage in stages if stage.peak_mb is not None]
    bars = [Bar(stage.name, "neutral", (stage.seconds,), fmt.duration(stage.seconds)) for stage in stages]
    minutes = total > 600
    if minutes:
        bars = [Bar(bar.name, bar.colour, (bar.segments[0] / 60,), bar.note) for bar in bars]
    header, rows = stage_table(stages)
    caption = "Time each stage took when it ran, also where this run found it finished."
    said = f"From the data to the bundle: {fmt.duration(total)} of computing in {len(stages)} stages"
    said += f", at most {fmt.number(max(peaks))} MB of memory." if peaks else "."
    return [
        tag("p", said),
        bar_chart("Time of each stage", bars, "minutes" if minutes else "seconds", caption=caption),
        table(header, rows, words=(len(header) - 1,), strong=(len(rows) - 1,)),
    ]


def facts(stages: Sequence[StageRecord]) -> list[Element]:
    """What each stage found, to unfold."""
    return [
        tag("details", tag("summary", stage.name), pairs(list(flatten(stage.facts)))) for stage in stages if stage.facts
    ]


def environment(found: Mapping[str, Any], measurements: Sequence[Measurement]) -> list[Element]:
    """The machine, and how busy it was with other things during each measurement."""
    steady = {name: value for name, value in found.items() if name not in MOMENTARY}
    parts = [pairs(list(flatten(steady)))] if steady else []
    busy = [one for one in measurements if was_measured(one) and MOMENTARY & one.environment.keys()]
    if busy:
        rows = [
            (
                model_name(one),
                one.target,
                _load(one.environment.get("load_average")),
                _pressure(one.environment, "cpu"),
                _pressure(one.environment, "memory"),
                fmt.number(one.environment.get("steal_percent")),
                _threads(one.environment.get("threads")),
            )
            for one in busy
        ]
        header = (
            "model", "target", "load\n1 min", "CPU pressure\n% of 10 s", "memory pressure\n% of 10 s",
            "stolen\n% of time", "threads\n",
        )  # fmt: skip
        parts += [tag("h3", "While measuring"), table(header, rows, words=(1, 6))]
    return parts


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
