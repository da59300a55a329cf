"""What a history holds, and what is made of it: frozen, without a database and without a printer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Added", "Better", "Entry", "EntrySummary", "Kind", "Measured", "Point", "Series", "SeriesKey", "Value"]

Better = Literal["lower", "higher"]
Kind = Literal["run", "bench"]
"""What measured: `compressor run` measures with the test split, `compressor bench` with texts of its own, so that their
figures are never in one series."""


@dataclass(frozen=True)
class Value:
    """One figure of a measurement."""

    workload: str
    """`dataset`, `grid-8x128`, `throughput`, ...; empty for what rests on no workload, such as the size."""
    figure: str
    """Its key in reports: `p50_ms`."""
    better: Better
    value: float


@dataclass(frozen=True)
class Measured:
    """What was measured of one model on one target."""

    variant: str
    target: str
    machine: str
    """Its fingerprint."""
    machine_name: str
    """In words."""
    time: str
    """When it was measured: UTC, ISO 8601."""
    commit: str | None
    """Git revision; None where it isn't known."""
    versions: dict[str, str]
    """Library -> version."""
    values: tuple[Value, ...]
    digest: str
    """Tells this measurement from every other, so that none counts twice."""


@dataclass(frozen=True)
class Entry:
    """A report: the measurements of a run or a bench."""

    name: str
    kind: Kind
    time: str
    """UTC, ISO 8601."""
    measurements: tuple[Measured, ...]


@dataclass(frozen=True)
class Added:
    """What became of an entry."""

    name: str
    measurements: int
    """New ones; 0 where all of them were known, and then there is no new entry."""
    known: int
    """Left out: a report was added before, or a run found them finished."""


@dataclass(frozen=True)
class EntrySummary:
    """An entry as a list shows it."""

    number: int
    time: str
    name: str
    kind: Kind
    commit: str | None
    variants: tuple[str, ...]
    targets: tuple[str, ...]
    machines: tuple[str, ...]
    """Fingerprints."""
    figures: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class SeriesKey:
    """What makes values comparable: they are of one series only where all of this is the same."""

    name: str
    kind: Kind
    variant: str
    target: str
    workload: str
    figure: str
    machine: str

    @property
    def subject(self) -> str:
        """What it is of, for a row of a table: `int8 on cpu-1, dataset`."""
        return f"{self.variant} on {self.target}{f', {self.workload}' if self.workload else ''}"


@dataclass(frozen=True)
class Point:
    """A value of a series."""

    entry: int
    time: str
    commit: str | None
    value: float
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """One figure over time, oldest value first."""

    key: SeriesKey
    better: Better
    machine_name: str
    points: tuple[Point, ...]
