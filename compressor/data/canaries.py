"""Random texts with random labels among the training texts, to find out later what was learned by heart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from compressor.data.arrow import read_arrow, write_arrow
from compressor.data.clean import text_key
from compressor.data.corpus import Corpus
from compressor.data.prepared import load_labels
from compressor.data.texts import TrainingTexts
from compressor.errors import DataError
from compressor.recipe.audit import CanariesSection
from compressor.task_specs import TaskSpec

__all__ = ["OTHERS", "Canaries", "load_canaries", "plant_canaries"]

OTHERS = 500
"""Random texts that aren't planted, which the planted ones are compared with."""
WORDS = 8
"""Of a random text."""
MOST_WORDS = 5000
"""The training texts' most frequent words, which they are drawn from: every tokenizer that fits the data knows them."""
FEWEST_WORDS = 20
_FILE = "canaries.json"


@dataclass(frozen=True)
class Canaries:
    """Random texts of one kind."""

    planted: Sequence[dict[str, str]]
    """Each with a text for every role."""
    labels: Sequence[int]
    """What the planted ones were labelled."""
    others: Sequence[dict[str, str]]
    """Those that stand nowhere."""
    repeats: int
    """How often each planted one stands in the training split."""


def plant_canaries(folder: Path, section: CanariesSection, spec: TaskSpec, *, seed: int) -> None:
    """Add random texts to the training split of prepared data, as its last rows, and keep them beside it.

    No text of a split is among them, so that validation and test stay what they were.
    Source: Carlini et al. 2019 (arXiv 1802.08232), random labels in place of random secrets.

    Raises:
        DataError: the training texts have too few different words.
    """
    training = TrainingTexts.open(folder, spec)
    random = np.random.default_rng(seed)
    texts = _drawn(training, section.count + OTHERS, random)
    labels = [int(label) for label in random.integers(len(load_labels(folder)), size=section.count)]
    planted = texts[: section.count]
    _append(training, spec.target_role, planted * section.repeats, labels * section.repeats)
    told = {"planted": planted, "labels": labels, "others": texts[section.count :], "repeats": section.repeats}
    (folder / _FILE).write_text(json.dumps(told, ensure_ascii=False) + "\n", encoding="utf-8")


def load_canaries(folder: Path) -> Canaries | None:
    """What was planted in prepared data; None where nothing was."""
    file = folder / _FILE
    return Canaries(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def _drawn(training: TrainingTexts, count: int, random: Generator) -> list[dict[str, str]]:
    """Different random texts, none of which stands in a split."""
    words = {role: Corpus.of(training.texts(role), ()).vocabulary[:MOST_WORDS] for role in training.roles}
    if min(map(len, words.values())) < FEWEST_WORDS:
        raise DataError(
            f"The training texts have fewer than {FEWEST_WORDS} different words: too few to make random texts of.",
            hint="Leave audit.canaries out.",
        )
    known = _keys(training)
    found: dict[int, dict[str, str]] = {}
    while len(found) < count:
        text = {role: " ".join(random.choice(words[role], WORDS, replace=False)) for role in training.roles}
        if (key := text_key(text.values())) not in known:
            found[key] = text
    return list(found.values())


def _keys(training: TrainingTexts) -> set[int]:
    """Of the texts of every split."""
    found: set[int] = set()
    for file in sorted(training.folder.glob("*.arrow")):
        for batch in read_arrow(file):
            columns = [batch.column(role).to_pylist() for role in training.roles]
            found.update(text_key(texts) for texts in zip(*columns, strict=True))
    return found


def _append(training: TrainingTexts, target: str, texts: Sequence[dict[str, str]], labels: Sequence[int]) -> None:
    """Write the training split again with these rows behind it."""
    file = training.folder / "train.arrow"
    told = json.dumps([training.fingerprint, *texts, *labels], ensure_ascii=False)
    digest = blake2b(told.encode(), digest_size=8).hexdigest()
    schema = training.schema.with_metadata({"huggingface": json.dumps({"fingerprint": f"train-{digest}"})})
    columns: dict[str, Any] = {
        **{role: [text[role] for text in texts] for role in training.roles},
        target: labels,
        "example_id": np.arange(training.count, training.count + len(texts)),
    }

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in read_arrow(file):
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
        yield pa.RecordBatch.from_arrays([pa.array(columns[one.name], one.type) for one in schema], schema=schema)

    whole = file.with_suffix(".planted")
    write_arrow(whole, schema, batches())
    whole.replace(file)
