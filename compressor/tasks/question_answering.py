"""Extractive question answering: the piece of a context that answers a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from compressor.runtime.encoder import Row
from compressor.runtime.tasks import Encoded, RuntimeTask
from compressor.runtime.tasks.base import NO_OPTIONS
from compressor.runtime.tasks.question_answering import TASK as RUNTIME
from compressor.runtime.tasks.question_answering import context_tokens
from compressor.task_specs import OutputSpec
from compressor.tasks.alignment import NOWHERE, Placed, Places, move_probabilities
from compressor.tasks.base import ABSENT, IGNORED, Collator, Features, NewHead, Supervised
from compressor.tasks.models.headed import HeadedTask

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["TASK", "QuestionAnswering"]

_OUTPUTS = ("start", "end")
_BEGIN, _END = "context_begin", "context_end"
"""Columns: where the tokens of a row's context begin and end."""
_NO_ANSWER = (0, 0)
_UNLABELLED = (IGNORED, IGNORED)


class QuestionAnswering(HeadedTask):
    """Two numbers a token of `transformers`: start and end logits [batch, sequence].

    The classes of a row are its first token, "no answer", and the tokens of its context, as the runtime keeps them: its
    labels (start, end) count these.
    """

    runtime: ClassVar[RuntimeTask] = RUNTIME
    model_noun = "question answering model"

    def load_model(
        self, folder: Path, labels: Sequence[str] | None, *, new_head: NewHead = "if-needed", **options: Any
    ) -> PreTrainedModel:
        """A finished model is taken under whatever names its two outputs have: start and end come in this order."""
        return super().load_model(folder, None if new_head == "never" else labels, new_head=new_head, **options)

    def outputs_of_head(self, labels: Sequence[str]) -> Sequence[str]:
        return _OUTPUTS

    def features(self, encoded: Encoded) -> Features:
        spans = [context_tokens(row) for row in encoded.rows]
        return {_BEGIN: [begin for begin, _ in spans], _END: [end for _, end in spans]}

    def labels(self, encoded: Encoded, targets: Sequence[Any], names: Sequence[str]) -> list[tuple[int, int]]:
        """(start, end) of the first answer that stands in the row; (0, 0) where none does, and `IGNORED` for both in a
        text that only a teacher labels."""
        found: list[tuple[int, int]] = []
        for example, answers in enumerate(targets):
            places = encoded.rows_of(example)
            if answers is None:
                found += [_UNLABELLED] * len(places)
                continue
            for place in places:
                row = encoded.rows[place]
                begin, end = _extent(row, is_first=place == places[0], is_last=place == places[-1])
                inside = (_characters(answer) for answer in answers)
                spans = (_tokens(row, *answer) for answer in inside if begin <= answer[0] and answer[1] <= end)
                found.append(next((span for span in spans if span is not None), _NO_ANSWER))
        return found

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Collator:
        from compressor.tasks.models.collate import collator

        return collator(tokenizer, labels_per_token=False)

    def reduce(
        self,
        outputs: Mapping[str, torch.Tensor],
        batch: Mapping[str, torch.Tensor],
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> dict[str, torch.Tensor]:
        import torch

        places = torch.arange(batch["input_ids"].shape[1], device=batch["input_ids"].device)
        kept = (places == 0) | ((places >= batch[_BEGIN][:, None]) & (places < batch[_END][:, None]))
        return {spec.name: outputs[spec.name][kept].float() for spec in self.spec.outputs}

    def counts(self, output: OutputSpec, dataset: Dataset) -> npt.NDArray[np.int64]:
        return 1 + np.asarray(dataset[_END], dtype=np.int64) - np.asarray(dataset[_BEGIN], dtype=np.int64)

    def places(self, encoded: Encoded) -> list[Places]:
        """No place for "no answer", then those of the tokens of the context, without the space around them."""
        contexts = (encoded.examples[owner]["context"] for owner in encoded.example_of_row.tolist())
        found = []
        for row, context in zip(encoded.rows, contexts, strict=True):
            spans = (_without_space(context, *row.offsets[place]) for place in range(*context_tokens(row)))
            found.append(np.array([NOWHERE, *spans], dtype=np.int64))
        return found

    def align(self, output: OutputSpec, teacher: Sequence[Placed], places: Places) -> npt.NDArray[Any]:
        """Probability goes to the token that holds the character at which an answer begins or ends."""
        return move_probabilities(teacher, places, "start" if output == self.spec.outputs[0] else "end")

    def supervised(
        self,
        student: Mapping[str, torch.Tensor],
        batch: Mapping[str, torch.Tensor],
        teacher: Mapping[str, torch.Tensor] | None = None,
    ) -> list[Supervised]:
        counts = (1 + batch[_END] - batch[_BEGIN]).tolist()
        labels = batch.get("labels")
        return [
            Supervised(
                spec.likelihood,
                _classes(student[spec.name], counts),
                None if labels is None else labels[:, place],
                None if teacher is None else _classes(teacher[spec.name].to(student[spec.name].device).float(), counts),
            )
            for place, spec in enumerate(self.spec.outputs)
        ]


def _without_space(text: str, start: int, end: int) -> tuple[int, int]:
    """These characters of a text without the space around them, which some tokenizers count as a token's."""
    said = text[start:end]
    if not said.strip():
        return start, end
    return start + len(said) - len(said.lstrip()), end - len(said) + len(said.rstrip())


def _characters(answer: Mapping[str, Any]) -> tuple[int, int]:
    """First character of an answer and the one after its last, without space around it."""
    text = answer["text"]
    start = answer["start"] + len(text) - len(text.lstrip())
    return start, start + len(text.strip())


def _extent(row: Row, *, is_first: bool, is_last: bool) -> tuple[float, float]:
    """Characters of the context that a row covers: the first and the last one cover what has no tokens, too."""
    first, after = context_tokens(row)
    if first == after:
        return 0.0, 0.0
    return (0.0 if is_first else row.offsets[first][0]), (float("inf") if is_last else row.offsets[after - 1][1])


def _tokens(row: Row, start: int, end: int) -> tuple[int, int] | None:
    """The first and the last token of these characters, as classes of the row; None where they have no token."""
    first, after = context_tokens(row)
    places = [place for place in range(first, after) if row.offsets[place][1] > start and row.offsets[place][0] < end]
    return (1 + places[0] - first, 1 + places[-1] - first) if places else None


def _classes(values: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
    """Values of all rows behind each other as [rows, classes]: shorter rows are filled up with absent classes."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    return pad_sequence(list(torch.split(values, list(counts))), batch_first=True, padding_value=ABSENT)


TASK = QuestionAnswering()
