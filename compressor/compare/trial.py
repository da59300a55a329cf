"""From cases to rows: measure, look again where that didn't tell, and confirm before failing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from compressor.compare.decision import ALPHA, Sample, chance, holm, is_quiet, loss, verdict
from compressor.compare.results import Loss, Row, Verdict
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
    suspects = [case for case in cases if p_values[case] <= ALPHA and _quiet(case, found[case])]
    again = {case: _announced(case, seed + 2, "confirming", events) for case in suspects}
    confirmed = {case for case, p_value in _adjusted(again).items() if p_value <= ALPHA and _quiet(case, again[case])}
    return [_row(case, found[case], p_values[case], again.get(case), case in confirmed) for case in cases]


def _looked_at(case: Case, seed: int, events: Events) -> Measured:
    """Measured once, and a second time where the first set couldn't tell."""
    measured = _announced(case, seed, "measuring", events)
    effect = loss(measured.sample.effects)
    if _quiet(case, measured) and (effect.low > case.tolerance or effect.high < case.tolerance):
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


def _row(case: Case, found: Measured, p_value: float, again: Measured | None, confirmed: bool) -> Row:
    effect, control = loss(found.sample.effects), loss(found.sample.controls)
    confirmation = None if again is None else loss(again.sample.effects)
    said, note = _verdict(case, effect, control, confirmation, confirmed)
    return Row(
        metric=case.metric,
        case=case.name,
        unit=case.unit,
        a=found.a,
        b=found.b,
        loss=effect,
        tolerance=case.tolerance,
        verdict=said,
        note=note,
        p_value=p_value,
        control=control,
        confirmation=confirmation,
    )


def _verdict(
    case: Case, effect: Loss, control: Loss, confirmation: Loss | None, confirmed: bool
) -> tuple[Verdict, str]:
    if not is_quiet(control, case.tolerance):
        return "inconclusive", f"too noisy: a copy of A is {control.low:+.1%} to {control.high:+.1%} beside A"
    if confirmed:
        return "fail", ""
    if confirmation is not None:
        return "warn", f"not confirmed: measured again, it is {confirmation.low:+.1%} to {confirmation.high:+.1%}"
    said = verdict(effect, case.tolerance)
    if said == "fail":
        return "warn", "beyond the tolerance by itself, but not among so many cases"
    return said, "the bounds are too wide to tell" if said == "inconclusive" else ""
