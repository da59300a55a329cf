"""How sure a model must be for its answer to count: below that, a bundle says that it is unsure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.recipe.bundle import UnsureSection
from compressor.recipe.gates import holds

__all__ = ["Certain", "choose_threshold"]


@dataclass(frozen=True)
class Certain:
    """How sure a model is of its answers to some texts, and which of them are right."""

    confidence: npt.NDArray[np.floating[Any]]
    """Probability of the label that is answered [texts]."""
    right: npt.NDArray[np.bool_]
    """[texts]"""

    def answered(self, threshold: float) -> npt.NDArray[np.bool_]:
        """Which texts it is sure enough of [texts]."""
        found: npt.NDArray[np.bool_] = self.confidence >= threshold
        return found


def choose_threshold(found: Certain, promise: UnsureSection) -> float | None:
    """The threshold that keeps a promise; None where none does.

    Of `wrong`: the smallest, by which most texts are answered. Of `answered`: the largest, by which fewest are wrong.
    It lies between the confidences of two texts, so that rounding turns no text over; 0 where every text is answered.
    """
    order = np.argsort(-found.confidence, kind="stable")
    confidence, wrong = found.confidence[order], np.cumsum(~found.right[order])
    # Equal confidences can't be told apart.
    ends = np.append(confidence[:-1] > confidence[1:], [True] * bool(len(order)))
    counts = (np.flatnonzero(ends) + 1).tolist()
    if promise.wrong is not None:
        kept = [count for count in counts if holds(promise.wrong, _share(wrong[count - 1], count))]
    else:
        assert promise.answered is not None
        kept = [count for count in counts if holds(promise.answered, _share(count, len(order)))]
    if not kept:
        return None
    return _between(confidence, kept[-1] if promise.wrong is not None else kept[0])


def _share(part: int, whole: int) -> float:
    return round(float(part / whole), 9)


def _between(confidence: npt.NDArray[np.floating[Any]], count: int) -> float:
    """A threshold that so many of the confidences, which descend, reach."""
    if count == len(confidence):
        return 0.0
    lowest, below = float(confidence[count - 1]), float(confidence[count])
    middle = (lowest + below) / 2
    return middle if middle > below else lowest
