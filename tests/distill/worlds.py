"""Data of tasks with answers a token, with models whose tokenizers part it otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, pre_tokenizers
from transformers import AutoModel, PreTrainedTokenizerFast

from compressor.data import load_output_names, load_split, prepare, tokenize_split
from compressor.distill.alignment import Alignment
from compressor.events import Silent
from compressor.recipe.data import DataSection
from compressor.runtime.outputs import Ragged, write_outputs
from compressor.task_specs import OutputSpec
from compressor.tasks import get_task, load_tokenizer
from compressor.tasks.base import IGNORED, Task
from tests import tiny
from tests.distill.conftest import Recorder

SURE = 8.0
"""The logit of what the teacher holds for right; all others are 0."""


@dataclass(frozen=True)
class World:
    """Data, a teacher that is always right, and a student that cuts words into pieces. Read only."""

    task: Task
    max_length: int
    data: Path
    teacher: Path
    outputs: Path
    student: Path

    def alignment(self, cache: Path, student: Path | None = None) -> Alignment:
        tokenizers = (load_tokenizer(self.teacher), load_tokenizer(student or self.student))
        return Alignment(self.task, *tokenizers, self.max_length, cache, Recorder())

    def rows(self, folder: Path, cache: Path, split: str = "train") -> Any:
        names = load_output_names(self.data, self.task)
        tokenizer, texts = load_tokenizer(folder), load_split(self.data, split)
        return tokenize_split(texts, self.task, tokenizer, max_length=self.max_length, cache=cache, names=names)


def world(
    folder: Path, name: str, file: Path, write: Callable[[Path], Path], max_length: int, labels: int | None = None
) -> World:
    task = get_task(name)
    section = DataSection.model_validate({"source": str(file), "split": {"validation": 0.1, "test": 0.1}})
    prepare(section, task.spec, seed=1, files={"train": file}, out=folder / "data", events=Silent())
    made = World(task, max_length, folder / "data", write(folder / "teacher"), folder / "outputs", folder / "student")
    for split in ("train", "validation", "test"):
        rows = made.rows(made.teacher, folder / "tokens", split)
        write_outputs(right_answers(task, rows, labels), made.outputs / split)
    cut_words(write(folder / "student"))
    return made


def right_answers(task: Task, rows: Any, labels: int | None) -> dict[str, Ragged]:
    """What a teacher says that is sure of the labels: of `labels` classes a word, or of a token of each row."""
    found = {}
    for place, output in enumerate(task.spec.outputs):
        said = []
        for row, count in zip(rows, counts(task, rows, output), strict=True):
            classes = row["labels"][place] if labels is None else [one for one in row["labels"] if one != IGNORED]
            said.append(SURE * np.eye(labels or count, dtype=np.float16)[classes])
        found[output.name] = Ragged.of(said, ragged=True)
    return found


def counts(task: Task, rows: Any, output: OutputSpec) -> list[int]:
    """How many values of an output each row has."""
    found = task.counts(output, rows)
    assert found is not None
    return [int(count) for count in found]


def cut_words(folder: Path) -> None:
    """Have a model's tokenizer cut each word that it knows into pieces of two letters."""
    words = list(load_tokenizer(folder).get_vocab())
    words = [word for word in words if word not in tiny.SPECIAL and not word.startswith("##")]
    pieces = [("##" if place else "") + word[place : place + 2] for word in words for place in range(0, len(word), 2)]
    vocabulary = [*tiny.SPECIAL, *dict.fromkeys(pieces)]
    model = AutoModel.from_pretrained(folder)
    model.resize_token_embeddings(len(vocabulary))
    model.save_pretrained(folder)
    tiny.write_tokenizer(folder, vocabulary=vocabulary)


def questions_world(folder: Path) -> World:
    file = tiny.write_questions(folder / "questions.jsonl", 400, longest=24)

    def write(model: Path) -> Path:
        return tiny.write_encoder(model, layers=2, spread=0.1)

    return world(folder, "question-answering", file, write, 24)


def names_world(folder: Path) -> World:
    def write(model: Path) -> Path:
        return tiny.write_name_encoder(model, layers=2)

    return world(folder, "token-classification", tiny.write_conll(folder / "names.conll", 200), write, 26, labels=5)


def isolating(folder: Path, out: Path, letter: str) -> Path:
    """A tokenizer to which this letter is a word wherever it stands; without one, every letter is."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pattern = pre_tokenizers.Split(letter, "isolated") if letter else pre_tokenizers.Split("", "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), pattern])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(out)
    return out
