"""A folder of texts that nobody labelled yet: for the teacher to label, and for training alone.

Its file `texts.arrow` has the columns of a prepared split, the target without values, and for each text where it comes
from. No text of validation or test stands in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from compressor.data.arrow import read_arrow, write_arrow
from compressor.data.prepared import load_split
from compressor.events import Events
from compressor.recipe.section import Section
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["TEXTS_FILE", "MadeText", "TrainingTexts", "load_texts", "tell", "write_texts"]

TEXTS_FILE = "texts.arrow"


@dataclass(frozen=True)
class MadeText:
    """A text that the teacher might label."""

    texts: Mapping[str, str]
    """Role -> text."""
    origin: str
    """What made it: `typos`, `generate`, `unlabelled`."""
    parent: int | None = None
    """The row of the training split that it was made of."""


@dataclass(frozen=True)
class TrainingTexts:
    """The training split of prepared data, as far as making more texts needs to know it."""

    folder: Path
    roles: tuple[str, ...]
    """Roles of its texts."""
    schema: pa.Schema
    count: int
    fingerprint: str
    """Of its content."""

    @classmethod
    def open(cls, folder: Path, spec: TaskSpec) -> TrainingTexts:
        """
        Raises:
            DataError: the data has no training split.
        """
        split = load_split(folder, "train")
        roles = tuple(role for role in split.column_names if role in spec.text_roles)
        return cls(folder, roles, split.data.schema, len(split), split._fingerprint)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """All rows in order, at most so many at a time."""
        for batch in read_arrow(self.folder / "train.arrow"):
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)

    def texts(self, role: str) -> Iterator[str]:
        """The texts of one role in order."""
        for batch in read_arrow(self.folder / "train.arrow"):
            yield from batch.column(role).to_pylist()

    def sample(self, most: int, seed: int) -> list[dict[str, Any]]:
        """At most so many rows, in order."""
        chosen = np.arange(self.count)
        if most < self.count:
            chosen = np.sort(np.random.default_rng(seed).choice(self.count, most, replace=False))
        found: list[dict[str, Any]] = []
        start = 0
        for batch in read_arrow(self.folder / "train.arrow"):
            first, last = np.searchsorted(chosen, (start, start + batch.num_rows))
            found += batch.take(pa.array(chosen[first:last] - start)).to_pylist()
            start += batch.num_rows
        return found


def load_texts(folder: Path) -> Dataset:
    """The texts that `make_texts`, `read_unlabelled` or `generate_texts` wrote, memory-mapped.

    Columns: the texts by role; the target, if the data has one, without values; `example_id` (0, 1, ...); `origin`;
    `parent` (row of the training split, or null).
    """
    from datasets import Dataset

    return Dataset.from_file(str(folder / TEXTS_FILE))


def write_texts(
    made: Iterable[Sequence[MadeText]],
    training: TrainingTexts,
    file: Path,
    *,
    section: Section,
    seed: int,
) -> Counter[str]:
    """Write texts as they come, a batch in memory at a time.

    Args:
        section, seed: what they were made by, for the fingerprint of the file.

    Returns:
        Origin -> how many of its texts were written.
    """
    schema = _schema(training, section, seed)
    origins: Counter[str] = Counter()

    def batches() -> Iterator[pa.RecordBatch]:
        for texts in made:
            if texts:
                yield _batch(texts, origins.total(), schema)
                origins.update(text.origin for text in texts)

    write_arrow(file, schema, batches())
    return origins


def tell(what: str, facts: Mapping[str, Any], events: Events) -> None:
    """Say how many texts there are, and why others were left out."""
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in facts["dropped"].items() if count)
    left_out = f"; left out: {reasons}" if reasons else ""
    events.note(f"{what}: {facts['kept']:,} of {facts['made']:,} texts kept{left_out}.")


def _schema(training: TrainingTexts, section: Section, seed: int) -> pa.Schema:
    said = json.dumps([training.fingerprint, type(section).__name__, section.model_dump(mode="json"), seed])
    digest = blake2b(said.encode(), digest_size=8).hexdigest()
    return pa.schema(
        [*training.schema.remove_metadata(), pa.field("origin", pa.string()), pa.field("parent", pa.int64())],
        metadata={"huggingface": json.dumps({"fingerprint": f"texts-{digest}"})},
    )


def _batch(texts: Sequence[MadeText], start: int, schema: pa.Schema) -> pa.RecordBatch:
    columns: dict[str, Any] = {
        "example_id": np.arange(start, start + len(texts)),
        "origin": [text.origin for text in texts],
        "parent": [text.parent for text in texts],
        **{role: [text.texts[role] for text in texts] for role in texts[0].texts},
    }
    nothing = [None] * len(texts)
    arrays = [pa.array(columns.get(field.name, nothing), field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
