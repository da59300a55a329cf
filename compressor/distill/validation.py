"""The validation split as the Trainer asks about it: what it collects over many batches becomes the task's metrics."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressor.data import load_output_names, load_split, targets_of
from compressor.distill.calibration import calibrate
from compressor.distill.outputs import ANSWERS
from compressor.runtime.outputs import Ragged, read_outputs
from compressor.runtime.tasks import Replies, RuntimeTask, Settings
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import encoder_of

if TYPE_CHECKING:
    from pathlib import Path

    from datasets import Dataset
    from transformers import EvalPrediction, PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["Validation"]


class Validation:
    """Judges predictions on the validation split."""

    def __init__(
        self,
        task: Task,
        tokenizer: PreTrainedTokenizerBase,
        data: Path,
        rows: Dataset,
        *,
        max_length: int,
        teacher: Path | None = None,
    ) -> None:
        """
        Args:
            rows: the tokenized split.
            teacher: what `compute_outputs` wrote for the split, where metrics that compare with it are wanted.
        """
        self._task = task.runtime
        self._pieces = task.pieces
        self._counts = {output.name: task.counts(output, rows) for output in task.spec.outputs}
        examples = load_split(data, "validation")
        self._encoded = self._task.encode(encoder_of(tokenizer, max_length), list(examples))
        self._targets = targets_of(examples, task)
        self._settings = Settings(tuple(load_output_names(data, task)))
        answers = None if teacher is None else teacher / ANSWERS
        # A teacher whose answers come from a file need not have answered every text.
        compared = answers is not None and answers.is_file()
        self._teacher = (
            Replies(read_outputs(answers.parent), json.loads(answers.read_text(encoding="utf-8")))
            if answers and compared
            else None
        )

    def metrics(self, results: EvalPrediction) -> dict[str, float]:
        """Every metric, from what the Trainer collected; `label_ids` are the numbers of the rows.

        With the options that would be chosen for the model as it stands: those of another would misjudge it.
        """
        outputs = self._outputs(results)
        options = self._task.tune(outputs, self._encoded, self._targets, self._settings)
        settings = replace(self._settings, options=options)
        statistics = self._task.statistics(outputs, self._encoded, self._targets, settings)
        if self._teacher is not None:
            keys = self._task.keys(self._task.decode(outputs, self._encoded, settings))
            statistics |= self._task.compared(Replies(outputs, keys), self._teacher)
        return self._task.values(statistics)

    def calibrated(self, model: PreTrainedModel, results: EvalPrediction) -> dict[str, Any]:
        """Scale a classifier's outputs by the temperature that fits these predictions: see `calibrate`."""
        (name,) = (output.name for output in self._task.spec.outputs)

        def metrics(logits: npt.NDArray[Any]) -> dict[str, float]:
            return self._task.figures({name: Ragged(logits)}, self._encoded, self._targets, self._settings)

        logits = np.asarray(self._outputs(results)[name].values, dtype=np.float64)
        return calibrate(model, logits, np.asarray(self._targets, dtype=np.int64), metrics)

    def guess(self) -> tuple[str, dict[str, float]] | None:
        """The best of the answers that are the same for every example, in words, and its metrics."""
        found = self._task.constant(self._targets, self._settings)
        return None if found is None else (found.answer, self._task.values(found.statistics))

    def options(self, results: EvalPrediction) -> dict[str, Any]:
        """What the task chooses on these predictions: thresholds, for example."""
        return self._task.tune(self._outputs(results), self._encoded, self._targets, self._settings)

    @property
    def chooses(self) -> bool:
        """Whether the task has anything to choose."""
        return type(self._task).tune is not RuntimeTask.tune

    def _outputs(self, results: EvalPrediction) -> dict[str, Ragged]:
        """In the order of the split: the Trainer's is by length."""
        rows = np.asarray(results.label_ids).reshape(-1)
        order = np.argsort(rows, kind="stable")
        given = results.predictions if isinstance(results.predictions, tuple) else (results.predictions,)
        found = {}
        for output, values in zip(self._task.spec.outputs, given, strict=True):
            counts = self._counts[output.name]
            pieces = self._pieces(output, values, None if counts is None else counts[rows])
            found[output.name] = Ragged.of([pieces[place] for place in order], ragged=counts is not None)
        return found
