"""The document a study leaves behind: `study.json` is this dataclass, and its other reports are drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from statistics import mean, stdev
from typing import Any, Literal

from compressor.bench.results import GateVerdict, Interval
from compressor.errors import RecipeError
from compressor.task_specs import MetricSpec, metric_spec

__all__ = [
    "ENOUGH_SEEDS",
    "BaseDifference",
    "StageCost",
    "StudyMember",
    "StudyReport",
    "StudyVariant",
    "StudyVerdict",
    "Summary",
    "summarized",
]

SCHEMA_VERSION = 1
ENOUGH_SEEDS = 3
"""Fewer allow no claim that one variant is better than another."""

StudyVerdict = Literal["better", "worse", "open", "few seeds", ""]
"""Of a variant beside the base. `open`: it can't be told; empty: there is nothing to compare."""


@dataclass(frozen=True)
class Summary:
    """A figure over seeds."""

    n: int
    mean: float
    spread: float | None
    """Sample standard deviation; None with one seed."""


def summarized(values: Iterable[float | None]) -> Summary | None:
    """Mean and spread of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Summary(len(known), mean(known), stdev(known) if len(known) > 1 else None)


@dataclass(frozen=True)
class StageCost:
    """A stage of a run, and the seconds it took when it ran."""

    name: str
    key: str
    seconds: float


@dataclass(frozen=True)
class StudyMember:
    """One run of a study. Figures are of the test split; None where they weren't measured."""

    seed: int
    folder: str
    """Its run directory, seen from the study's."""
    error: str = ""
    """Why it has no result; empty where it finished."""
    chosen: str = ""
    """The variant of the ONNX model that ships: `int8`."""
    student: float | None = None
    """Main metric of the student in PyTorch."""
    shipped: float | None = None
    """Main metric of what ships."""
    examples: int | None = None
    """Test examples that `shipped` is of."""
    retained: float | None = None
    """`shipped` as a share of the teacher's."""
    divergence: float | None = None
    """Of what ships from the teacher, of classifiers."""
    speedup: float | None = None
    """Over the teacher in PyTorch."""
    p50_ms: float | None = None
    size_mb: float | None = None
    gates: tuple[GateVerdict, ...] = ()
    stages: tuple[StageCost, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether it has a result."""
        return not self.error

    @property
    def passed(self) -> bool:
        """Whether it finished and every gate holds."""
        return self.finished and all(gate.passed for gate in self.gates)


@dataclass(frozen=True)
class BaseDifference:
    """How far what a variant ships lies above (or below) what the base ships, on the main metric."""

    seeds: tuple[int, ...]
    """Those that both finished."""
    values: tuple[float, ...]
    """The difference for each of these seeds."""
    over_seeds: Interval | None = None
    """Of the mean, by the spread of these differences; None with fewer than three seeds."""
    over_examples: Interval | None = None
    """Of the mean, over the choice of test examples, which both answer; None where they didn't answer the same."""

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return mean(self.values)

    def verdict(self, metric: MetricSpec) -> StudyVerdict:
        """Better or worse only where neither the seeds nor the test examples leave it open."""
        if self.over_seeds is None:
            return "few seeds"
        known = [interval for interval in (self.over_seeds, self.over_examples) if interval]
        above, below = all(one.low > 0 for one in known), all(one.high < 0 for one in known)
        if not above and not below:
            return "open"
        return "better" if above == metric.higher_is_better else "worse"


@dataclass(frozen=True)
class StudyVariant:
    """The runs of one variant, a seed each."""

    name: str
    members: tuple[StudyMember, ...]
    changes: dict[str, Any] = field(default_factory=dict)
    """What it sets: dotted key -> value."""
    difference: BaseDifference | None = None
    """None of the base itself, and where no seed finished with both."""

    @property
    def finished(self) -> tuple[StudyMember, ...]:
        """The runs that have a result."""
        return tuple(member for member in self.members if member.finished)

    def summary(self, read: Callable[[StudyMember], float | None]) -> Summary | None:
        """A figure over its seeds."""
        return summarized(map(read, self.finished))


@dataclass(frozen=True)
class StudyReport:
    """Everything a study found."""

    name: str
    task: str
    metric_name: str
    """The main metric of its runs."""
    created: str
    """UTC, ISO 8601."""
    variants: tuple[StudyVariant, ...]
    """The base first."""
    schema_version: int = SCHEMA_VERSION

    @property
    def metric(self) -> MetricSpec:
        """The main metric of its runs."""
        return metric_spec(self.task, self.metric_name)

    @property
    def base(self) -> StudyVariant:
        """The recipe as it stands."""
        return self.variants[0]

    @property
    def failed(self) -> tuple[StudyMember, ...]:
        """The runs without a result."""
        return tuple(member for variant in self.variants for member in variant.members if not member.finished)

    @property
    def passed(self) -> bool:
        """Whether every run finished, and every gate holds for the base with each seed."""
        return not self.failed and all(member.passed for member in self.base.members)

    def seconds(self, variant: StudyVariant) -> tuple[float, float]:
        """What a variant's stages took: those that no other variant uses, and all of them, each once."""
        own = _stages(variant.members)
        others = _stages(member for other in self.variants if other is not variant for member in other.members)
        return sum(own[key] for key in own.keys() - others.keys()), sum(own.values())

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return {**asdict(self), "passed": self.passed}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> StudyReport:
        """Rebuild a report from `to_json`.

        Raises:
            RecipeError: a newer compressor wrote it.
        """
        from pydantic import TypeAdapter

        version = data.get("schema_version", 1)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise RecipeError(
                f"This study has schema version {version}; this compressor knows versions up to {SCHEMA_VERSION}.",
                hint="A newer compressor wrote it: read it with that one.",
            )
        return TypeAdapter(cls).validate_python({key: value for key, value in data.items() if key != "passed"})


def _stages(members: Iterable[StudyMember]) -> dict[str, float]:
    """Key -> seconds of every stage of some runs."""
    return {stage.key: stage.seconds for member in members for stage in member.stages}
