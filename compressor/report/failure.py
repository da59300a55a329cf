"""The document that a run leaves behind which failed: `report.json` is then this dataclass."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from compressor.errors import RecipeError
from compressor.report.document import StageRecord

__all__ = ["Failure", "FailureReport", "Loss", "losses"]

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Loss:
    """The loss of a training at a step; None where it was NaN or infinite."""

    step: int
    value: float | None


@dataclass(frozen=True)
class Failure:
    """What went wrong in one stage."""

    stage: str
    """Empty where it was in none: before the first, or behind the last."""
    message: str
    """What is wrong, and where."""
    hint: str
    """What to do; empty where nobody foresaw it."""
    training: tuple[Loss, ...] = ()
    """Loss of a training that diverged: means from one validation to the next, then of the last steps."""
    validation: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class FailureReport:
    """Why a run has no result."""

    name: str
    task: str
    created: str
    """UTC, ISO 8601."""
    failures: tuple[Failure, ...]
    stages: tuple[StageRecord, ...]
    """Those that finished, which are kept."""
    missing: tuple[str, ...]
    """Names of the stages that weren't run."""
    earlier: str = ""
    """The folder in the run directory with the results of an earlier run; empty where there are none."""
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FailureReport:
        """Rebuild a report from `to_json`.

        Raises:
            RecipeError: a newer compressor wrote it.
        """
        from pydantic import TypeAdapter

        version = data.get("schema_version", 1)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise RecipeError(
                f"This failure has schema version {version}; this compressor knows versions up to {SCHEMA_VERSION}.",
                hint="A newer compressor wrote it: read it with that one.",
            )
        return TypeAdapter(cls).validate_python(data)


def losses(points: Iterable[tuple[int, float]]) -> tuple[Loss, ...]:
    """Pairs of a step and its loss, for the document: JSON has no NaN."""
    return tuple(Loss(step, value if math.isfinite(value) else None) for step, value in points)
