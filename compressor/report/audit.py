"""The document an audit leaves behind: `audit.json` is this dataclass, and the page is drawn from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from compressor.bench.results import Accuracy, GateVerdict
from compressor.errors import RecipeError
from compressor.report.blocks import Finding

__all__ = ["AuditReport", "AuditedFigure"]

SCHEMA_VERSION = 1
DERIVED = ("figures", "passed")
"""What the JSON has beside the fields."""


@dataclass(frozen=True)
class AuditedFigure:
    """A model, and how well it answers the test texts."""

    name: str
    accuracy: Accuracy | None
    """None where no right answers are known."""


@dataclass(frozen=True)
class AuditReport:
    """Everything an audit found."""

    name: str
    task: str
    created: str
    """UTC, ISO 8601."""
    models: tuple[AuditedFigure, ...]
    """The audited one, and the one beside it where there is one."""
    texts: int
    """Of the test."""
    findings: tuple[Finding, ...]
    """What was checked, a section each."""
    unchecked: tuple[tuple[str, str], ...]
    """What was not: its title, and what is missing."""
    gates: tuple[GateVerdict, ...] = ()
    """What had to hold, with its verdict."""
    environment: dict[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def figures(self) -> dict[str, float]:
        """Every figure by its key."""
        return {key: value for finding in self.findings for key, value in finding.figures.items()}

    @property
    def passed(self) -> bool:
        """Whether every gate holds."""
        return all(gate.passed for gate in self.gates)

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`; `figures` and `passed` for programs."""
        return {**asdict(self), "figures": self.figures, "passed": self.passed}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> AuditReport:
        """Rebuild an audit from `to_json`.

        Raises:
            RecipeError: a newer compressor wrote it.
        """
        from pydantic import TypeAdapter

        version = data.get("schema_version", 1)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise RecipeError(
                f"This audit has schema version {version}; this compressor knows versions up to {SCHEMA_VERSION}.",
                hint="A newer compressor wrote it: read it with that one.",
            )
        return TypeAdapter(cls).validate_python({key: value for key, value in data.items() if key not in DERIVED})
