"""From figures to places on a drawing, and the round figures an axis names."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LOG_FROM", "Linear", "Log", "Scale", "scale_for", "tick_text"]

LOG_FROM = 4.0
"""Figures that differ by more than this factor are drawn on a logarithmic scale."""
STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Linear:
    """Equal differences are equally far apart. `start` may lie beyond `end`: screens count downwards."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(
        cls, values: Iterable[float], start: float, end: float, *, zero: bool = False, margin: float = 0.0
    ) -> Linear:
        """A scale that holds all values, with `margin` of their spread on both sides; from 0 where `zero`."""
        known = [*values, *([0.0] if zero else [])] or [0.0, 1.0]
        low, high = min(known), max(known)
        if high - low <= 1e-9 * max(abs(low), abs(high)):
            room = abs(high) / 2 or 1.0
            low, high = (0.0 if zero else low - room), high + room
        spread = margin * (high - low)
        return cls(low if zero and low == 0 else low - spread, high + spread, start, end)

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """Round figures within the scale, about `count`."""
        rough = (self.high - self.low) / max(count, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(step * power for step in STEPS if step * power >= rough * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        inside = (round(i * step, 12) for i in range(first, last + 1))
        return [value for value in inside if self.low <= value <= self.high]


@dataclass(frozen=True)
class Log:
    """Equal ratios are equally far apart. Figures are above 0."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float, *, margin: float = 0.0) -> Log:
        """A scale that holds all values above 0, with `margin` of their spread on both sides."""
        known = [value for value in values if value > 0] or [1.0, 10.0]
        low, high = min(known), max(known)
        if high <= low * 1.001:
            low, high = low / 2, high * 2
        factor = (high / low) ** margin
        return cls(low / factor, high * factor, start, end)

    def __call__(self, value: float) -> float:
        share = math.log(max(value, self.low / 10) / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """1, 2 and 5 of every decade, or the decades alone where those are too many."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for mantissas in ((1, 2, 5), (1, 3), (1,)):
            every = (float(f"{mantissa}e{decade}") for decade in decades for mantissa in mantissas)
            found = [value for value in every if self.low <= value <= self.high]
            if len(found) <= 1.5 * count:
                break
        if len(found) > 1.5 * count:
            found = found[:: math.ceil(len(found) / count)]
        return found if len(found) > 1 else Linear(self.low, self.high, self.start, self.end).ticks(count)


Scale = Linear | Log
"""A monotone map from figures in [low, high] to places in [start, end]."""


def scale_for(values: Iterable[float], start: float, end: float, *, margin: float = 0.0) -> Scale:
    """Logarithmic for figures above 0 that lie far apart, else linear."""
    known = list(values)
    if known and min(known) > 0 and max(known) > LOG_FROM * min(known):
        return Log.over(known, start, end, margin=margin)
    return Linear.over(known, start, end, margin=margin)


def tick_text(value: float) -> str:
    """How an axis writes a round figure: 0.5, 200, 20k, 1.5M."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if suffix == 'k' else size):g}{suffix}"
    return f"{value:g}"
