"""Which rows can be used: those with a text and a target that can be read. The others are counted, and refused if too
many."""

from __future__ import annotations

import json
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from compressor.data.arrow import read_arrow, values_of, write_arrow
from compressor.data.columns import BY, GROUP, KEPT, did_you_mean
from compressor.data.ordering import SortKeys
from compressor.data.source import RawSplit, row_target
from compressor.data.targets.base import UNKNOWN_LABEL, Rejected, Target, scalar
from compressor.errors import DataError
from compressor.events import Events

__all__ = [
    "NO_TEXT",
    "CleanSplit",
    "Rejections",
    "check_rejected",
    "chosen_batches",
    "clean",
    "describe",
    "group_key",
    "hash_of",
    "normalise",
    "split_schema",
    "text_key",
]

NO_TEXT = "without a text"
_MOST_VALUES = 1000

Numbers = npt.NDArray[Any]


@dataclass
class Rejections:
    """What was left out of a split, and why."""

    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Rows by label value that the recipe leaves out on purpose."""
    reasons: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    """Reason -> the values it was found at; "" where there is none. Only the first thousand are told apart."""

    @property
    def count(self) -> int:
        return self.reasons.total()

    @property
    def share(self) -> float:
        """Of the rows that were meant to be used."""
        return self.count / max(1, self.read - self.dropped.total())

    def add(self, rejected: Rejected) -> None:
        self.reasons[rejected.reason] += 1
        if rejected.value is not None:
            values = self.values.setdefault(rejected.reason, Counter())
            if rejected.value in values or len(values) < _MOST_VALUES:
                values[rejected.value] += 1


@dataclass(frozen=True)
class CleanSplit:
    """The usable rows of a split as arrays of one number a row; texts and targets stay on disk."""

    path: Path
    """An Arrow file of usable rows: the texts by role and the target, as a prepared split holds them."""
    rows: npt.NDArray[np.int64]
    """Row numbers in the file, ascending."""
    strata: npt.NDArray[np.int32]
    """Which part of the rows each belongs to, see `Target.stratum`; -1: none."""
    keys: npt.NDArray[np.uint64]
    """Hashes of the normalised texts: equal for what counts as the same text."""
    answers: npt.NDArray[np.uint64]
    """Hashes of the targets."""
    words: npt.NDArray[np.int32]
    characters: npt.NDArray[np.int32]
    groups: npt.NDArray[np.uint64] | None = None
    """Hashes of what `split.group` names."""
    order: npt.NDArray[np.float64] | None = None
    """What `split.by` sorts by."""
    ungrouped: int = 0
    """Rows without a group."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Numbers) -> CleanSplit:
        """The rows that a mask or an array of positions picks."""
        return replace(
            self,
            rows=self.rows[which],
            strata=self.strata[which],
            keys=self.keys[which],
            answers=self.answers[which],
            words=self.words[which],
            characters=self.characters[which],
            groups=None if self.groups is None else self.groups[which],
            order=None if self.order is None else self.order[which],
        )


def chosen_batches(split: CleanSplit) -> Iterator[pa.RecordBatch]:
    """The split's rows, columns named after roles, in order."""
    start = 0
    for batch in read_arrow(split.path):
        first, last = np.searchsorted(split.rows, (start, start + batch.num_rows))
        if first < last:
            yield batch.take(pa.array(split.rows[first:last] - start))
        start += batch.num_rows


def split_schema(split: CleanSplit) -> pa.Schema:
    """Names and types of the columns of `chosen_batches`."""
    with pa.OSFile(str(split.path), "rb") as file, pa.ipc.open_stream(file) as stream:
        return stream.schema


