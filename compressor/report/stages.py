"""What the compression cost, stage by stage, in words."""

from __future__ import annotations

from collections.abc import Sequence

from compressor.report import format as fmt
from compressor.report.document import StageRecord

__all__ = ["HEADER", "examples_per_second", "stage_rows"]

HEADER = ("stage", "took", "peak\nMB", "examples\nper s", "this run")


def examples_per_second(stage: StageRecord) -> float | None:
    """How fast a stage trained, or answered: None where it doesn't say."""
    value = stage.facts.get("samples_per_second")
    return float(value) if isinstance(value, int | float) else None


def stage_rows(stages: Sequence[StageRecord]) -> list[tuple[str, ...]]:
    """A row a stage below `HEADER`; figures that no stage has are n/a in all of them."""
    return [
        (
            stage.name,
            fmt.duration(stage.seconds),
            fmt.number(stage.peak_mb),
            fmt.number(examples_per_second(stage)),
            "found finished" if stage.cached else "ran",
        )
        for stage in stages
    ]
