"""From a model's outputs to answers, a function for each task. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.errors import BundleError

__all__ = ["Prediction", "answer"]

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Prediction:
    """The answer to one text."""

    label: str
    score: float
    """Probability of the label."""
    scores: dict[str, float]
    """Probability of every label."""


def classify(outputs: Sequence[FloatArray], labels: Sequence[str]) -> list[Prediction]:
    """Softmax over logits [batch, labels]."""
    logits = np.asarray(outputs[0], dtype=np.float64)
    if logits.shape[-1] != len(labels):
        raise BundleError(f"The model gives {logits.shape[-1]} outputs and {len(labels)} labels are named.")
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=-1, keepdims=True)
    return [
        Prediction(labels[int(row.argmax())], float(row.max()), dict(zip(labels, map(float, row), strict=True)))
        for row in probabilities
    ]


_ANSWERS: dict[str, Callable[[Sequence[FloatArray], Sequence[str]], list[Prediction]]] = {
    "text-classification": classify,
}


def answer(task: str, outputs: Sequence[FloatArray], labels: Sequence[str]) -> list[Prediction]:
    """Answers of a batch, as the task means its outputs.

    Raises:
        BundleError: this version doesn't know the task, or the labels don't fit the outputs.
    """
    if task not in _ANSWERS:
        raise BundleError(f"This compressor can't answer the task {task!r}.", hint="pip install --upgrade compressor")
    return _ANSWERS[task](outputs, labels)
