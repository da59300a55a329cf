"""A teacher's stored outputs for tokens, carried over to the tokens of a student with another tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import Dataset

from compressor.distill.output_folder import OutputFolder, is_whole
from compressor.errors import StageError
from compressor.events import Events
from compressor.processes import lead
from compressor.runtime.outputs import Array, Ragged, read_outputs
from compressor.tasks.alignment import Placed, Places
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import encoder_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Alignment", "settings_of"]

_EXAMPLES_AT_ONCE = 1000
_LEAST = 0.5
"""Share of a split's positions that the teacher must say something of: with fewer, little is learned from it."""


@dataclass(frozen=True)
class Alignment:
    """Reads stored outputs as if the teacher had the student's tokenizer: see `Task.align`."""

    task: Task
    teacher: PreTrainedTokenizerBase
    student: PreTrainedTokenizerBase
    max_length: int
    cache: Path
    """Folder for aligned outputs, which are made once and used again by a training that is resumed."""
    events: Events

    def read(self, split: Dataset, folder: Path) -> dict[str, Ragged]:
        """What `folder` holds of the examples of `split`, a value a position of the student's rows, left on disk.

        Raises:
            StageError: the outputs are of other data, or most of the student's tokens have no counterpart.
        """
        stored = read_outputs(folder, mapped=True)
        if self._places(split.select(range(min(1, len(split)))), self.student) is None:
            return stored
        aligned = self.cache / f"aligned-{split._fingerprint}"
        lead(self._make, split, stored, folder.name, aligned)
        return {**stored, **read_outputs(aligned, mapped=True)}

    def _make(self, split: Dataset, stored: Mapping[str, Ragged], name: str, out: Path) -> None:
        own = [len(places) for one in self._examples(split, self.student) for places in one]
        if is_whole(out, len(own)):
            return
        counts = np.array(own, dtype=np.int64)
        files = OutputFolder(out, np.arange(len(own)), {output.name: counts for output in self.task.spec.outputs})
        known, total, begin, taken = 0, 0, 0, 0
        for theirs, mine in zip(self._examples(split, self.teacher), self._examples(split, self.student), strict=True):
            rows = np.arange(begin, begin + len(mine))
            for output in self.task.spec.outputs:
                said = [self._placed(stored[output.name], taken + at, places) for at, places in enumerate(theirs)]
                pieces = [self.task.align(output, said, places) for places in mine]
                files.add(output.name, rows, pieces, np.float32)
                known += sum(map(_known, pieces))
                total += sum(map(len, pieces))
            begin, taken = begin + len(mine), taken + len(theirs)
        if any(len(ragged) != taken for ragged in stored.values()):
            raise self._other_data(name)
        if known < _LEAST * total:
            raise self._too_unlike(name, known / total)
        files.finish()
        if known < total:
            self.events.note(self._told(name, known / total))

    def _too_unlike(self, name: str, share: float) -> StageError:
        return StageError(
            f"{name}: the tokenizers of teacher and student part texts too differently: {share:.0%} of the student's "
            "words or tokens have a counterpart among the teacher's.",
            hint="Take a student whose tokenizer splits texts into like words, for example student.init: teacher.",
        )

    def _told(self, name: str, share: float) -> str:
        return (
            f"{name}: {share:.1%} of the student's words or tokens have a counterpart among the teacher's; the rest "
            "learn from labels alone."
        )

    def _placed(self, stored: Ragged, row: int, places: Places) -> Placed:
        values: Array = np.asarray(stored[row]) if row < len(stored) else np.empty(0)
        if len(values) != len(places):
            raise self._other_data("the split")
        return Placed(values, places)

    def _other_data(self, name: str) -> StageError:
        return StageError(
            f"The teacher's outputs for {name} aren't those of its tokenizer for this data.",
            hint="Compute the teacher's outputs again.",
        )

    def _examples(self, split: Dataset, tokenizer: PreTrainedTokenizerBase) -> Iterator[list[Places]]:
        """The places of each example's rows."""
        for first in range(0, len(split), _EXAMPLES_AT_ONCE):
            some = split.select(range(first, min(first + _EXAMPLES_AT_ONCE, len(split))))
            yield from self._places(some, tokenizer) or ()

    def _places(self, split: Dataset, tokenizer: PreTrainedTokenizerBase) -> list[list[Places]] | None:
        encoded = self.task.runtime.encode(encoder_of(tokenizer, self.max_length), list(split))
        places = self.task.places(encoded)
        if places is None:
            return None
        return [[places[row] for row in encoded.rows_of(example)] for example in range(len(split))]


def _known(values: Array) -> int:
    """How many positions [positions, ...] the teacher says something of."""
    return int((~np.isnan(values).any(axis=tuple(range(1, values.ndim)))).sum())


def settings_of(tokenizer: Any) -> dict[str, Any]:
    """All that decides which tokens a text becomes. Truncation and padding are settings of the last call only."""
    settings: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return {name: value for name, value in settings.items() if name not in ("truncation", "padding")}
