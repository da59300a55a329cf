"""What a teacher says at its tokens, said at those of a student with another tokenizer: both stand for characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from compressor.runtime.outputs import Array
from compressor.runtime.tasks.base import softmax

__all__ = ["ABSENT", "NOWHERE", "Placed", "Places", "move_probabilities", "take_by_beginning"]

ABSENT = -1e6
"""The logit of a class that a row doesn't have, where rows of a batch have unlike numbers of classes."""

Places = npt.NDArray[np.int64]
"""First character of each position and the one after its last [positions, 2]."""

NOWHERE = (-1, -1)
"""The place of a position that stands for no piece of the text."""


@dataclass(frozen=True)
class Placed:
    """What a model says of one row of tokens, and of which characters."""

    values: Array
    """[positions, ...]"""
    places: Places


def take_by_beginning(teacher: Sequence[Placed], places: Places) -> Array:
    """For each position what the teacher says where its own begins at the same character [positions, ...]; NaN where
    none does."""
    found = np.full((len(places), *teacher[0].values.shape[1:]), np.nan, dtype=np.float32)
    said: dict[int, Array] = {}
    for row in teacher:
        for begin, value in zip(row.places[:, 0].tolist(), row.values, strict=True):
            said.setdefault(begin, value)
    for position, begin in enumerate(places[:, 0].tolist()):
        if begin in said:
            found[position] = said[begin]
    return found


def move_probabilities(teacher: Sequence[Placed], places: Places, side: Literal["start", "end"]) -> Array:
    """Logits over a student's positions from those over a teacher's, where positions are classes: that of an answer's
    first token or of its last, or the first position, `NOWHERE`, for no answer in this row.

    A position's probability is the sum of those of the teacher's tokens whose first character (for `side` "end", last
    character) it holds, which is the rule by which labels become tokens. Where no position holds it, the next (for an
    end, the one before) does. What the teacher gives to its tokens outside of the row, or partly so, is no answer
    there. A position without probability is `ABSENT`.

    Args:
        teacher: the windows of the same text.

    Returns:
        Logarithms of probabilities [positions]; of a window with the same places those of its own softmax. NaN where
        the teacher saw nothing of what the row holds.
    """
    for window in teacher:
        if np.array_equal(window.places, places):
            values = np.asarray(window.values, dtype=np.float64)
            return (values - float(np.logaddexp.reduce(values))).astype(np.float32)
    if len(places) == 1:
        return np.zeros(1, dtype=np.float32)
    windows = _needed(teacher, places)
    if not windows:
        return np.full(len(places), np.nan, dtype=np.float32)
    seen = windows[0] if len(windows) == 1 else _together(windows)
    holders = np.concatenate([[0], _holders(seen.places[1:], places[1:], side)])
    mass = np.bincount(holders, weights=softmax(seen.values), minlength=len(places))
    logits: Array = np.log(mass, out=np.full(len(mass), ABSENT), where=mass > 0)
    return logits.astype(np.float32)


def _needed(teacher: Sequence[Placed], places: Places) -> list[Placed]:
    """The windows that it takes to see what a row holds, the one that sees most of it first."""
    begin, end = places[1:, 0].min(), places[1:, 1].max()
    found: list[Placed] = []
    for window in sorted(teacher, key=lambda window: -_overlap(window.places[1:], begin, end)):
        spans = window.places[1:]
        new = (spans[:, 0] < end) & (spans[:, 1] > begin)
        for other in found:
            new &= (spans[:, 0] < other.places[1:, 0].min()) | (spans[:, 0] >= other.places[1:, 1].max())
        if new.any():
            found.append(window)
    return found


def _together(windows: Sequence[Placed]) -> Placed:
    """Windows of a text as one, as answers are looked for in all of them: their logits are compared as they are, an
    answer is as likely as in the window that likes it best, which may be the only one that sees it whole, and there is
    none where no window has one."""
    spans, tokens = np.unique(np.concatenate([one.places[1:] for one in windows]), axis=0, return_inverse=True)
    values = np.full(1 + len(spans), -np.inf)
    np.maximum.at(values[1:], tokens.reshape(-1), np.concatenate([one.values[1:] for one in windows]))
    values[0] = min(float(one.values[0]) for one in windows)
    return Placed(values, np.concatenate([[NOWHERE], spans]))


def _overlap(spans: Places, begin: int, end: int) -> int:
    """How many characters from `begin` to `end` lie between the first and the last of these."""
    return max(0, int(min(end, spans[:, 1].max()) - max(begin, spans[:, 0].min()))) if len(spans) else 0


def _holders(spans: Places, tokens: Places, side: Literal["start", "end"]) -> npt.NDArray[np.int64]:
    """The class of a row that each answer's start or end falls to: a token's number from 1, or 0 outside of them."""
    if side == "start":
        holders = np.searchsorted(np.maximum.accumulate(tokens[:, 1]), spans[:, 0], side="right")
    else:
        firsts = np.minimum.accumulate(tokens[::-1, 0])[::-1]
        holders = np.searchsorted(firsts, spans[:, 1], side="left") - 1
    inside = (spans[:, 0] >= tokens[:, 0].min()) & (spans[:, 1] <= tokens[:, 1].max())
    # The bounds matter for tokens without a character.
    return np.where(inside, holders.clip(0, len(tokens) - 1) + 1, 0)
