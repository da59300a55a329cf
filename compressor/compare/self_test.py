"""How often the comparison is wrong on this machine, which is told by comparisons whose outcome is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

import compressor
from compressor.bench.subject import subjects_from
from compressor.compare.arm import ArmSpec, CallSpec, ModelSpec
from compressor.compare.inputs import write_inputs
from compressor.compare.latency import LatencyCase
from compressor.compare.results import Row, Verdict
from compressor.compare.settings import Settings, assert_possible
from compressor.compare.trial import decide
from compressor.events import Events
from compressor.runtime.manifest import MANIFEST, Manifest

__all__ = ["RUNS", "SLOW_DOWN", "Figures", "Kind", "Outcome", "SelfTest", "compare_once", "self_test"]

RUNS = 6
"""Comparisons of each kind."""
SLOW_DOWN = 0.10
SETS = 10
"""Seeds of a comparison: it measures up to three sets of processes."""
WORKLOAD = "compressor.compare.workload:products"

Kind = Literal["same", "slowed"]
VERDICTS: tuple[Verdict, ...] = ("pass", "warn", "inconclusive", "fail")


@dataclass(frozen=True)
class Outcome:
    """One comparison whose right verdict is known."""

    kind: Kind
    verdict: Verdict
    loss: float
    """The loss that was found, as a share."""
    control: float
    """The largest loss of a copy of A that the bounds allow, as a share: what this machine can't tell apart."""

    @classmethod
    def of(cls, kind: Kind, row: Row) -> Outcome:
        """What the row of a latency case says."""
        assert row.loss is not None and row.control is not None, "a latency case has both"
        return cls(kind, row.verdict, row.loss.value, max(abs(row.control.low), abs(row.control.high)))


@dataclass(frozen=True)
class Figures:
    """The comparisons of one kind."""

    kind: Kind
    runs: int
    verdicts: dict[str, int]
    """How many of each verdict."""
    loss_low: float
    loss_high: float
    """The smallest and the largest loss that was found, as shares."""
    wrong: int
    """Failures of what is the same; of what is slower, verdicts other than `fail`."""
    wrong_at_most: float
    """Share of wrong verdicts that so many runs leave possible: the upper end of a one-sided 95% Clopper-Pearson
    interval."""


@dataclass(frozen=True)
class SelfTest:
    """What the comparison made of runs whose outcome is known."""

    subject: str
    """What was timed."""
    slow_down: float
    """The share by which B is slowed in runs of the kind `slowed`."""
    tolerance: float
    noise: float
    """Median over runs of the loss that a copy of A may have beside A, as a share."""
    figures: tuple[Figures, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def self_test(
    path: Path | None, *, settings: Settings, runs: int = RUNS, slow_down: float = SLOW_DOWN, work: Path, events: Events
) -> SelfTest:
    """Compare A with itself, and with itself slowed by `slow_down`, `runs` times each, in turn.

    Args:
        path: a bundle or an ONNX file with its tokenizer; None: products of small matrices in numpy.
        work: where raw times are left.

    Raises:
        MissingExtra, TargetUnavailable: it can't be measured here. BundleError: the path holds no model.
        WorkerError: a measuring process died.
    """
    assert_possible(settings)
    same, slowed = _arms(path, settings, slow_down, work)
    outcomes = []
    # In turn, so that both kinds see the same minutes of the machine.
    for number in range(runs):
        for kind, b in (("same", same), ("slowed", slowed)):
            events.progress("comparisons", len(outcomes), 2 * runs)
            outcomes.append(compare_once(kind, number, same, b, settings=settings, work=work, events=events))
    events.progress("comparisons", len(outcomes), 2 * runs)
    return SelfTest(
        subject="numpy" if path is None else str(path),
        slow_down=slow_down,
        tolerance=settings.tolerances.latency,
        noise=float(np.median([outcome.control for outcome in outcomes])),
        figures=tuple(_figures(outcomes)),
    )


def compare_once(
    kind: Kind, number: int, a: ArmSpec, b: ArmSpec, *, settings: Settings, work: Path, events: Events
) -> Outcome:
    """Comparison `number` of a kind: what the command does for one case, second look and confirmation included."""
    case = LatencyCase(
        name=f"{'A and A' if kind == 'same' else 'A and A slowed'}, comparison {number + 1}",
        a=a,
        b=b,
        work=work / "times",
        tolerance=settings.tolerances.latency,
        processes=settings.processes,
        threads=settings.target.threads,
    )
    (row,) = decide([case], seed=settings.seed + SETS * number, events=events)
    return Outcome.of(kind, row)


def _arms(path: Path | None, settings: Settings, slow_down: float, work: Path) -> tuple[ArmSpec, ArmSpec]:
    """A, and A slowed."""
    if path is None:
        root = str(Path(compressor.__file__).parents[1])
        return CallSpec(WORKLOAD, root), CallSpec(WORKLOAD, root, slow_down)
    default = [Manifest.read(path).default] if (path / MANIFEST).is_file() else None
    subject = subjects_from(path, settings.variants or default)[0]
    inputs = write_inputs("texts", subject, (), work / "inputs.npz")
    model, target = str((subject.folder / subject.file).resolve()), settings.target
    return (
        ModelSpec(model, str(inputs), target.device, target.threads),
        ModelSpec(model, str(inputs), target.device, target.threads, slow_down),
    )


def _figures(outcomes: list[Outcome]) -> Iterator[Figures]:
    from scipy.stats import beta

    for kind in ("same", "slowed"):
        mine = [outcome for outcome in outcomes if outcome.kind == kind]
        wrong = sum((outcome.verdict == "fail") == (kind == "same") for outcome in mine)
        at_most = 1.0 if wrong == len(mine) else float(beta.ppf(0.95, wrong + 1, len(mine) - wrong))
        losses = [outcome.loss for outcome in mine]
        counts = {verdict: sum(outcome.verdict == verdict for outcome in mine) for verdict in VERDICTS}
        yield Figures(kind, len(mine), counts, min(losses), max(losses), wrong, at_most)
