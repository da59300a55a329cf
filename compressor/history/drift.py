"""What a series did: its levels between change points, and whether it climbed to a worse one in steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.results import Interval
from compressor.history.change_points import FEWEST_VALUES, change_points
from compressor.history.results import Point, Series

__all__ = ["ALPHA", "NEWEST", "Change", "CheckResult", "Drift", "drift_of", "drifts_of"]

ALPHA = 0.01
"""How likely a check finds a change at all where nothing has changed, all series that it looks at together."""
NEWEST = 100
"""Values of a series that are looked at, so that a check takes no longer as the history grows."""
RESAMPLES = 2000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A change point."""

    index: int
    """Of the first value that is unlike those before it."""
    time: str
    commit: str | None
    before: float
    """Median of the values from the last change point to this one."""
    after: float
    loss: float
    """How much worse, as a share of the level before; below 0 it is better."""
    p_value: float
    """How likely so clear a change is by chance, times the number of series that were looked at."""


@dataclass(frozen=True)
class Drift:
    """A series and its change points."""

    series: Series
    changes: tuple[Change, ...]
    loss: float = 0.0
    """How much worse the newest level is than the one before it began to get worse, step after step, as a share of that
    one; 0 where the newest change is for the better, or there is none."""
    interval: Interval | None = None
    """Of `loss`."""
    began: int | None = None
    """Which change was the first of these steps."""

    @property
    def steps(self) -> int:
        """Changes for the worse, one after the other, that led to the newest level."""
        return 0 if self.began is None else len(self.changes) - self.began

    @property
    def first_step(self) -> Change | None:
        """The change with which it began to get worse."""
        return None if self.began is None else self.changes[self.began]

    @property
    def levels(self) -> tuple[tuple[int, int, float], ...]:
        """(first index, index behind the last, median) of what lies between change points."""
        bounds = [0, *(change.index for change in self.changes), len(self.series.points)]
        values = _values(self.series.points)
        return tuple((first, last, float(np.median(values[first:last]))) for first, last in pairwise(bounds))

    @property
    def versions_changed(self) -> tuple[str, ...]:
        """Libraries that changed with the first step: `onnxruntime 1.31.0 -> 1.32.0`."""
        if (first := self.first_step) is None:
            return ()
        old, new = (self.series.points[i].versions for i in (first.index - 1, first.index))
        names = sorted({name for name in old.keys() | new.keys() if old.get(name) != new.get(name)})
        return tuple(f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}" for name in names)

    def to_json(self, *, points: bool = False) -> dict[str, Any]:
        """Plain data, with every value where `points`."""
        return {
            **asdict(self.series.key),
            "better": self.series.better,
            "machine_name": self.series.machine_name,
            "values": len(self.series.points),
            "changes": [asdict(change) for change in self.changes],
            "loss": self.loss,
            "interval": asdict(self.interval) if self.interval else None,
            "began": asdict(first) if (first := self.first_step) else None,
            "steps": self.steps,
            "versions_changed": list(self.versions_changed),
            **({"points": [asdict(point) for point in self.series.points]} if points else {}),
        }


@dataclass(frozen=True)
class CheckResult:
    """What a check found."""

    tolerance: float
    drifts: tuple[Drift, ...]
    """Every series that it looked at, also those with too few values to tell anything."""

    @property
    def regressions(self) -> tuple[Drift, ...]:
        """Series whose newest change is for the worse, and which have lost more than the tolerance by now."""
        return tuple(drift for drift in self.drifts if drift.loss > self.tolerance)

    @property
    def short(self) -> int:
        """Series with too few values to tell anything."""
        return sum(len(drift.series.points) < FEWEST_VALUES for drift in self.drifts)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "passed": not self.regressions,
            "tolerance": self.tolerance,
            "level": ALPHA,
            "series": len(self.drifts),
            "short": self.short,
            "regressions": [drift.to_json() for drift in self.regressions],
        }


def drifts_of(series: Sequence[Series], seed: int = 0) -> tuple[Drift, ...]:
    """What each of several series did: with a chance of at most `ALPHA`, any change is found where there is none.

    Each series that may have changed is tested at `ALPHA` divided by their number (Bonferroni).
    """
    tested = sum(len(one.points) >= FEWEST_VALUES and len({point.value for point in one.points}) > 1 for one in series)
    return tuple(drift_of(one, max(tested, 1), seed) for one in series)


def drift_of(series: Series, looked_at: int = 1, seed: int = 0) -> Drift:
    """The change points of a series, and how far it has got worse.

    Args:
        looked_at: number of series that are looked at together.
    """
    values = _values(series.points)
    found = change_points(values, ALPHA / looked_at, seed)
    bounds = [0, *(one.index for one in found), len(values)]
    parts = [values[first:last] for first, last in pairwise(bounds)]
    levels = [float(np.median(part)) for part in parts]
    sign = 1 if series.better == "lower" else -1
    changes = tuple(
        Change(
            index=one.index,
            time=series.points[one.index].time,
            commit=series.points[one.index].commit,
            before=before,
            after=after,
            loss=_share(sign * (after - before), before),
            p_value=min(1.0, one.p_value * looked_at),
        )
        for one, (before, after) in zip(found, pairwise(levels), strict=True)
    )
    began = next((i + 1 for i in range(len(changes) - 1, -1, -1) if changes[i].loss <= 0), 0)
    if began >= len(changes):
        return Drift(series, changes)
    loss = _share(sign * (levels[-1] - levels[began]), levels[began])
    return Drift(series, changes, loss, _interval(parts, levels, began, sign, seed), began)


def _interval(parts: Sequence[Floats], levels: Sequence[float], base: int, sign: int, seed: int) -> Interval:
    """95% of the loss between part `base` and the last, by a bootstrap.

    A newest part may have three values, too few to tell how they vary: what all values differ by from the level of
    their part is drawn from, scaled up for the levels being estimated.
    """
    differences = np.concatenate([part - level for part, level in zip(parts, levels, strict=True)])
    differences = differences * np.sqrt(len(differences) / (len(differences) - len(parts)))
    generator = np.random.default_rng(seed)
    old, new = (
        levels[i] + np.median(generator.choice(differences, (RESAMPLES, len(parts[i]))), axis=1)
        for i in (base, len(parts) - 1)
    )
    shares = sign * (new - old) / abs(levels[base]) if levels[base] else sign * (new - old)
    low, high = np.quantile(shares, (0.025, 0.975))
    return Interval(float(low), float(high))


def _share(difference: float, level: float) -> float:
    """Of the level; of one that is 0 there is no share, and any difference counts as it is."""
    return difference / abs(level) if level else difference


def _values(points: Sequence[Point]) -> Floats:
    return np.array([point.value for point in points], dtype=np.float64)
