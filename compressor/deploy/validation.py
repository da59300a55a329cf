"""Texts by which one of several files is chosen, and what is lost by each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.errors import StageError
from compressor.runtime.compute import compute
from compressor.runtime.encoder import Encoder
from compressor.runtime.outputs import Outputs
from compressor.runtime.session import open_session
from compressor.runtime.tasks import Encoded, Example, Replies, RuntimeTask, Settings, runtime_task
from compressor.task_specs import MetricSpec

__all__ = ["Validation", "error_of"]


@dataclass(frozen=True)
class Validation:
    """Examples of the validation split with what is right; the test split chooses nothing."""

    examples: Sequence[Example]
    targets: Sequence[Any]
    """As a prepared split holds them; none where the data has no labels."""
    task: str
    max_length: int
    settings: Settings = field(default_factory=Settings)

    def first(self, count: int) -> Validation:
        """So many of them, spread evenly."""
        places = np.linspace(0, len(self.examples) - 1, min(count, len(self.examples)), dtype=int)
        targets = [self.targets[place] for place in places] if len(self.targets) else ()
        examples = [self.examples[place] for place in places]
        return Validation(examples, targets, self.task, self.max_length, self.settings)

    def outputs(self, file: Path, tokenizer: Path) -> Outputs:
        """What the model in a file says of each text alone, as a bundle answers; `tokenizer` is the folder it is in."""
        encoder = Encoder.from_folder(tokenizer, self.max_length)
        encoded = self._task.encode(encoder, self.examples)
        return compute(open_session(file), encoder, self._task, encoded, options=self.settings.options)

    def quality(self, outputs: Outputs, reference: Outputs, tokenizer: Path) -> tuple[MetricSpec, float]:
        """The task's main metric; where there are no labels, the one that compares answers with the reference's.

        Raises:
            StageError: the task has no metric that these texts allow.
        """
        encoded = self._task.encode(Encoder.from_folder(tokenizer, self.max_length), self.examples)
        statistics: Mapping[str, Any]
        if len(self.targets):
            statistics = self._task.statistics(outputs, encoded, self.targets, self.settings)
        else:
            statistics = self._task.compared(self._replies(outputs, encoded), self._replies(reference, encoded))
        metric = self._task.main_metric(statistics)
        if metric is None:
            raise StageError(
                "The validation split has no labels, so that nothing tells what a variant loses.",
                hint="Label it, or leave `control` out of `quantize`.",
            )
        return metric, self._task.values(statistics)[metric.name]

    def _replies(self, outputs: Outputs, encoded: Encoded) -> Replies:
        return Replies(outputs, self._task.keys(self._task.decode(outputs, encoded, self.settings)))

    @property
    def _task(self) -> RuntimeTask:
        return runtime_task(self.task)


def error_of(outputs: Outputs, reference: Outputs) -> float:
    """Root of the mean square of the differences, as a share of the reference's standard deviation."""
    mine, others = _numbers(outputs), _numbers(reference)
    spread = float(others.std()) or 1.0
    return float(np.sqrt(np.mean((mine - others) ** 2))) / spread


def _numbers(outputs: Outputs) -> npt.NDArray[np.float64]:
    return np.concatenate([np.asarray(one.values, dtype=np.float64).ravel() for one in outputs.values()])