def normalise(text: str) -> str:
    """The text as it is compared: composed (NFC), without case, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


def text_key(texts: Iterable[str]) -> int:
    """A hash of the texts of a row: equal for what counts as the same text."""
    return hash_of("\0".join(map(normalise, texts)))


def group_key(group: str) -> int:
    """A hash of what a text belongs to."""
    return hash_of(f"group {group}")


def hash_of(text: str) -> int:
    """64 bits that are the same everywhere."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def clean(raw: RawSplit, target: Target, target_role: str, events: Events) -> tuple[CleanSplit, Rejections]:
    """Go through a split once and write what can be used beside it.

    Raises:
        DataError: a row has nothing to sort by, where `split.by` asks for it.
    """
    rejected = Rejections()
    numbers = _RowNumbers(raw)
    roles = list(raw.columns.texts)
    further = [key for key in raw.columns.splits if key.startswith(KEPT)]
    fields = [(name, pa.string()) for name in (*roles, *further)]
    schema = pa.schema(fields if target.type is None else [*fields, (target_role, target.type)])

    def usable() -> Iterator[pa.RecordBatch]:
        for batch in read_arrow(raw.path):
            kept: list[tuple[Any, ...]] = []
            for said, value, by in _rows(raw, batch):
                rejected.read += 1
                if (label := target.dropped(value)) is not None:
                    rejected.dropped[label] += 1
                    continue
                texts = target.texts(said)
                parsed = Rejected(NO_TEXT) if texts is None else target.parse(value, said)
                if texts is None or isinstance(parsed, Rejected):
                    rejected.add(parsed)
                else:
                    numbers.add(texts, parsed, target.stratum(parsed), by, rejected.read)
                    kept.append((*texts.values(), *(scalar(by[key]) or "" for key in further), parsed))
            events.progress("prepare: checking", rejected.read, raw.count, raw.origin)
            if kept:
                columns = list(zip(*kept, strict=True))[: len(schema)]
                arrays = [pa.array(column, kind.type) for column, kind in zip(columns, schema, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    path = raw.path.with_suffix(".clean.arrow")
    write_arrow(path, schema, usable())
    return numbers.split(path), rejected


def check_rejected(rejected: Rejections, target: Target, origin: str, most: float) -> None:
    """Raise `DataError` when a split is empty, or more than the share `most` of it can't be used."""
    if not rejected.read:
        raise DataError(f"{origin} holds no rows.", hint="Give a file with a row for each text.")
    usable = rejected.read - rejected.dropped.total() - rejected.count
    if rejected.share > most or not usable:
        raise DataError(
            f"{rejected.count:,} of {rejected.read - rejected.dropped.total():,} rows ({rejected.share:.1%}) of "
            f"{origin} can't be used: {describe(rejected)}.",
            hint=_hint(rejected, target),
        )


def describe(rejected: Rejections) -> str:
    """In words: "3 without a text, 12 with an unknown label ('Fresh' 8, 'meh' 4)"."""
    parts = []
    for reason, count in rejected.reasons.items():
        values = rejected.values.get(reason, Counter())
        shown = ", ".join(f"{value!r} {times:,}" for value, times in values.most_common(5))
        parts.append(f"{count:,} {reason}{f' ({shown})' if shown else ''}")
    return ", ".join(sorted(parts, key=lambda part: NO_TEXT not in part)) or "all were dropped by data.drop_labels"


def _hint(rejected: Rejections, target: Target) -> str:
    unknown = rejected.values.get(UNKNOWN_LABEL)
    if unknown and "-1" in unknown:
        return "The label -1 usually means that the labels are kept secret: take another split, or carve one out."
    if unknown:
        names = list(target.vocabulary)
        known = f"The labels are {', '.join(names[:10])}.{did_you_mean(unknown.most_common(1)[0][0], names)}"
        return f"{known} Map values in data.labels, leave them out with data.drop_labels, or raise data.max_rejected."
    return "Check data.columns, mend the file, or raise data.max_rejected."


def _rows(raw: RawSplit, batch: pa.RecordBatch) -> Iterator[tuple[dict[str, Any], Any, Mapping[str, Any]]]:
    """Texts by role, target, and what splits are made by, of every row."""
    roles, keys = list(raw.columns.texts), list(raw.columns.splits)
    texts = [values_of(batch.column(role)) for role in roles]
    splits = [values_of(batch.column(key)) for key in keys]
    for at, value in enumerate(row_target(raw.columns, batch)):
        yield (
            {role: column[at] for role, column in zip(roles, texts, strict=True)},
            value,
            {key: column[at] for key, column in zip(keys, splits, strict=True)},
        )


class _RowNumbers:
    """The numbers of each usable row, collected."""

    def __init__(self, raw: RawSplit) -> None:
        self.raw = raw
        self.strata, self.words, self.characters = array("i"), array("i"), array("i")
        self.keys, self.answers, self.groups = array("Q"), array("Q"), array("Q")
        self.order = array("d")
        self.sort_keys = SortKeys(raw.columns.splits.get(BY, ""))
        self.ungrouped = 0

    def add(self, texts: Mapping[str, str], target: Any, stratum: int | None, by: Mapping[str, Any], row: int) -> None:
        self.strata.append(-1 if stratum is None else stratum)
        self.keys.append(text_key(texts.values()))
        self.answers.append(target if isinstance(target, int) else hash_of(json.dumps(target)))
        self.words.append(sum(len(text.split()) for text in texts.values()))
        self.characters.append(sum(map(len, texts.values())))
        if GROUP in by:
            group = scalar(by[GROUP])
            self.ungrouped += not group
            self.groups.append(group_key(group) if group else hash_of(f"row {row}"))
        if BY in by:
            self.order.append(self.sort_keys.read(scalar(by[BY]) or "", f"{self.raw.origin}, row {row}"))

    def split(self, path: Path) -> CleanSplit:
        return CleanSplit(
            path,
            rows=np.arange(len(self.keys)),
            strata=np.frombuffer(self.strata, np.int32),
            keys=np.frombuffer(self.keys, np.uint64),
            answers=np.frombuffer(self.answers, np.uint64),
            words=np.frombuffer(self.words, np.int32),
            characters=np.frombuffer(self.characters, np.int32),
            groups=np.frombuffer(self.groups, np.uint64) if GROUP in self.raw.columns.splits else None,
            order=np.frombuffer(self.order, np.float64) if BY in self.raw.columns.splits else None,
            ungrouped=self.ungrouped,
        )
