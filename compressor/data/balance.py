"""How much each training text counts, so that groups of texts count alike; and how texts are drawn by that."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data.arrow import read_arrow
from compressor.data.canaries import load_canaries
from compressor.data.columns import BALANCED
from compressor.data.prepared import load_labels, load_split
from compressor.data.slices import EMPTY, Mask, slice_masks
from compressor.data.texts import TrainingTexts
from compressor.errors import DataError
from compressor.recipe.balance import BalanceSection
from compressor.task_specs import TaskSpec

__all__ = ["WEIGHTS_FILE", "Part", "Weights", "drawn", "parts", "training_weights", "weighed"]

WEIGHTS_FILE = "weights.npy"
"""Weight of each row of the training split, by `example_id`."""
FEWEST = 2
"""Texts of a group, or of a label in it, below which it can't be weighed."""
Weights = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """Training texts that count the same."""

    group: str
    label: str | None
    """None where weights are by group alone."""
    members: Mask
    """[texts]"""
    weight: float
    """Before the bound, up to a factor."""

    @property
    def texts(self) -> int:
        """How many there are."""
        return int(self.members.sum())

    @property
    def name(self) -> str:
        """For messages."""
        return f"“{self.group}”" + ("" if self.label is None else f" with the label “{self.label}”")


def training_weights(
    section: BalanceSection, spec: TaskSpec, *, data: Path, columns: Path | None
) -> tuple[Weights, dict[str, Any]]:
    """The weight of each training text [texts], 1 on average; and facts for the report.

    Texts whose column is empty, and those that `audit.canaries` planted, belong to no group and weigh 1.

    Args:
        data: the folder that `prepare` wrote.
        columns: the same with the column that makes the groups; None where a regular expression does.

    Raises:
        DataError: the groups can't be weighed.
        RecipeError: the slice can't be made.
    """
    training, canaries = TrainingTexts.open(data, spec), load_canaries(data)
    own = training.count - (0 if canaries is None else len(canaries.planted) * canaries.repeats)
    values = {} if columns is None or section.column is None else {section.column: _values(columns, section.column)}
    masks = slice_masks(section.slice, _texts(training, own), values)
    masks.pop(f"{section.slice} = {EMPTY}", None)
    labels, names = None, []
    if section.by == "group-and-label":
        labels = load_split(data, "train").data.column(spec.target_role).to_numpy()[:own]
        names = load_labels(data)
    found = parts(masks, labels, names)
    bounded = weighed(found, section.max_weight)
    weights = np.ones(training.count)
    for part, weight in zip(found, bounded, strict=True):
        weights[:own][part.members] = weight
    grouped = sum(part.texts for part in found)
    facts = {
        **section.model_dump(mode="json"),
        "groups": [
            {"group": part.group, "label": part.label, "texts": part.texts, "weight": weight}
            for part, weight in zip(found, bounded.tolist(), strict=True)
        ],
        "ungrouped": training.count - grouped,
        "effective_texts": float(weights.sum() ** 2 / (weights**2).sum()),
    }
    return weights, facts


def parts(masks: Mapping[str, Mask], labels: npt.NDArray[Any] | None, names: Sequence[str]) -> list[Part]:
    """Texts that count the same.

    By group alone the weight is 1 / n(g), so that every group has the same sum. By group and label it is P(g) P(y) /
    P(g, y): groups and labels are as frequent as they were, and independent. Source: Kamiran and Calders 2012, "Data
    preprocessing techniques for classification without discrimination" (reweighing).

    Args:
        masks: group -> which texts belong to it [texts].
        labels: numbers of the labels [texts]; None to weigh by group alone.
        names: of the labels.

    Raises:
        DataError: there is one group alone, or one with too few texts.
    """
    if len(masks) < 2:
        all_in = "".join(f"every one that has a group is in “{name}”" for name in masks)
        raise DataError(
            f"data.balance.slice has no two groups of training texts: {all_in or 'none has a value'}.",
            hint="Name another column, or leave data.balance out.",
        )
    if labels is None:
        found = [Part(group, None, members, 1 / max(1, members.sum())) for group, members in masks.items()]
    else:
        in_any = np.logical_or.reduce(list(masks.values()))
        frequent = np.bincount(labels[in_any], minlength=len(names))
        found = [
            Part(group, name, both, members.sum() * frequent[number] / max(1, both.sum()))
            for group, members in masks.items()
            for number, name in enumerate(names)
            for both in [members & (labels == number)]
        ]
    for part in found:
        _refuse_few(part)
    return found


def weighed(found: Sequence[Part], most: float) -> Weights:
    """The weight of each part [parts]: their mean over the texts is 1, and none is above `most` (above 1)."""
    counts = np.array([part.texts for part in found])
    raw = np.array([part.weight for part in found])
    over = np.zeros(len(found), bool)
    while True:
        left = counts.sum() - most * counts[over].sum()
        weights = np.where(over, most, raw * left / (raw * counts)[~over].sum())
        if not (weights > most * (1 + 1e-9)).any():
            return weights
        over |= weights > most


def drawn(weights: npt.NDArray[np.floating[Any]], count: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """`count` places, each as often as its weight says, in random order [count].

    A place whose share of `count` is w is drawn floor(w) or ceil(w) times, w times on average: systematic sampling
    (Madow 1949), in an order that is drawn first. So weights of 1 draw each place once, as without weights.

    Args:
        weights: above 0 [places].
    """
    order = random.permutation(len(weights))
    ends = np.cumsum(weights[order], dtype=np.float64)
    points = (random.random() + np.arange(count)) * (ends[-1] / count)
    # Rounding may put the last point at the end itself.
    places = np.minimum(np.searchsorted(ends, points, side="right"), len(order) - 1)
    return random.permutation(order[places])


def _refuse_few(part: Part) -> None:
    count = part.texts
    if count >= FEWEST:
        return
    if count:
        message = f"One training text alone is in the group {part.name}: however often it is drawn, it is one text."
    elif part.label is None:
        message = f"No training text is in the group {part.name}."
    else:
        message = f"No training text is in the group {part.name}: no weights make the label independent of the group."
    add = "Add such texts"
    others = "name another slice" if part.label is None else "weigh by group alone, `by: group`"
    raise DataError(f"data.balance: {message}", hint=f"{add}, or {others}.")


def _texts(training: TrainingTexts, most: int) -> Iterator[str]:
    """The texts of each row, one behind the other, of so many rows."""
    rows = zip(*(training.texts(role) for role in training.roles), strict=True)
    return (" ".join(row) for row, _ in zip(rows, range(most), strict=False))


def _values(folder: Path, column: str) -> list[str]:
    """The column's value of each training text. Of equal ones one is held."""
    batches = read_arrow(folder / "train.arrow")
    return [sys.intern(value) for batch in batches for value in batch.column(f"{BALANCED}{column}").to_pylist()]
