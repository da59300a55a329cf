"""What the compression cost, and the machine it was measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.busy import BUSY, busy_rows, steady
from compressor.report.document import StageRecord
from compressor.report.facts import flatten
from compressor.report.html.bars import Bar, bar_chart
from compressor.report.html.markup import Element, tag
from compressor.report.html.tables import pairs, table
from compressor.report.stages import stage_table

__all__ = ["cost", "environment", "facts"]


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
    fixed = steady(found)
    parts = [pairs(list(flatten(fixed)))] if fixed else []
    if rows := busy_rows(measurements):
        parts += [tag("h3", "While measuring"), table(BUSY, rows, words=(1, 6))]
    return parts
