"""How sure the first of two models must be to answer by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.deploy.graph import MODEL_FILE
from compressor.events import Events
from compressor.runtime.encoder import Encoder
from compressor.runtime.session import open_session
from compressor.runtime.tasks import runtime_task

__all__ = ["Answered", "Choice", "answered", "choose_threshold", "logits"]


@dataclass(frozen=True)
class Answered:
    """What two models said of the same texts, row by row."""

    confidence: npt.NDArray[np.float64]
    """The first model's largest probability [texts]."""
    agrees: npt.NDArray[np.bool_]
    """Whether its answer is the second's [texts]."""
    right: npt.NDArray[np.bool_] | None = None
    """Whether the first model's answer is right, and the second's [2, texts]; None where labels aren't known."""

    def at(self, threshold: float) -> Choice:
        """What comes of a threshold."""
        first = self.confidence >= threshold
        agreement = float(1 - (first & ~self.agrees).mean())
        accuracy = None if self.right is None else float(np.where(first, self.right[0], self.right[1]).mean())
        return Choice(threshold, float(first.mean()), agreement, len(first), accuracy)


@dataclass(frozen=True)
class Choice:
    """A threshold and what comes of it."""

    threshold: float
    share: float
    """Of the texts that the first model answers."""
    agreement: float
    """Share of all texts that are answered as by the second model alone."""
    n: int
    accuracy: float | None = None
    """Of the two together; None where labels aren't known."""


def logits(
    folder: Path, examples: Sequence[Mapping[str, Any]], *, task: str, max_length: int, events: Events
) -> npt.NDArray[np.float32]:
    """What the model in a folder says of each text alone [texts, classes]."""
    encoder = Encoder.from_folder(folder, max_length)
    session = open_session(folder / MODEL_FILE)
    rows = runtime_task(task).encode(encoder, examples).rows
    found = []
    for number, row in enumerate(rows, start=1):
        found.append(session.run(encoder.pad([row]))[0][0])
        events.progress("cascade", number, len(rows))
    return np.stack(found)


def answered(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], labels: Sequence[int] = ()) -> Answered:
    """Compare logits [texts, classes]; `labels`: numbers of the right classes, where they are known."""
    shifted = np.exp(first.astype(np.float64) - first.max(axis=-1, keepdims=True))
    confidence = shifted.max(axis=-1) / shifted.sum(axis=-1)
    answers = np.stack([first.argmax(axis=-1), second.argmax(axis=-1)])
    return Answered(confidence, answers[0] == answers[1], answers == np.asarray(labels) if len(labels) else None)


def choose_threshold(found: Answered, agreement: float) -> Choice:
    """The smallest threshold with this agreement: one by which the first model answers as many texts as it may.

    It lies between the confidences of two texts, so that rounding turns no text over. Above 1 the first model answers
    none.
    """
    order = np.argsort(-found.confidence, kind="stable")
    confidence = found.confidence[order]
    wrong = np.cumsum(~found.agrees[order])
    ends = np.append(confidence[:-1] > confidence[1:], True)  # equal confidences can't be told apart
    allowed = ends & (1 - wrong / len(order) >= agreement - 1e-12)
    if not allowed.any():
        return found.at(1.1)
    last = int(np.flatnonzero(allowed)[-1])
    below = confidence[last + 1] if last + 1 < len(confidence) else 0.0
    return found.at(float(np.float32((confidence[last] + below) / 2)))
