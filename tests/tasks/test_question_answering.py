"""Question answering in training: labels of windows, what is kept and compared, which heads are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from compressor.data.tokenized import tokenize_split
from compressor.distill.likelihood import LIKELIHOODS
from compressor.distill.outputs import assert_same_parts
from compressor.errors import SourceError, StageError
from compressor.runtime.encoder import Encoder
from compressor.runtime.tasks.question_answering import context_tokens
from compressor.tasks import get_task, load_tokenizer
from compressor.tasks.base import ABSENT
from tests import tiny

TASK = get_task("question-answering")
MAX_LENGTH = 20
CONTEXT = " ".join(f"w{i % 80}" for i in range(40))
QUESTION = "was it good"


@pytest.fixture(scope="module")
def reader_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_reader(tmp_path_factory.mktemp("reader"))


def answer(text: str) -> dict[str, Any]:
    return {"start": CONTEXT.index(text), "text": text}


def labels(folder: Path, *answers: dict[str, Any], context: str = CONTEXT) -> list[str]:
    """What stands at the labelled tokens of each window, read back from the context."""
    example = {"question": QUESTION, "context": context}
    encoded = TASK.runtime.encode(Encoder.from_folder(folder, MAX_LENGTH), [example])
    found = []
    for row, (start, end) in zip(encoded.rows, TASK.labels(encoded, [list(answers)], ()), strict=True):
        begin = context_tokens(row)[0] - 1
        found.append("" if start == end == 0 else context[row.offsets[begin + start][0] : row.offsets[begin + end][1]])
    return found


def test_each_window_that_holds_the_whole_answer_is_labelled_with_it(encoder_folder: Path) -> None:
    found = labels(encoder_folder, answer("w11 w12"))
    assert set(found) == {"", "w11 w12"}
    assert 1 <= found.count("w11 w12") < len(found) - 1


def test_a_window_that_cuts_the_answer_has_none(encoder_folder: Path) -> None:
    assert set(labels(encoder_folder, answer(CONTEXT[:80]))) == {""}


def test_no_answer_is_the_first_token_of_every_window(encoder_folder: Path) -> None:
    assert set(labels(encoder_folder)) == {""}


def test_of_several_answers_the_first_that_stands_in_the_window_counts(encoder_folder: Path) -> None:
    found = labels(encoder_folder, answer("w38"), answer("w2 w3"), answer("w2"))
    assert found[0] == "w2 w3" and found[-1] == "w38"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" w3 ", "w3"), ("w3 ", "w3"), ("3", "w3"), ("w39", "w39"), ("w0", "w0")],
)
def test_an_answer_that_parts_no_token_is_the_tokens_it_touches(encoder_folder: Path, text: str, expected: str) -> None:
    assert expected in labels(encoder_folder, answer(text))


def batch_of(folder: Path, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    features = TASK.tokenize(load_tokenizer(folder), columns, MAX_LENGTH)
    count = len(features["length"])
    return TASK.collator(load_tokenizer(folder))([{name: features[name][i] for name in features} for i in range(count)])


def test_training_keeps_of_the_outputs_what_the_runtime_keeps(encoder_folder: Path) -> None:
    rows = tiny.questions(4, longest=30)
    batch = batch_of(encoder_folder, rows)
    raw = {name: torch.randn(batch["input_ids"].shape) for name in ("start_logits", "end_logits")}
    encoded = TASK.runtime.encode(Encoder.from_folder(encoder_folder, MAX_LENGTH), rows)
    kept = TASK.runtime.reduce([raw[name].numpy() for name in raw], encoded)
    for name, values in TASK.reduce(raw, batch).items():
        np.testing.assert_array_equal(values.numpy(), kept[name].values)


def test_question_and_padding_have_no_part_in_the_loss(encoder_folder: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question": QUESTION, "context": "the film was gripping", "answers": [{"start": 13, "text": "gripping"}]},
        {"question": QUESTION, "context": "a dull plot", "answers": []},
    ]
    batch = batch_of(encoder_folder, rows)
    raw = {name: torch.randn(batch["input_ids"].shape, requires_grad=True) for name in ("start_logits", "end_logits")}
    supervised = TASK.supervised(TASK.reduce(raw, batch), batch)
    assert [row.labels.tolist() for row in supervised if row.labels is not None] == [[4, 0], [4, 0]]
    assert supervised[0].student.shape == (2, 5) and supervised[0].student[1, 4] == ABSENT
    for row in supervised:
        assert row.labels is not None
        LIKELIHOODS[row.likelihood].loss(row.student, row.labels, smoothing=0.1).backward()  # type: ignore[no-untyped-call]
    gradient = raw["start_logits"].grad
    assert gradient is not None
    used = gradient.ne(0)
    assert used.sum(dim=1).tolist() == [5, 4]
    assert used[:, 0].all() and not used[:, 1:5].any()


def test_labels_are_smoothed_over_the_tokens_of_the_row_alone(encoder_folder: Path) -> None:
    logits, label = torch.randn(1, 5), torch.tensor([2])
    padded = torch.nn.functional.pad(logits, (0, 3), value=ABSENT)
    expected = torch.nn.functional.cross_entropy(logits, label, label_smoothing=0.2)
    torch.testing.assert_close(LIKELIHOODS["categorical"].loss(padded, label, smoothing=0.2), expected)


def test_soft_targets_are_those_of_each_row_alone(encoder_folder: Path) -> None:
    categorical, rows = LIKELIHOODS["categorical"], [torch.randn(2, 3), torch.randn(2, 5)]
    pad = [torch.nn.functional.pad(row, (0, 5 - row.shape[1]), value=ABSENT) for row in rows]
    student, teacher = (torch.stack([row[side] for row in pad]) for side in (0, 1))
    alone = [categorical.divergence(row[:1], row[1:], 2.0) for row in rows]
    torch.testing.assert_close(categorical.divergence(student, teacher, 2.0), torch.stack(alone).mean())


def test_stored_outputs_come_back_as_they_were_kept(encoder_folder: Path) -> None:
    batch = batch_of(encoder_folder, tiny.questions(3, longest=30))
    raw = {name: torch.randn(batch["input_ids"].shape) for name in ("start_logits", "end_logits")}
    kept = TASK.reduce(raw, batch)
    counts = (1 + batch["context_end"] - batch["context_begin"]).numpy()
    rows = {output.name: TASK.pieces(output, kept[output.name].numpy(), counts) for output in TASK.runtime.spec.outputs}
    for name, values in TASK.join(rows).items():
        assert torch.equal(values, kept[name])


def test_a_bare_model_gets_a_new_head_to_be_trained_only(encoder_folder: Path, classifier_folder: Path) -> None:
    for folder in (encoder_folder, classifier_folder):
        model = TASK.load_model(folder, [])
        assert model.config.id2label == {0: "start", 1: "end"} and model.qa_outputs.out_features == 2
        with pytest.raises(SourceError, match="not a finished question answering model"):
            TASK.load_model(folder, [], new_head="never")


def test_a_finished_model_is_taken_as_it_stands(reader_folder: Path) -> None:
    unnamed: tuple[list[str] | None, ...] = ([], None)
    weights = [TASK.load_model(reader_folder, names, new_head="never").qa_outputs.weight for names in unnamed]
    assert torch.equal(*weights)


def test_a_teacher_that_cuts_words_otherwise_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    from datasets import Dataset
    from tokenizers import Tokenizer, pre_tokenizers

    mine = load_tokenizer(encoder_folder)
    theirs = AutoTokenizer.from_pretrained(encoder_folder)
    changed = Tokenizer.from_str(theirs.backend_tokenizer.to_str())
    changed.pre_tokenizer = pre_tokenizers.Split("i", "isolated")
    theirs._tokenizer = changed
    dataset = Dataset.from_list(tiny.questions(5))
    splits = [
        tokenize_split(dataset, TASK, one, max_length=MAX_LENGTH, cache=tmp_path / name)
        for name, one in (("mine", mine), ("theirs", theirs))
    ]
    assert_same_parts(TASK, splits[0], splits[0])
    with pytest.raises(StageError, match="start_logits can't be compared"):
        assert_same_parts(TASK, *splits)
