"""Models as charts draw them: a name, a colour that is theirs on the whole page, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compressor.bench.results import Measurement
from compressor.report.document import was_measured
from compressor.report.rows import model_name

__all__ = ["COLOURS", "Model", "by_target", "colours"]

COLOURS = 6
"""Colours for variants, `v0` to `v5` in style.css; after those they begin again."""
REFERENCES = ("teacher", "baseline", "student")


@dataclass(frozen=True)
class Model:
    """One model on one target."""

    name: str
    colour: str
    """Class in style.css."""
    chosen: bool
    found: Measurement


def colours(measurements: Sequence[Measurement]) -> dict[str, str]:
    """Subject -> its colour: references have one of their own, variants take theirs in order."""
    role = {
        found.subject: found.subject.removesuffix(f"-{found.precision}")
        for found in measurements
        if found.engine == "torch"
    }
    known = {subject: name for subject, name in role.items() if name in REFERENCES}
    variants = dict.fromkeys(found.subject for found in measurements if found.subject not in known)
    return known | {subject: f"v{i % COLOURS}" for i, subject in enumerate(variants)}


def by_target(measurements: Sequence[Measurement], chosen: str | None) -> Iterator[tuple[str, list[Model]]]:
    """What was measured, target by target, in the order it was."""
    colour = colours(measurements)
    for target in dict.fromkeys(found.target for found in measurements):
        models = [
            Model(
                model_name(found),
                colour[found.subject],
                found.engine == "onnxruntime" and found.subject == chosen,
                found,
            )
            for found in measurements
            if found.target == target and was_measured(found)
        ]
        if models:
            yield target, models
