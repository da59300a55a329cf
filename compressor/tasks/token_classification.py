"""Token classification: pieces of a text that have a type, such as names of people and places, or parts of speech."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from compressor.runtime.tasks import Encoded, RuntimeTask
from compressor.runtime.tasks.token_classification import TASK as RUNTIME
from compressor.runtime.tasks.token_classification import tags_of, words_of
from compressor.tasks.alignment import Places
from compressor.tasks.base import IGNORED, Supervised
from compressor.tasks.models.headed import HeadedTask

if TYPE_CHECKING:
    import torch

__all__ = ["TASK", "TokenClassification"]

UNTAGGED = -1
"""The label of a word that the data leaves untagged: its outputs are kept as every word's, and nothing is learned."""
UNLABELLED = -2
"""The label of a word of a text that only a teacher labels: it is learned from the teacher."""


class TokenClassification(HeadedTask):
    """A tagger of `transformers`: logits [batch, sequence, tags]. The first token of each word speaks for it."""

    runtime: ClassVar[RuntimeTask] = RUNTIME
    model_noun = "tagger"

    def labels(self, encoded: Encoded, targets: Sequence[Any], names: Sequence[str]) -> list[list[int]]:
        """Number of the tag at the first token of each word; all other tokens are `IGNORED`."""
        found = []
        for row, example, spans in zip(encoded.rows, encoded.examples, targets, strict=True):
            words = words_of(row, example["text"])
            labels = [IGNORED] * len(row)
            tags = [UNLABELLED] * len(words) if spans is None else tags_of(words, spans, names)
            for word, tag in zip(words, tags, strict=True):
                labels[word.token] = UNTAGGED if tag is None else tag
            found.append(labels)
        return found

    def places(self, encoded: Encoded) -> list[Places]:
        """Those of the words."""
        owners = (encoded.examples[owner] for owner in encoded.example_of_row.tolist())
        words = (words_of(row, example["text"]) for row, example in zip(encoded.rows, owners, strict=True))
        return [np.array([word[1:] for word in row], dtype=np.int64).reshape(-1, 2) for row in words]

    def supervised(
        self,
        student: Mapping[str, torch.Tensor],
        batch: Mapping[str, torch.Tensor],
        teacher: Mapping[str, torch.Tensor] | None = None,
    ) -> list[Supervised]:
        return [_tagged(one) for one in super().supervised(student, batch, teacher)]


def _tagged(one: Supervised) -> Supervised:
    """Without words that have no tag, unless a teacher tags them."""
    if one.labels is None:
        return one
    kept = one.labels != UNTAGGED
    teacher = None if one.teacher is None else one.teacher[kept]
    labels = one.labels[kept].masked_fill(one.labels[kept] == UNLABELLED, IGNORED)
    return replace(one, student=one.student[kept], labels=labels, teacher=teacher)


TASK = TokenClassification()
