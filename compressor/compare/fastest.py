"""Which of several models is the fastest, where one of them keeps its place unless another is surely faster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compressor.compare.arm import ModelSpec
from compressor.compare.latency import LatencyCase
from compressor.compare.results import Loss, Row
from compressor.compare.trial import Case, decide
from compressor.events import Events
from compressor.recipe.benchmark import Target

__all__ = ["GAIN", "Race", "Timed", "fastest", "is_faster"]

GAIN = 0.01
"""A candidate that saves no more than this share of the time isn't worth another file, and can't be told from one that
saves nothing."""


@dataclass(frozen=True)
class Timed:
    """A candidate beside the model that would stay, with one kind of input."""

    shape: str
    """`texts` or `1x128`."""
    base_ms: float
    """The median over processes, a call."""
    ms: float
    ratio: Loss
    """The candidate's time as a share of the base's less one, with one-sided 99% bounds: negative is faster."""
    faster: bool
    """Surely, by more than `GAIN`, and measured twice."""
    note: str = ""
    """Why it isn't surely faster, where the bounds don't say it."""

    @property
    def slower(self) -> bool:
        """Surely, by however little."""
        return self.ratio.low > 0


@dataclass(frozen=True)
class Race:
    """What is timed with what."""

    inputs: Mapping[str, Path]
    """Shape -> an npz file of token ids, as `write_inputs` leaves it."""
    target: Target
    seed: int
    work: Path
    """Where the raw times are left, a folder a candidate and shape."""

    def run(self, base: Path, candidates: Mapping[str, Path], events: Events) -> dict[str, tuple[Timed, ...]]:
        """Time candidates beside the base, in turns, in fresh processes: of each, what was found with every shape.

        It is the decision of `compare` turned round: the base is judged beside the candidate, and must fail. All
        candidates count as one family of cases, so that more of them take more proof.

        Raises:
            WorkerError: a measuring process died. TargetUnavailable: the target can't be used.
        """
        asked = [(name, shape) for name in candidates for shape in self.inputs]
        cases = [self._case(base, candidates[name], name, shape) for name, shape in asked]
        rows = decide(cases, seed=self.seed, events=events)
        found: dict[str, list[Timed]] = {name: [] for name in candidates}
        for (name, shape), row in zip(asked, rows, strict=True):
            found[name].append(_timed(shape, row))
        return {name: tuple(timed) for name, timed in found.items()}

    def _case(self, base: Path, candidate: Path, name: str, shape: str) -> Case:
        spec: dict[str, Any] = {
            "inputs": str(self.inputs[shape]),
            "device": self.target.device,
            "threads": self.target.threads,
        }
        return LatencyCase(
            name=f"{name}, {shape}",
            a=ModelSpec(model=str(candidate), **spec),
            b=ModelSpec(model=str(base), **spec),
            work=self.work / f"{name}-{shape}".replace(" ", ""),
            tolerance=GAIN,
            threads=self.target.threads,
        )


def fastest(timed: Mapping[str, tuple[Timed, ...]]) -> str | None:
    """The candidate that saves most, all shapes counting alike, among those that are surely faster with one and surely
    slower with none; None where there is none: the base stays."""
    wins = [name for name, found in timed.items() if is_faster(found)]
    return min(wins, key=lambda name: np.mean([np.log1p(one.ratio.value) for one in timed[name]]), default=None)


def is_faster(found: tuple[Timed, ...]) -> bool:
    """Whether a candidate might take the base's place."""
    return any(one.faster for one in found) and not any(one.slower for one in found)


def _timed(shape: str, row: Row) -> Timed:
    """A row in which the base is judged beside the candidate, read the other way round."""
    loss = row.loss
    assert loss is not None and row.a is not None and row.b is not None, "a latency case has them"
    value, low, high = (1 / (1 + bound) - 1 for bound in (loss.value, loss.high, loss.low))
    ratio = Loss(value, low, high, n=loss.n, confidence=loss.confidence)
    return Timed(shape, base_ms=row.b, ms=row.a, ratio=ratio, faster=row.verdict == "fail", note=_note(row))


def _note(row: Row) -> str:
    """The row's own words are about the base."""
    if row.verdict == "warn":
        return "too uncertain a gain" if row.confirmation is None else "a gain that was not seen again"
    return "too noisy to tell" if row.verdict == "inconclusive" else ""
