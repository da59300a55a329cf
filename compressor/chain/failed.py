"""From an error that ended a run to its report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from compressor.engine.artifact import Artifact
from compressor.errors import CompressorError, TrainingDiverged, shortened
from compressor.recipe.recipe import Recipe
from compressor.report.document import StageRecord
from compressor.report.failure import Failure, FailureReport, losses

__all__ = ["failure_report"]

UNFORESEEN = "Nobody foresaw this: it is a bug of compressor, or of a library. The terminal shows where it happened."
LONGEST = 2_000
"""Characters of a message that nobody foresaw."""


def failure_report(
    recipe: Recipe,
    error: Exception,
    *,
    stage: str | None,
    spared: Mapping[str, CompressorError],
    artifacts: Mapping[str, Artifact],
    stages: Sequence[str],
    cached: Collection[str],
) -> FailureReport:
    """Put together why a run has no result.

    Args:
        stage: the one that failed; None where none was running.
        spared: what failed before, by stage, while the others went on. Where nothing else did, `error` speaks of these.
        artifacts: what finished, by stage.
        stages: names of all.
        cached: names of the stages that were found finished.
    """
    failures = [_failure(name, failure) for name, failure in spared.items()]
    if stage not in spared:
        failures.append(_failure(stage or "", error))
    failed = {one.stage for one in failures}
    return FailureReport(
        name=recipe.name,
        task=recipe.task,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        failures=tuple(failures),
        stages=tuple(
            StageRecord(name, one.key, name in cached, one.seconds, one.facts, one.peak_mb)
            for name, one in artifacts.items()
        ),
        missing=tuple(name for name in stages if name not in artifacts and name not in failed),
    )


def _failure(stage: str, error: Exception) -> Failure:
    if not isinstance(error, CompressorError):
        return Failure(stage, shortened(f"{type(error).__name__}: {error}", LONGEST), UNFORESEEN)
    course = error.course if isinstance(error, TrainingDiverged) else None
    return Failure(
        stage,
        error.message,
        error.hint or "",
        losses(course.training) if course else (),
        losses(course.validation) if course else (),
    )
