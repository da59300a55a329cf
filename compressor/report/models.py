"""Measured models as reports show them: a name, a colour that is theirs everywhere, and what they compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compressor.bench.results import Latency, Measurement, Role, reference_role
from compressor.report.document import was_measured

__all__ = ["Model", "by_target", "called", "colours", "headline", "model_name", "speedup", "workload"]

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


def called(reference: Role | None) -> str:
    """What a reference model of this role is called: one that no teacher taught is compared with itself in PyTorch."""
    return "PyTorch model" if reference == "student" else "teacher"


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
    known = [found for found in measurements if was_measured(found)]
    # The first on each target counts.
    references = {found.target: found for found in reversed(known) if role and found.role == role}
    for target in dict.fromkeys(found.target for found in measurements):
        models = [
            Model(
                model_name(found),
                colour[found.subject],
                found.role == "variant" and found.subject == chosen,
                found,
                references.get(found.reference or target),
            )
            for found in known
            if found.target == target
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


def speedup(measurement: Measurement, reference: Measurement | None, *, mean: bool = False) -> float | None:
    """The reference model's median latency, or the mean, divided by this model's, for the same workload; None if one is
    unknown."""
    mine, theirs = headline(measurement), headline(reference) if reference else None
    if mine is None or theirs is None or workload(mine) != workload(theirs) or not mine.model.p50_ms:
        return None
    if mean:
        return theirs.model.mean_ms / mine.model.mean_ms
    return theirs.model.p50_ms / mine.model.p50_ms
