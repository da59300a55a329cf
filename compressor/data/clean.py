"""Which rows can be used: those with a text and a known label. The others are counted, and refused if too many."""

from __future__ import annotations

import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from compressor.data.arrow import read_arrow
from compressor.data.columns import did_you_mean
from compressor.data.labels import Labels
from compressor.data.source import RawSplit
from compressor.errors import DataError
from compressor.events import Events

__all__ = ["CleanSplit", "Rejected", "check_rejected", "chosen_batches", "clean", "describe", "normalise"]

_MOST_VALUES = 1000


@dataclass
class Rejected:
    """What was left out of a split, and why."""

    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Rows by label value that the recipe leaves out on purpose."""
    missing_text: int = 0
    unknown_label: int = 0
    unknown_values: Counter[str] = field(default_factory=Counter)
    """The unknown label values; "" where the label is missing. Only the first thousand are told apart."""

    @property
    def count(self) -> int:
        return self.missing_text + self.unknown_label

    @property
    def share(self) -> float:
        """Of the rows that were meant to be used."""
        return self.count / max(1, self.read - self.dropped.total())


@dataclass(frozen=True)
class CleanSplit:
    """The usable rows of a split as arrays of one number a row; the texts stay on disk."""

    raw: RawSplit
    rows: npt.NDArray[np.int64]
    """Row numbers in `raw`, ascending."""
    labels: npt.NDArray[np.int32]
    keys: npt.NDArray[np.uint64]
    """Hashes of the normalised texts: equal for what counts as the same text."""
    words: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: npt.NDArray[Any]) -> CleanSplit:
        """The rows that a mask or an array of positions picks."""
        return replace(
            self,
            rows=self.rows[which],
            labels=self.labels[which],
            keys=self.keys[which],
            words=self.words[which],
        )


def chosen_batches(split: CleanSplit) -> Iterator[pa.RecordBatch]:
    """The split's rows as they stand in the source, columns named after roles, in order."""
    start = 0
    for batch in read_arrow(split.raw.path):
        first, last = np.searchsorted(split.rows, (start, start + batch.num_rows))
        if first < last:
            yield batch.take(pa.array(split.rows[first:last] - start))
        start += batch.num_rows


def normalise(text: str) -> str:
    """The text as it is compared: composed (NFC), without case, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


def clean(raw: RawSplit, labels: Labels, events: Events) -> tuple[CleanSplit, Rejected]:
    """Go through a split once and keep what can be used."""
    rejected = Rejected()
    rows, found, keys, words = array("q"), array("i"), array("Q"), array("i")
    roles = [role for role in raw.roles if role != "label"]
    for batch in read_arrow(raw.path):
        for *texts, said in zip(*(batch[role].to_pylist() for role in (*roles, "label")), strict=True):
            row, value = rejected.read, (said or "").strip()
            rejected.read += 1
            if value in labels.dropped:
                rejected.dropped[value] += 1
            elif not all(text and text.strip() for text in texts):
                rejected.missing_text += 1
            elif value not in labels.index:
                rejected.unknown_label += 1
                if value in rejected.unknown_values or len(rejected.unknown_values) < _MOST_VALUES:
                    rejected.unknown_values[value] += 1
            else:
                compared = "\0".join(map(normalise, texts))
                rows.append(row)
                found.append(labels.index[value])
                keys.append(int.from_bytes(blake2b(compared.encode(), digest_size=8).digest(), "big"))
                words.append(sum(len(text.split()) for text in texts))
        events.progress("prepare: checking", rejected.read, raw.count, raw.origin)
    split = CleanSplit(
        raw,
        rows=np.frombuffer(rows, np.int64),
        labels=np.frombuffer(found, np.int32),
        keys=np.frombuffer(keys, np.uint64),
        words=np.frombuffer(words, np.int32),
    )
    return split, rejected


def check_rejected(rejected: Rejected, labels: Labels, origin: str, most: float) -> None:
    """Raise `DataError` when a split is empty, or more than the share `most` of it can't be used."""
    if not rejected.read:
        raise DataError(f"{origin} holds no rows.")
    usable = rejected.read - rejected.dropped.total() - rejected.count
    if rejected.share > most or not usable:
        raise DataError(
            f"{rejected.count:,} of {rejected.read - rejected.dropped.total():,} rows ({rejected.share:.1%}) of "
            f"{origin} can't be used: {describe(rejected)}.",
            hint=_hint(rejected, labels),
        )


def describe(rejected: Rejected) -> str:
    """In words: "3 without a text, 12 with an unknown label ('Fresh' 8, 'meh' 4)"."""
    parts = []
    if rejected.missing_text:
        parts.append(f"{rejected.missing_text:,} without a text")
    if rejected.unknown_label:
        top = ", ".join(f"{value!r} {count:,}" for value, count in rejected.unknown_values.most_common(5))
        parts.append(f"{rejected.unknown_label:,} with an unknown label ({top})")
    return ", ".join(parts) or "all were dropped by data.drop_labels"


def _hint(rejected: Rejected, labels: Labels) -> str:
    if "-1" in rejected.unknown_values:
        return "The label -1 usually means that the labels are kept secret: take another split, or carve one out."
    if rejected.unknown_label:
        value = rejected.unknown_values.most_common(1)[0][0]
        known = f"The labels are {', '.join(list(labels.index)[:10])}.{did_you_mean(value, list(labels.index))}"
        return f"{known} Map values in data.labels, leave them out with data.drop_labels, or raise data.max_rejected."
    return "Check data.columns, mend the file, or raise data.max_rejected."
