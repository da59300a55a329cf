"""How figures are written, everywhere the same: console, Markdown, HTML, model card.

ASCII only, so that a table survives any terminal, log and mail.
"""

from __future__ import annotations

from compressor.bench.results import Interval
from compressor.errors import printable
from compressor.task_specs import MetricSpec

__all__ = ["NA", "change", "count", "duration", "gate_value", "number", "p_value", "percent", "printable", "quality"]

NA = "n/a"
"""Written where a figure wasn't, or couldn't be, measured."""


def number(value: float | None, digits: int = 3) -> str:
    """A figure with `digits` significant digits, whole digits never rounded away: 1.64, 76.1, 1234. None is n/a."""
    if value is None:
        return NA
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:.0f}"
    text = f"{value:#.{digits}g}"
    return f"{float(text):.{digits}g}" if "e" in text else text.rstrip(".")


def percent(value: float | None) -> str:
    """A share of 1 as 84.3%."""
    return NA if value is None else f"{100 * value:.1f}%"


def quality(value: float | None, metric: MetricSpec, interval: Interval | None = None) -> str:
    """A metric in its own unit, with its confidence interval where that is given: 84.3% (82.4-86.1)."""
    if value is None:
        return NA
    scale, digits = (100, 1) if metric.unit == "share" else (1, 3)
    text = percent(value) if metric.unit == "share" else number(value)
    if interval is None:
        return text
    low, high = (f"{scale * bound:.{digits}f}" for bound in (interval.low, interval.high))
    return f"{text} ({low}{' to ' if interval.low < 0 else '-'}{high})"


def change(value: float, metric: MetricSpec) -> str:
    """A difference of a metric: in points of a share (-2.5), else in its own unit (+0.012). Never -0.0."""
    scale, digits = (100, 1) if metric.unit == "share" else (1, 3)
    rounded = round(scale * value, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"


def count(value: float | None) -> str:
    """A large number: 22.7 M, 17.4 k."""
    if value is None:
        return NA
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{number(value / size)}{suffix}"
    return f"{value:g}"


def p_value(value: float | None) -> str:
    """How likely something is by chance: 0.031, and < 0.001 where more digits would say nothing."""
    if value is None:
        return NA
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def duration(seconds: float) -> str:
    """Time a person waits: 0.4 s, 41 s, 3 min 12 s, 1 h 04 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"


def gate_value(value: float | None, expression: str) -> str:
    """A measured value with as many digits as it takes to see on which side of the gate it lies.

    0.96996 against ">= 0.97" is not written 0.97.
    """
    if value is None:
        return NA
    bound = float(expression.strip("<>= "))
    for digits in range(3, 17):
        text = number(value, digits)
        if (float(text) > bound, float(text) < bound) == (value > bound, value < bound):
            return text
    return repr(value)
