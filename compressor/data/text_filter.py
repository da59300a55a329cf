"""Which made texts are worth a label: none that evaluation splits hold, none twice, none too short or too long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data.arrow import read_arrow
from compressor.data.clean import hash_of, text_key
from compressor.data.overlap import Overlap
from compressor.data.seen import Keys, Seen
from compressor.data.splits import EVALUATION
from compressor.data.texts import TEXTS_FILE, MadeText, TrainingTexts
from compressor.errors import DataError, listed
from compressor.recipe.augment import TextLimits

__all__ = ["TextFilter"]


class TextFilter:
    """Chooses among made texts as they stream by, and counts what it leaves out. Memory holds eight bytes a text.

    Texts that evaluation splits hold are found without regard to case and space. So are those of the training split and
    those that were made before; with `exact` these two only if they are the same letter by letter, since an
    augmentation may change nothing but case. `limits.overlap_words` leaves out what quotes evaluation splits too, for
    eight bytes a word of these.
    """

    def __init__(
        self, training: TrainingTexts, limits: TextLimits, *, known: Sequence[Path] = (), exact: bool = False
    ) -> None:
        """
        Args:
            known: folders of texts that were made before.
        """
        self.limits = limits
        self.roles = training.roles
        self.exact = exact
        self.dropped: Counter[str] = Counter()
        self._kept = self._words = self._longest = 0
        self._evaluation, self._training, self._made = Seen(), Seen(), Seen()
        self._overlap = None if limits.overlap_words is None else Overlap(limits.overlap_words)
        for split in EVALUATION:
            for rows in self._read(training.folder / f"{split}.arrow"):
                self._evaluation.add(_keys(rows, exact=False))
                if self._overlap is not None:
                    self._overlap.add(rows)
        for file, seen in (
            (training.folder / "train.arrow", self._training),
            *((folder / TEXTS_FILE, self._made) for folder in known),
        ):
            for rows in self._read(file):
                seen.add(_keys(rows, exact=exact))

    def __call__(self, texts: Sequence[MadeText]) -> list[MadeText]:
        """Those to keep, in order."""
        rows = [[text.texts[role] for role in self.roles] for text in texts]
        words = np.array([sum(len(text.split()) for text in row) for row in rows], np.int64)
        empty = np.array([not all(text.strip() for text in row) for row in rows], bool)
        likened = _keys(rows, exact=False)
        exactly = _keys(rows, exact=True) if self.exact else likened
        keep = np.ones(len(texts), bool)
        for reason, hit in (
            ("empty", empty),
            ("too_short", words < self.limits.min_words),
            ("too_long", words > (self.limits.max_words or np.inf)),
            ("in_evaluation", self._evaluation.contains(likened)),
            ("overlaps_evaluation", self._quoting(rows)),
            ("in_training", self._training.contains(exactly)),
        ):
            self.drop(reason, int((keep & hit).sum()))
            keep &= ~hit
        candidates = np.flatnonzero(keep)
        new = self._made.add(exactly[candidates])
        self.drop("made_before", int((~new).sum()))
        chosen = candidates[new]
        self._kept += len(chosen)
        self._words += int(words[chosen].sum())
        self._longest = max(self._longest, int(words[chosen].max(initial=0)))
        return [texts[place] for place in chosen.tolist()]

    def drop(self, reason: str, count: int = 1) -> None:
        """Count texts that are left out."""
        if count:
            self.dropped[reason] += count

    def facts(self, origins: Mapping[str, int]) -> dict[str, Any]:
        """Counts for the report, for texts that were written: origin -> how many.

        Raises:
            DataError: there are none.
        """
        kept, lost = sum(origins.values()), self.dropped.total()
        if not kept:
            reasons = listed([f"{reason.replace('_', ' ')} {count:,}" for reason, count in self.dropped.items()])
            raise DataError(
                f"None of {lost:,} texts can be used: {reasons}." if lost else "There are no texts to choose from.",
                hint="Check min_words and max_words, and what the texts are made of.",
            )
        return {
            "made": kept + lost,
            "kept": kept,
            "dropped": dict(self.dropped),
            "origins": dict(sorted(origins.items())),
            "words": {"mean": self._words / self._kept, "max": self._longest},
        }

    def _quoting(self, rows: Sequence[Sequence[str]]) -> npt.NDArray[np.bool_]:
        return np.zeros(len(rows), bool) if self._overlap is None else self._overlap.found_in(rows)

    def _read(self, file: Path) -> Iterator[list[Sequence[str]]]:
        """The texts of a file's rows, where it is there, a batch at a time."""
        if not file.is_file():
            return
        for batch in read_arrow(file):
            columns = [batch.column(role).to_pylist() for role in self.roles]
            yield list(zip(*columns, strict=True))


def _keys(rows: Iterable[Sequence[Any]], *, exact: bool) -> Keys:
    return np.fromiter((hash_of("\0".join(row)) if exact else text_key(row) for row in rows), np.uint64)
