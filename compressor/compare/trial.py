"""From cases to rows: measure, look again where that didn't tell, and confirm before failing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from compressor.bench.statistics import holm
from compressor.compare.decision import ALPHA, FloatArray, Sample, chance, is_beyond, is_quiet, loss, verdict
from compressor.compare.results import Row, Verdict
from compressor.events import Events

__all__ = ["Case", "Measured", "decide"]


@dataclass(frozen=True)
class Measured:
    """One set of processes."""

    sample: Sample
    a: float
    """The median over processes, in the case's unit."""
    b: float

    def joined(self, other: Measured) -> Measured:
        """Both sets as one; the figures are those of the first."""
        return Measured(self.sample.joined(other.sample), self.a, self.b)


class Case(Protocol):
    """Something that is measured with chance in it: latency of one kind of input, or memory."""

    @property
    def metric(self) -> str:
        """`latency` or `memory`."""

    @property
    def name(self) -> str:
        """What is compared, in words."""

    @property
    def unit(self) -> str:
        """Of the figures."""

    @property
    def tolerance(self) -> float:
        """The loss that is allowed."""

    def measure(self, seed: int, events: Events) -> Measured:
        """Measure A, its copy and B in one set of fresh processes."""


def decide(cases: Sequence[Case], *, seed: int, events: Events) -> list[Row]:
    """A row for each case.

    Nothing fails at first sight: what seems to exceed its tolerance at 99% confidence, all cases taken together, is
    measured once more from the start, and fails only if that alone shows it again.
    """
    found = {case: _looked_at(case, seed, events) for case in cases}
    p_values = _adjusted(found)
    suspects = [case for case in cases if p_values[case] <= ALPHA and _beyond(case, found[case])]
    again = {case: _announced(case, seed + 2, "confirming", events) for case in suspects}
    confirmed = {case for case, p_value in _adjusted(again).items() if p_value <= ALPHA and _beyond(case, again[case])}
    return [_row(case, found[case], p_values[case], again.get(case), case in confirmed) for case in cases]


def _looked_at(case: Case, seed: int, events: Events) -> Measured:
    """Measured once, and a second time where the first set couldn't tell."""
    measured = _announced(case, seed, "measuring", events)
    if _beyond(case, measured) or (_quiet(case, measured) and loss(measured.sample.effects).high < case.tolerance):
        return measured
    return measured.joined(_announced(case, seed + 1, "looking again at", events))


def _announced(case: Case, seed: int, doing: str, events: Events) -> Measured:
    events.note(f"{doing} {case.metric}: {case.name}")
    return case.measure(seed, events)


def _adjusted(found: Mapping[Case, Measured]) -> dict[Case, float]:
    return dict(
        zip(found, holm([chance(at.sample.effects, case.tolerance) for case, at in found.items()]), strict=True)
    )


def _quiet(case: Case, measured: Measured) -> bool:
    return is_quiet(loss(measured.sample.controls), case.tolerance)


def _beyond(case: Case, measured: Measured) -> bool:
    return is_beyond(loss(measured.sample.effects), loss(measured.sample.controls), case.tolerance)


def _row(case: Case, found: Measured, p_value: float, again: Measured | None, confirmed: bool) -> Row:
    said, note = _verdict(case, found, again, confirmed)
    return Row(
        metric=case.metric,
        case=case.name,
        unit=case.unit,
        a=found.a,
        b=found.b,
        loss=loss(found.sample.effects),
        tolerance=case.tolerance,
        verdict=said,
        note=note,
        p_value=p_value,
        control=loss(found.sample.controls),
        confirmation=None if again is None else loss(again.sample.effects),
    )


def _verdict(case: Case, found: Measured, again: Measured | None, confirmed: bool) -> tuple[Verdict, str]:
    """The verdict, and why it is not what the figures seem to say."""
    if confirmed:
        return "fail", ""
    if again is not None:
        why = f"not confirmed: measured again, it is {_bounds(again.sample.effects)}"
        noise = f", and a copy of A {_bounds(again.sample.controls)} beside A"
        return "warn", why if _quiet(case, again) else why + noise
    if not _quiet(case, found):
        return "inconclusive", f"too noisy: a copy of A is {_bounds(found.sample.controls)} beside A"
    said = verdict(loss(found.sample.effects), case.tolerance)
    if said == "fail":
        return "warn", "beyond the tolerance by itself, but not among so many cases"
    return said, "the bounds are too wide to tell" if said == "inconclusive" else ""


def _bounds(logarithms: FloatArray) -> str:
    found = loss(logarithms)
    return f"{found.low:+.1%} to {found.high:+.1%}"
