"""Tokens of a teacher that stand for the same characters as those of a student with another tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import Dataset

from compressor.distill.attention import Projections
from compressor.distill.output_folder import OutputFolder, is_whole
from compressor.errors import StageError
from compressor.events import Events
from compressor.processes import lead
from compressor.runtime.encoder import Row
from compressor.runtime.outputs import Array, Ragged, read_outputs
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import encoder_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["NONE", "Counterparts", "at_places", "places_in_batch"]

NONE = -1
"""In the place of a token that has no counterpart."""

_NAME = "counterparts"
_EXAMPLES_AT_ONCE = 1000
_LEAST = 0.5
"""Share of the student's tokens that must have one: with fewer, little is compared."""


@dataclass(frozen=True)
class Counterparts:
    """For each token of the student's rows, the number of the teacher's token for the same characters.

    A token stands for the characters from the end of the one before to its own end, so that it makes no difference
    whether a tokenizer counts the space before a word. The first and last special tokens are counterparts.
    """

    task: Task
    teacher: PreTrainedTokenizerBase
    student: PreTrainedTokenizerBase
    max_length: int
    cache: Path
    """Folder for what was found, which is used again by a training that is resumed."""
    events: Events

    def of(self, split: Dataset) -> Ragged:
        """Those of every row of the split [tokens], `NONE` where there is none, left on disk.

        Raises:
            StageError: the tokenizers part texts into other rows, or most tokens have no counterpart.
        """
        folder = self.cache / f"counterparts-{split._fingerprint}"
        lead(self._make, split, folder)
        return read_outputs(folder, mapped=True)[_NAME]

    def _make(self, split: Dataset, out: Path) -> None:
        counts = np.array([len(row) for row, _ in self._rows(split)], dtype=np.int64)
        if is_whole(out, len(counts)):
            return
        files = OutputFolder(out, np.arange(len(counts)), {_NAME: counts})
        known = 0
        for number, (mine, theirs) in enumerate(self._rows(split)):
            found = _counterparts(mine, theirs)
            files.add(_NAME, np.array([number]), [found], np.int32)
            known += int((found != NONE).sum())
        share = known / max(1, int(counts.sum()))
        if share < _LEAST:
            raise StageError(
                f"The tokenizers of teacher and student part texts too differently: {share:.0%} of the student's "
                "tokens have a counterpart among the teacher's.",
                hint="Leave out what compares the models token by token, or take a student with the teacher's "
                "tokenizer, for example student.init: teacher.",
            )
        files.finish()
        if share < 1:
            self.events.note(f"{share:.1%} of the student's tokens have a counterpart among the teacher's.")

    def _rows(self, split: Dataset) -> Iterator[tuple[Row, Row]]:
        """Each row in the student's tokens and in the teacher's."""
        encoders = [encoder_of(one, self.max_length) for one in (self.student, self.teacher)]
        for first in range(0, len(split), _EXAMPLES_AT_ONCE):
            some = list(split.select(range(first, min(first + _EXAMPLES_AT_ONCE, len(split)))))
            mine, theirs = (self.task.runtime.encode(encoder, some) for encoder in encoders)
            if not np.array_equal(mine.example_of_row, theirs.example_of_row):
                raise StageError(
                    "The tokenizers of teacher and student part long texts into other numbers of rows, so the models "
                    "can't be compared token by token.",
                    hint="Set a greater data.max_length, or take a student with the teacher's tokenizer.",
                )
            yield from zip(mine.rows, theirs.rows, strict=True)


def _counterparts(student: Row, teacher: Row) -> Array:
    places = {key: place for place, key in reversed(list(enumerate(_keys(teacher)))) if key is not None}
    return np.array([NONE if key is None else places.get(key, NONE) for key in _keys(student)], dtype=np.int32)


def _keys(row: Row) -> list[tuple[int, int, int] | str | None]:
    """What each token stands for: (text, the end of the token before, its own end)."""
    found: list[tuple[int, int, int] | str | None] = []
    text, end = -1, 0
    for part, (begin, stop) in zip(row.parts, row.offsets, strict=True):
        if part is None:
            found.append(None)
            continue
        before = end if part == text else begin
        text, end = part, stop
        found.append((part, before, stop))
    for place, name in ((0, "first"), (-1, "last")):
        if found and found[place] is None:
            found[place] = name
    return found


def places_in_batch(counterparts: Sequence[Array], student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Where in the teacher's padded batch the counterpart of each token of the student's stands [batch, sequence];
    `NONE` where there is none.

    Args:
        counterparts: those of each row.
        student, teacher: the attention masks of both batches, which may be padded on either side.
    """
    places = torch.full(student.shape, NONE, dtype=torch.long)
    begins = zip(_begins(student), _begins(teacher), strict=True)
    for row, (found, (mine, theirs)) in enumerate(zip(counterparts, begins, strict=True)):
        numbers = torch.from_numpy(np.asarray(found, dtype=np.int64))
        places[row, mine : mine + len(numbers)] = torch.where(numbers == NONE, NONE, numbers + theirs)
    return places.to(student.device)


def _begins(mask: torch.Tensor) -> list[int]:
    begins: list[int] = mask.int().argmax(dim=1).tolist()
    return begins


def at_places(value: Any, places: torch.Tensor) -> Any:
    """What a teacher computed at its tokens, at those of the student [batch, sequence, ...].

    Args:
        value: a tensor [batch, sequence, width], several of them, or `Projections`.
    """
    if isinstance(value, torch.Tensor):
        wide = places.clamp(min=0)[..., None].expand(-1, -1, value.shape[-1])
        return value.gather(1, wide)
    if isinstance(value, Projections):
        return Projections(*(list(at_places(getattr(value, field.name), places)) for field in fields(value)))
    return tuple(at_places(one, places) for one in value)
