"""What the compression cost, stage by stage, in words."""

from __future__ import annotations

from collections.abc import Sequence

from compressor.report import format as fmt
from compressor.report.document import StageRecord

__all__ = ["examples_per_second", "stage_table"]

HEADER = ("stage", "took", "peak\nMB", "examples\nper s", "this run")
ALWAYS = ("stage", "took", "this run")


def examples_per_second(stage: StageRecord) -> float | None:
    """How fast a stage trained, or answered: None where it doesn't say."""
    value = stage.facts.get("examples_per_second", stage.facts.get("texts_per_second"))
    return float(value) if isinstance(value, int | float) else None


def stage_table(stages: Sequence[StageRecord]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows, the last of all stages together; columns that no stage has a figure for are left out."""
    rows = [
        (
            stage.name,
            fmt.duration(stage.seconds),
            fmt.number(stage.peak_mb),
            fmt.number(examples_per_second(stage)),
            "found finished" if stage.cached else "ran",
        )
        for stage in stages
    ]
    peaks = [stage.peak_mb for stage in stages if stage.peak_mb is not None]
    whole = fmt.duration(sum(stage.seconds for stage in stages))
    now = fmt.duration(sum(stage.seconds for stage in stages if not stage.cached))
    rows.append(("all", whole, fmt.number(max(peaks, default=None)), "", f"ran for {now}"))
    shown = [i for i, title in enumerate(HEADER) if title in ALWAYS or {row[i] for row in rows} - {fmt.NA, ""}]
    return tuple(HEADER[i] for i in shown), [tuple(row[i] for i in shown) for row in rows]
