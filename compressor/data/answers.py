"""Answers that came from elsewhere, found by the text that they are answers to."""

from __future__ import annotations

import shutil
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data.arrow import read_arrow, values_of
from compressor.data.clean import text_key
from compressor.data.columns import Columns
from compressor.data.source import FileSource
from compressor.data.targets.base import number, scalar
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.answers import AnswersSection, answer_columns

__all__ = ["AnswerBook", "agreement", "read_answers"]

_FARTHEST = 0.02
"""How far probabilities of a text may sum up to something else than 1: they are rounded in files."""
_SMALLEST = 1e-6
_MOST_REJECTED = 0.05

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AnswerBook:
    """What is known of each text, as outputs of a model: logits, or numbers."""

    keys: npt.NDArray[np.uint64]
    """Hashes of the texts, ascending: see `text_key`."""
    outputs: Numbers
    """[texts, classes]."""
    facts: Mapping[str, Any]
    """For the report: rows read, rejected and why, texts, and how far annotators agree."""

    def of(self, texts: Iterator[Sequence[str]]) -> Numbers:
        """Outputs for some texts, [rows, classes]; NaN where nothing is known."""
        wanted = np.fromiter((text_key(one) for one in texts), np.uint64)
        places = np.minimum(np.searchsorted(self.keys, wanted), max(0, len(self.keys) - 1))
        found = np.full((len(wanted), self.outputs.shape[1]), np.nan, np.float32)
        known = self.keys[places] == wanted
        found[known] = self.outputs[places[known]]
        return found


def read_answers(
    section: AnswersSection,
    *,
    file: Path,
    roles: Sequence[str],
    names: Sequence[str],
    exclusive: bool,
    scratch: Path,
    events: Events,
) -> AnswerBook:
    """Read a file of answers. A text that stands there several times has the mean of its answers.

    Args:
        roles: of the texts, in their order.
        names: of the outputs, in their order: the labels.
        exclusive: whether one of them is right, so that probabilities sum up to 1.

    Raises:
        DataError: a column is missing, or more than one row in twenty can't be used.
    """
    kind, columns = answer_columns(section)
    if kind is not None and set(columns) != set(names):
        raise DataError(
            f"teacher.answers.columns has {kind}/... for {', '.join(sorted(columns))}; the data has "
            f"{', '.join(names)}.",
            hint="Name one column for each of them.",
        )
    ordered = [columns[name] for name in names] if kind is not None else list(columns.values())
    texts = {role: str(section.columns.get(role, role)) for role in roles}
    wanted = Columns(texts, {f"answer.{place}": column for place, column in enumerate(ordered)}, {})
    try:
        raw = FileSource({"answers": file}, section.format, delimiter=section.delimiter).read(
            "answers", wanted, scratch, events
        )
        keys, rows, rejected = _rows(raw.path, wanted, kind, names, exclusive)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if rejected.total() > _MOST_REJECTED * raw.count or not len(keys):
        why = "; ".join(f"{count:,} {reason}" for reason, count in rejected.most_common())
        raise DataError(
            f"{rejected.total():,} of {raw.count:,} rows of {raw.origin} can't be used: {why or 'it has none'}.",
            hint="Check teacher.answers.columns, and that labels are written as in the data.",
        )
    unique, place = np.unique(keys, return_inverse=True)
    sums = np.zeros((len(unique), len(names)), np.float64)
    np.add.at(sums, place, rows)
    counts = np.bincount(place, minlength=len(unique))[:, None]
    facts: dict[str, Any] = {"read": raw.count, "rejected": dict(rejected), "texts": len(unique)}
    if kind is None:
        facts |= agreement(sums)
    return AnswerBook(unique, _outputs(kind, sums, counts, section.smoothing, exclusive), facts)


def _rows(
    path: Path, columns: Columns, kind: str | None, names: Sequence[str], exclusive: bool
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float64], Counter[str]]:
    """Of every row that can be used the key of its text, and its numbers or votes [rows, classes]."""
    keys, rows = array("Q"), array("d")  # 8 bytes a number; in a list it would be an object each
    rejected: Counter[str] = Counter()
    index = {name: place for place, name in enumerate(names)}
    for batch in read_arrow(path):
        texts = [values_of(batch.column(role)) for role in columns.texts]
        answers = [values_of(batch.column(key)) for key in columns.target]
        for said, given in zip(zip(*texts, strict=True), zip(*answers, strict=True), strict=True):
            if any(not isinstance(text, str) or not text.strip() for text in said):
                rejected["without a text"] += 1
                continue
            if not any(scalar(value) for value in given):
                continue  # not answered: nobody has to answer everything
            row = _votes(given, index) if kind is None else _numbers(given, kind, exclusive)
            if isinstance(row, str):
                rejected[row] += 1
            else:
                keys.append(text_key(said))
                rows.extend(row)
    return np.frombuffer(keys, np.uint64), np.frombuffer(rows, np.float64).reshape(-1, len(names)), rejected


def _votes(given: Sequence[Any], index: Mapping[str, int]) -> list[float] | str:
    votes = [0.0] * len(index)
    for value in given:
        label = scalar(value)
        if label and label not in index:
            return "with an unknown label"
        if label:
            votes[index[label]] += 1
    return votes


def _numbers(given: Sequence[Any], kind: str, exclusive: bool) -> list[float] | str:
    found = [number(value) for value in given]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return "with something else than a number"
    if kind == "probability":
        if min(known) < 0 or max(known) > 1 + _FARTHEST:
            return "with a probability below 0 or above 1"
        if exclusive and abs(sum(known) - 1) > _FARTHEST:
            return "with probabilities that don't sum up to 1"
    return known


def _outputs(
    kind: str | None, sums: npt.NDArray[np.float64], counts: npt.NDArray[Any], smoothing: float, exclusive: bool
) -> Numbers:
    """As a model gives them: logits, or numbers."""
    if kind is None:
        sums = sums + smoothing
        counts = sums.sum(axis=1, keepdims=True)
    means: npt.NDArray[np.float64] = sums / counts
    if kind in (None, "probability"):
        means = np.clip(means, _SMALLEST, 1 - _SMALLEST)
        means = np.log(means if exclusive else means / (1 - means))
    return means.astype(np.float32)


def agreement(votes: npt.NDArray[np.floating[Any]]) -> dict[str, float | int | None]:
    """How far annotators agree on the texts that two or more of them labelled, from votes [texts, classes].

    `agreement` is the share of pairs of annotators that gave a text the same label; `kappa` is Fleiss' kappa, which
    takes away what chance alone would give (Fleiss 1971, Psychological Bulletin 76, with unlike numbers of votes).
    """
    count = votes.sum(axis=1)
    several = count > 1
    if not several.any():
        return {"annotated_twice": 0, "agreement": None, "kappa": None}
    chosen, n = votes[several], count[several]
    alike = float(((chosen * (chosen - 1)).sum(axis=1) / (n * (n - 1))).mean())
    by_chance = float(((chosen.sum(axis=0) / chosen.sum()) ** 2).sum())
    kappa = (alike - by_chance) / (1 - by_chance) if by_chance < 1 else None
    return {
        "annotated_twice": int(several.sum()),
        "agreement": round(alike, 4),
        "kappa": None if kappa is None else round(kappa, 4),
    }
