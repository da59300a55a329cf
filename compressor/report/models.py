"""Measured models as reports show them: a name, a colour that is theirs everywhere, and what they compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from compressor.bench.results import Latency, Measurement, Role, reference_role
from compressor.report.document import was_measured

__all__ = [
    "COLOURS",
    "Called",
    "Model",
    "by_target",
    "called",
    "colours",
    "headline",
    "model_name",
    "speedup",
    "workload",
]

COLOURS = 6
"""Colours for variants, `v0` to `v5` in style.css; after those they begin again."""


@dataclass(frozen=True)
class Model:
    """One model on one target."""

    name: str
    colour: str
    """Class in style.css."""
    chosen: bool
    found: Measurement
    reference: Measurement | None = None
    """The reference model on this target, or on the one that PyTorch is measured on for it."""


class Called(NamedTuple):
    """What a reference model is called."""

    name: str
    """In a sentence, after `the`."""
    unit: str
    """In the title of a column."""


def called(reference: Role | None) -> Called:
    """By its role: a finished model, which no teacher taught, is compared with itself in PyTorch."""
    return Called("PyTorch model", "PyTorch") if reference == "student" else Called("teacher", "teacher")


def model_name(measurement: Measurement) -> str:
    """How reports call a subject: PyTorch references by their role (`teacher bf16`), variants as `onnx int8`."""
    if measurement.role == "variant":
        return f"onnx {measurement.subject}"
    precision = measurement.precision
    if precision in (None, "fp32"):
        return measurement.subject
    return f"{measurement.subject.removesuffix(f'-{precision}')} {precision}"


def colours(measurements: Sequence[Measurement]) -> dict[str, str]:
    """Subject -> its colour: each role in PyTorch has one of its own, variants take theirs in order."""
    variants = dict.fromkeys(found.subject for found in measurements if found.role == "variant")
    known = {found.subject: str(found.role) for found in measurements if found.role != "variant"}
    return known | {subject: f"v{i % COLOURS}" for i, subject in enumerate(variants)}


def by_target(measurements: Sequence[Measurement], chosen: str | None = None) -> Iterator[tuple[str, list[Model]]]:
    """What was measured, target by target, in the order it was."""
    colour = colours(measurements)
    role = reference_role(found.role for found in measurements)
    references: dict[str, Measurement] = {}
    for found in measurements:
        if role and found.role == role and was_measured(found):
            references.setdefault(found.target, found)
    for target in dict.fromkeys(found.target for found in measurements):
        models = [
            Model(
                model_name(found),
                colour[found.subject],
                found.role == "variant" and found.subject == chosen,
                found,
                references.get(found.reference or target),
            )
            for found in measurements
            if found.target == target and was_measured(found)
        ]
        if models:
            yield target, models


def headline(measurement: Measurement) -> Latency | None:
    """The latency that tables show: real texts one at a time, else the first workload measured."""
    return measurement.latency() or next(iter(measurement.latencies), None)


def workload(latency: Latency) -> str:
    """Which inputs a latency is of."""
    if latency.sequence is None:
        return "one text at a time, at its own length" if latency.batch == 1 else f"{latency.batch} texts at a time"
    return f"inputs of {latency.batch} x {latency.sequence} tokens"


def speedup(measurement: Measurement, reference: Measurement | None) -> float | None:
    """The reference model's median latency divided by this model's, for the same workload; None if one is unknown."""
    mine, theirs = headline(measurement), headline(reference) if reference else None
    if mine is None or theirs is None or workload(mine) != workload(theirs) or not mine.model.p50_ms:
        return None
    return theirs.model.p50_ms / mine.model.p50_ms
