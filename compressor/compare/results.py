"""What a comparison found: frozen, JSON-able; every report of it is drawn from this.

A *loss* says how much worse B is than A: a share (0.05: 5% slower, larger) or, for accuracy, points as a share
(0.01: one point of accuracy lost). Negative losses are gains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from compressor.errors import RecipeError

__all__ = ["SCHEMA_VERSION", "Comparison", "Loss", "Row", "Verdict", "worst"]

SCHEMA_VERSION = 1

Verdict = Literal["pass", "warn", "fail", "inconclusive"]

_GRAVITY: tuple[Verdict, ...] = ("pass", "warn", "inconclusive", "fail")


@dataclass(frozen=True)
class Loss:
    """An estimate with its one-sided bounds: each holds with the given confidence."""

    value: float
    low: float
    high: float
    n: int
    """Processes, or texts, that it rests on."""
    confidence: float = 0.99


@dataclass(frozen=True)
class Row:
    """One figure of A beside that of B, and what is made of it."""

    metric: str
    """`latency`, `memory`, `size`, `accuracy`, `answers` or `operators`."""
    case: str
    """What was compared: `int8, 1 x 128 tokens`."""
    unit: str
    a: float | None
    b: float | None
    loss: Loss | None
    tolerance: float
    """The loss that is allowed."""
    verdict: Verdict
    note: str = ""
    """Why, where the figures don't say it."""
    p_value: float | None = None
    """How likely such a measurement is were the loss within the tolerance; adjusted for the number of cases (Holm)."""
    control: Loss | None = None
    """A copy of A beside A, measured in the same blocks."""
    confirmation: Loss | None = None
    """The second, independent measurement that a failure needs."""


@dataclass(frozen=True)
class Comparison:
    """A beside B."""

    a: str
    b: str
    target: str
    rows: tuple[Row, ...]
    created: str
    """UTC, ISO 8601."""
    environment: dict[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def verdict(self) -> Verdict:
        """The gravest of the rows."""
        return worst(row.verdict for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return {**asdict(self), "verdict": self.verdict}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Comparison:
        """Rebuild a comparison from `to_json`.

        Raises:
            RecipeError: a newer compressor wrote it. ValidationError: it is none.
        """
        from pydantic import TypeAdapter

        version = data.get("schema_version", SCHEMA_VERSION)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise RecipeError(
                f"This comparison has schema version {version}; this compressor knows versions up to {SCHEMA_VERSION}.",
                hint="A newer compressor wrote it: read it with that one.",
            )
        return TypeAdapter(cls).validate_python({key: value for key, value in data.items() if key != "verdict"})


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest verdict; of none, `pass`."""
    return max(verdicts, key=_GRAVITY.index, default="pass")
