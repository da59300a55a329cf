"""The document a run leaves behind: `report.json` is this dataclass, and every other report is drawn from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from compressor.bench.results import GateVerdict, Measurement, Role, VariantDifference, reference_role
from compressor.errors import RecipeError
from compressor.report.blocks import Finding
from compressor.task_specs import MetricSpec, metric_spec

__all__ = ["SCHEMA_VERSION", "GateVerdict", "RunReport", "StageRecord", "VariantDifference", "was_measured"]

SCHEMA_VERSION = 6
"""Raised when figures are added or change their meaning. Version 1 had no `peak_mb` and no `differences`, version 2 no
`findings` and no roles, version 3 no `batch_drift`, version 4 no `profile` of a graph and no `guess`,
version 5 no `energy`."""


@dataclass(frozen=True)
class StageRecord:
    """One stage of the run: what it cost and what it found."""

    name: str
    key: str
    cached: bool
    seconds: float
    """Time the stage took when it ran, also where this run found it finished."""
    facts: dict[str, Any] = field(default_factory=dict)
    peak_mb: float | None = None
    """Highest resident memory while it ran; None where it wasn't measured."""

    @property
    def kind(self) -> str:
        """The stage without what it was for: `quantize` of `quantize/int8`."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class RunReport:
    """Everything a run found."""

    name: str
    task: str
    labels: tuple[str, ...]
    created: str
    """UTC, ISO 8601."""
    chosen: str
    """The variant that answers by default in the bundle."""
    measurements: tuple[Measurement, ...]
    """PyTorch references (`teacher`, `baseline`, `student`) and variants (`fp32`, `int8`, ...), by target."""
    gates: tuple[GateVerdict, ...]
    stages: tuple[StageRecord, ...]
    environment: dict[str, Any] = field(default_factory=dict)
    differences: tuple[VariantDifference, ...] = ()
    """Paired differences between models, the chosen pairs of the run."""
    findings: tuple[Finding, ...] = ()
    """What evaluations found, a section each."""
    schema_version: int = SCHEMA_VERSION

    @property
    def passed(self) -> bool:
        """Whether every gate holds."""
        return all(gate.passed for gate in self.gates)

    def measurement(self, subject: str, target: str | None = None) -> Measurement | None:
        """What was measured of a subject on this target, or on the first it ran on."""
        return self._first(target, subject=subject)

    def of_role(self, role: Role, target: str | None = None) -> Measurement | None:
        """The first that was measured of a role, on this target or on any."""
        return self._first(target, role=role)

    def _first(self, target: str | None, **wanted: str) -> Measurement | None:
        here = (found for found in self.measurements if was_measured(found) and target in (None, found.target))
        return next((found for found in here if all(getattr(found, k) == v for k, v in wanted.items())), None)

    @property
    def metric(self) -> MetricSpec:
        """The main metric of its task."""
        return metric_spec(self.task, next((m.accuracy.metric for m in self.measurements if m.accuracy), "accuracy"))

    @property
    def reference_role(self) -> Role | None:
        """The role of the model that the others compare with: the teacher, or without one the student."""
        return reference_role(found.role for found in self.measurements)

    def reference(self, target: str | None = None) -> Measurement | None:
        """What was measured of the reference model, on this target or on any."""
        role = self.reference_role
        return self.of_role(role, target) if role else None

    @property
    def beside_reference(self) -> tuple[Measurement | None, Measurement | None]:
        """The chosen variant, and the reference model on the target that it compares with."""
        chosen = self.measurement(self.chosen)
        return chosen, self.reference(chosen.reference or chosen.target) if chosen else None

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return {**asdict(self), "passed": self.passed}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RunReport:
        """Rebuild a report from `to_json`, of this version or an older one; it is then of this version.

        Raises:
            RecipeError: a newer compressor wrote it.
        """
        from pydantic import TypeAdapter

        version = data.get("schema_version", 1)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise RecipeError(
                f"This report has schema version {version}; this compressor knows versions up to {SCHEMA_VERSION}.",
                hint="A newer compressor wrote it: read it with that one.",
            )
        known = {key: value for key, value in data.items() if key not in ("passed", "schema_version")}
        return TypeAdapter(cls).validate_python(known)


def was_measured(found: Measurement) -> bool:
    """Whether there is a figure to show: it wasn't skipped, and if it broke off, something had been found before."""
    if found.failed is not None:
        figures = (found.accuracy, found.throughput, found.memory, found.highest_rate, found.cold_start)
        return bool(found.latencies or found.serving) or any(figure is not None for figure in figures)
    return found.skipped is None
