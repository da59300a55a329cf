"""Changed copies of training texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numpy.random import Generator

from compressor.data.augment.base import Change
from compressor.data.balance import drawn
from compressor.data.corpus import SAMPLE, Corpus
from compressor.data.text_filter import TextFilter
from compressor.data.texts import TEXTS_FILE, MadeText, TrainingTexts, tell, write_texts
from compressor.errors import DataError, RecipeError
from compressor.events import Events
from compressor.recipe.augment import AugmentationSection, AugmentSection, ModelAugmentationSection
from compressor.recipe.augment_checks import augment_problems
from compressor.task_specs import TaskSpec

__all__ = ["make_texts"]

_BATCH = 10_000
"""Copies in memory at a time, unless a row has more."""


def make_texts(
    section: AugmentSection,
    spec: TaskSpec,
    *,
    data: Path,
    out: Path,
    seed: int,
    events: Events,
    models: Mapping[str, Path] | None = None,
    known: Sequence[Path] = (),
    weights: Path | None = None,
) -> dict[str, Any]:
    """Write changed copies of the training texts to `out/texts.arrow`, see `load_texts`.

    The copy of a row depends on the seed, the row and its number among the copies alone.

    Args:
        data: the folder that `prepare` wrote.
        models: reference, as `section.models` names it -> folder of the model.
        known: folders of texts that were made before, none of which is made again.
        weights: a file of numpy; a text gets copies in proportion to its weight [texts]. None: all get as many.

    Returns:
        Counts for the report: `made`, `kept`, `dropped` by reason, `origins` (kept of each augmentation), `words`.

    Raises:
        RecipeError: the section doesn't fit the task. DataError: there is nothing to copy, or nothing could be kept.
        SourceError: a model can't be used.
    """
    if problems := list(augment_problems(section, spec)):
        raise RecipeError(problems)
    training = TrainingTexts.open(data, spec)
    seed += section.seed
    copier = _copier(section, spec, training, models or {}, seed)
    keep = TextFilter(training, section, known=known, exact=True)
    counts = _counts(section, training.count, None if weights is None else np.load(weights, allow_pickle=False), seed)

    def kept() -> Iterator[list[MadeText]]:
        done = 0
        for batch, copies in _rows(training, counts):
            yield keep(copier.copy(batch, copies))
            done += batch.num_rows
            events.progress("augment: copying texts", done, training.count)

    origins = write_texts(kept(), training, out / TEXTS_FILE, section=section, seed=seed)
    facts = keep.facts(origins)
    tell("augment", facts, events)
    return facts


def _copier(
    section: AugmentSection, spec: TaskSpec, training: TrainingTexts, models: Mapping[str, Path], seed: int
) -> _Copier:
    roles = section.roles or training.roles
    if missing := [role for role in roles if role not in training.roles]:
        raise DataError(
            f"data.augment.roles names {missing[0]!r}, and the data has no such text.",
            hint=f"Its texts are {', '.join(training.roles)}; optional ones are read if data.columns names them.",
        )
    sample = training.sample(SAMPLE, seed)
    corpora = {role: Corpus.of(training.texts(role), [row[role] for row in sample]) for role in roles}
    kinds = section.kinds_for(spec)
    changes = [
        kind.build(models.get(kind.model) if isinstance(kind, ModelAugmentationSection) else None) for kind in kinds
    ]
    return _Copier(training.roles, kinds, changes, corpora, section.compose, seed)


def _counts(
    section: AugmentSection, texts: int, weights: npt.NDArray[np.float64] | None, seed: int
) -> npt.NDArray[np.int64]:
    """How many copies each text gets [texts]."""
    total = section.copies * texts if section.count is None else section.count
    random = np.random.default_rng(seed)
    if weights is not None:
        return np.bincount(drawn(weights, total, random), minlength=texts)
    copies, rest = divmod(total, texts)
    counts = np.full(texts, copies)
    counts[random.choice(texts, rest, replace=False)] += 1
    return counts


def _rows(
    training: TrainingTexts, counts: npt.NDArray[np.int64]
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    """Rows of the training split, and how many copies each gets."""
    start = 0
    for batch in training.batches(max(1, _BATCH // max(1, int(counts.mean())))):
        yield batch, counts[start : start + batch.num_rows]
        start += batch.num_rows


@dataclass
class _Copy:
    parent: int
    texts: dict[str, str]
    random: Generator
    role: str
    """Of the text that is changed."""
    kinds: list[int]
    """Places of the augmentations that change it, ascending."""


@dataclass(frozen=True)
class _Copier:
    """Makes copies of rows."""

    roles: Sequence[str]
    """Of all texts of a row."""
    kinds: Sequence[AugmentationSection]
    changes: Sequence[Change]
    corpora: Mapping[str, Corpus]
    """Role whose texts may be changed -> its training texts."""
    compose: int
    seed: int

    def copy(self, rows: pa.RecordBatch, counts: npt.NDArray[np.int64]) -> list[MadeText]:
        """So many copies of each row, changed."""
        drawn = [
            self._draw(row, number)
            for row, count in zip(rows.to_pylist(), counts.tolist(), strict=True)
            for number in range(count)
        ]
        for place, change in enumerate(self.changes):
            for role, corpus in self.corpora.items():
                mine = [copy for copy in drawn if copy.role == role and place in copy.kinds]
                changed = change([copy.texts[role] for copy in mine], [copy.random for copy in mine], corpus)
                for copy, text in zip(mine, changed, strict=True):
                    copy.texts[role] = text
        return [
            MadeText(copy.texts, "+".join(self.kinds[place].kind for place in copy.kinds), copy.parent)
            for copy in drawn
        ]

    def _draw(self, row: Mapping[str, Any], number: int) -> _Copy:
        """What is drawn of a copy before any text is looked at."""
        parent = int(row["example_id"])
        random = np.random.default_rng([self.seed, parent, number])
        roles = list(self.corpora)
        role = roles[int(random.integers(len(roles)))]
        weights = np.array([kind.weight for kind in self.kinds])
        if self.compose == 1:
            kinds = [int(np.searchsorted(np.cumsum(weights)[:-1] / weights.sum(), random.random(), side="right"))]
        else:
            chosen = random.choice(len(weights), self.compose, replace=False, p=weights / weights.sum())
            kinds = sorted(chosen.tolist())
        return _Copy(parent, {name: row[name] for name in self.roles}, random, role, kinds)
