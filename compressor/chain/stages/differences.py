"""How far the measured models' answers lie apart, text by text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.bench.accuracy import metric_difference
from compressor.bench.results import VariantDifference
from compressor.chain.measurement import read_measurements, read_scores, write_differences
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.runtime.tasks import runtime_task

__all__ = ["Differences"]


@dataclass(frozen=True, kw_only=True)
class Differences(Stage):
    """Writes `differences.json`. A stage, so that a run that finds everything finished doesn't resample again."""

    kind = "differences"
    libraries = ("numpy",)

    task: str
    pairs: tuple[tuple[str, str], ...]
    """Measurements, by their stage's name, each with the one it is compared with."""
    seed: int

    @property
    def config(self) -> dict[str, Json]:
        return {"task": self.task, "pairs": [list(pair) for pair in self.pairs], "seed": self.seed}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        found = (self._compare(inputs[subject], inputs[reference]) for subject, reference in self.pairs)
        write_differences([difference for difference in found if difference], out)
        return {}

    def _compare(self, subject: Artifact, reference: Artifact) -> VariantDifference | None:
        """None where one of them turned out not to be measurable here."""
        mine, theirs = read_scores(subject), read_scores(reference)
        if mine is None or theirs is None:
            return None
        task = runtime_task(self.task)
        (measured,), (compared,) = read_measurements([subject]), read_measurements([reference])
        metric = measured.accuracy.metric if measured.accuracy else task.spec.main_metric.name
        return VariantDifference(
            subject=measured.subject,
            reference=compared.subject,
            target=measured.target,
            metric=metric,
            difference=metric_difference(task.metrics[metric], mine, theirs, seed=self.seed),
        )
