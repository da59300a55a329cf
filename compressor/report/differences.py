"""Paired differences between models in words: which way, how sure, how likely by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.document import VariantDifference

__all__ = ["HEADER", "cells", "collect", "points"]

HEADER = (
    "model",
    "against",
    "difference\npoints",
    "95% interval\npoints",
    "better\ntexts",
    "worse\ntexts",
    "p\nMcNemar",
)


def collect(
    measurements: Sequence[Measurement], differences: Sequence[VariantDifference] = ()
) -> tuple[VariantDifference, ...]:
    """Every paired difference that is known, target by target, each once: those of the run, and those from the teacher
    that the accuracies carry."""
    known = {(found.subject, found.reference, found.target) for found in differences}
    carried = [
        VariantDifference(found.subject, "teacher", found.target, found.accuracy.metric, found.accuracy.difference)
        for found in measurements
        if found.subject != "teacher" and found.accuracy and found.accuracy.difference
    ]
    return (*(own for own in carried if (own.subject, own.reference, own.target) not in known), *differences)


def points(value: float) -> str:
    """A difference of shares in points: -2.5."""
    return f"{100 * value:+.1f}" if abs(value) >= 0.0005 else "0.0"


def cells(found: VariantDifference, names: Mapping[str, str]) -> tuple[str, ...]:
    """One row below `HEADER`; `names`: subject -> how it is called."""
    difference = found.difference
    counted = difference.better or difference.worse or difference.p_value is not None
    return (
        names.get(found.subject, found.subject),
        names.get(found.reference, found.reference),
        points(difference.value),
        f"{points(difference.interval.low)} to {points(difference.interval.high)}",
        str(difference.better) if counted else fmt.NA,
        str(difference.worse) if counted else fmt.NA,
        fmt.p_value(difference.p_value),
    )
