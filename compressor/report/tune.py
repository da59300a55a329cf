"""The document that `compressor tune` leaves behind: `tune.json` is this dataclass."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from compressor.errors import RecipeError
from compressor.task_specs import MetricSpec, metric_spec

__all__ = ["GoalFigure", "TuneReport", "TuneTrial"]

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class GoalFigure:
    """One goal of a search."""

    name: Literal["quality", "latency", "size"]
    higher_is_better: bool


@dataclass(frozen=True)
class TuneTrial:
    """One trial of a search."""

    number: int
    state: Literal["finished", "pruned", "failed"]
    changes: dict[str, Any]
    """What it set: dotted key -> value."""
    values: tuple[float, ...] = ()
    """A figure for each goal; none unless it finished."""
    seconds: float | None = None
    """From its start to its end; stages that were there already took no time."""
    error: str = ""
    """Why it failed."""


@dataclass(frozen=True)
class TuneReport:
    """Everything a search found."""

    name: str
    task: str
    metric_name: str
    """The metric on validation that is the quality."""
    created: str
    """UTC, ISO 8601."""
    goals: tuple[GoalFigure, ...]
    trials: tuple[TuneTrial, ...]
    recipes: dict[str, str] = field(default_factory=dict)
    """Number of each of the best trials -> its recipe, a file of the run directory."""
    schema_version: int = SCHEMA_VERSION

    @property
    def metric(self) -> MetricSpec:
        """The metric on validation that is the quality."""
        return metric_spec(self.task, self.metric_name)

    @property
    def finished(self) -> tuple[TuneTrial, ...]:
        """The trials that have a figure for each goal, in order."""
        return tuple(trial for trial in self.trials if trial.state == "finished")

    @property
    def front(self) -> tuple[TuneTrial, ...]:
        """The trials that no other beats: is as good in every goal and better in one. The best by the first goal come
        first; of equal trials the earliest."""
        front = [trial for trial in self.finished if not any(self._beats(other, trial) for other in self.finished)]
        alike = {trial.values: trial for trial in reversed(front)}
        return tuple(sorted(alike.values(), key=lambda trial: (self._costs(trial)[0], trial.number)))

    def _beats(self, other: TuneTrial, trial: TuneTrial) -> bool:
        theirs, mine = self._costs(other), self._costs(trial)
        return theirs != mine and all(a <= b for a, b in zip(theirs, mine, strict=True))

    def _costs(self, trial: TuneTrial) -> tuple[float, ...]:
        """Its figures, turned so that lower is better."""
        signs = (-1 if goal.higher_is_better else 1 for goal in self.goals)
        return tuple(sign * value for sign, value in zip(signs, trial.values, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TuneReport:
        """Rebuild a report from `to_json`.

        Raises:
            RecipeError: a newer compressor wrote it.
        """
        from pydantic import TypeAdapter

        version = data.get("schema_version", 1)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise RecipeError(
                f"This search has schema version {version}; this compressor knows versions up to {SCHEMA_VERSION}.",
                hint="A newer compressor wrote it: read it with that one.",
            )
        return TypeAdapter(cls).validate_python(data)
