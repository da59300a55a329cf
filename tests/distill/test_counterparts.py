"""Students compared token by token with a teacher that has another tokenizer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from compressor.data import load_output_names, load_split
from compressor.distill.architecture import Layout
from compressor.distill.attention import Projections
from compressor.distill.counterparts import NONE, Counterparts, at_places, places_in_batch
from compressor.distill.distiller import _value
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives.relations import relation_loss
from compressor.distill.outputs import LiveOutputs, model_inputs, rows_of
from compressor.distill.signals import COMPARED, HIDDEN_STATES, LOGITS, PROJECTIONS, run_model
from compressor.distill.transfer_set import TransferSet
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.distill import DistillSection
from compressor.tasks import get_task, load_tokenizer
from compressor.tasks.base import Supervised, Task
from tests import tiny
from tests.distill.conftest import MAX_LENGTH, Finished, Recorder

TEXTS = ("a good film", "such a very bad film, with a gripping end", "film", "")


def byte_tokenizer(folder: Path) -> Any:
    """As GPT-2 and RoBERTa have one: bytes, and the space before a word belongs to it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        [text for text in TEXTS for _ in range(3)], trainers.BpeTrainer(special_tokens=["<s>", "</s>", "<pad>"])
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", model_max_length=64
    ).save_pretrained(folder)
    return load_tokenizer(folder)


def word_pieces(folder: Path, cut: tuple[str, ...]) -> Any:
    """A WordPiece tokenizer to which some words are two pieces."""
    words = dict.fromkeys(word.strip(",") for text in TEXTS for word in text.split())
    pieces = [piece for word in words for piece in ((word[:2], f"##{word[2:]}") if word in cut else (word,))]
    tiny.write_encoder(folder)
    tiny.write_tokenizer(folder, vocabulary=[*tiny.SPECIAL, ",", *dict.fromkeys(pieces)])
    return load_tokenizer(folder)


def found_of(task: Task, teacher: Any, student: Any, cache: Path, rows: list[dict[str, str]]) -> Any:
    return Counterparts(task, teacher, student, 32, cache, Silent()).of(Dataset.from_list(rows))


@pytest.mark.parametrize("teacher_is_bytes", [True, False])
def test_tokens_that_stand_for_the_same_characters_are_counterparts(
    task: Task, tmp_path: Path, teacher_is_bytes: bool
) -> None:
    both = byte_tokenizer(tmp_path / "bytes"), word_pieces(tmp_path / "pieces", ("gripping",))
    teacher, student = both if teacher_is_bytes else both[::-1]
    found = found_of(task, teacher, student, tmp_path / "cache", [{"text": text} for text in TEXTS])
    for text, places in zip(TEXTS, found, strict=True):
        mine, theirs = student(text, return_offsets_mapping=True), teacher(text, return_offsets_mapping=True)
        assert len(places) == len(mine["input_ids"])
        assert places[0] == 0 and places[-1] == len(theirs["input_ids"]) - 1, "first and last special tokens"
        for place, (begin, end) in list(zip(places, mine["offset_mapping"], strict=True))[1:-1]:
            same = [
                number
                for number, (first, last) in enumerate(theirs["offset_mapping"])
                if last > first and last == end and text[first:last].strip() == text[begin:end].strip()
            ]
            assert [place] == (same or [NONE]), text[begin:end]
    assert NONE in found[1], "pieces of a word that the other has whole"
    assert NONE not in found[0]


def test_tokens_of_a_pair_belong_to_their_own_text(task: Task, tmp_path: Path) -> None:
    teacher, student = byte_tokenizer(tmp_path / "bytes"), word_pieces(tmp_path / "pieces", ())
    (found,) = found_of(task, teacher, student, tmp_path / "cache", [{"text": "film", "text_pair": "a film"}])
    theirs = teacher("film", "a film")["input_ids"]
    assert found.tolist() == [0, 1, NONE, 4, 5, len(theirs) - 1], "one separator here, two there"


def test_rows_of_a_batch_are_found_on_whichever_side_they_are_padded() -> None:
    rows = [np.array([0, NONE, 2], np.int32), np.array([0, 1], np.int32)]
    right, left = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]]), torch.tensor([[0, 1, 1, 1], [0, 0, 1, 1]])
    assert places_in_batch(rows, right, right).tolist() == [[0, NONE, 2, NONE], [0, 1, NONE, NONE]]
    assert places_in_batch(rows, right, left).tolist() == [[1, NONE, 3, NONE], [2, 3, NONE, NONE]]
    assert places_in_batch(rows, left, right).tolist() == [[NONE, 0, NONE, 2], [NONE, NONE, 0, 1]]


def test_what_a_teacher_computed_is_moved_token_by_token() -> None:
    places, value = torch.tensor([[2, NONE, 0]]), torch.arange(6.0).view(1, 3, 2)
    assert at_places(value, places)[0, [0, 2]].tolist() == [[4, 5], [0, 1]]
    assert torch.equal(at_places((value, value + 1), places)[1], at_places(value + 1, places))
    moved = at_places(Projections([value], [value + 1], [value + 2]), places)
    assert torch.equal(moved.keys[0], at_places(value + 1, places))


@pytest.fixture
def renumbered(task: Task, data: Path, teacher: Finished, tmp_path: Path) -> Path:
    """The teacher with its pieces under other numbers: it computes the same."""
    folder = tmp_path / "renumbered"
    shutil.copytree(teacher.model, folder)
    old, new = tiny.renumber(folder)
    model = task.load_model(folder, load_output_names(data, task), new_head="never")
    table = model.get_input_embeddings().weight.data
    table[[new[word] for word in old]] = table[list(old.values())].clone()
    model.save_pretrained(folder)
    return folder


def test_a_model_under_another_numbering_of_pieces_has_the_same_signals(
    task: Task, data: Path, teacher: Finished, renumbered: Path, tmp_path: Path
) -> None:
    names = load_output_names(data, task)
    theirs, mine = load_tokenizer(teacher.model), load_tokenizer(renumbered)
    assert theirs.get_vocab() != mine.get_vocab()
    transfer_set, events = TransferSet(data), Recorder()
    tokens, own = (
        transfer_set.rows(task, one, max_length=MAX_LENGTH, cache=tmp_path / "tokens") for one in (theirs, mine)
    )
    found = Counterparts(task, theirs, mine, MAX_LENGTH, tmp_path / "tokens", events)
    live = LiveOutputs(
        task.load_model(teacher.model, names, new_head="never"),
        task,
        (tokens, task.collator(theirs)),
        transfer_set.counterparts(found),
    )
    batch = task.collator(mine)(rows_of(own, [3, 1, 4]))
    said = live.read(batch, frozenset({HIDDEN_STATES, PROJECTIONS, LOGITS}))
    student = task.load_model(renumbered, names, new_head="never")
    with torch.no_grad():
        output, expected = run_model(student, model_inputs(student, batch), [HIDDEN_STATES, PROJECTIONS])
    attended = batch["attention_mask"].bool()
    assert torch.equal(said[COMPARED], attended) and not events.notes
    for ours, goal in zip(said[HIDDEN_STATES], expected[HIDDEN_STATES], strict=True):
        assert torch.allclose(ours[attended], goal[attended], atol=1e-5)
    assert torch.allclose(said[PROJECTIONS].keys[1][attended], expected[PROJECTIONS].keys[1][attended], atol=1e-5)
    assert torch.allclose(said[LOGITS]["logits"], output.logits, atol=1e-4)


@pytest.mark.parametrize("kind", ["hidden-states", "relations", "cosine", "embeddings", "attention"])
def test_tokens_without_a_counterpart_have_no_part_in_what_is_compared(kind: str, task: Task) -> None:
    """The loss of a row is that of its compared tokens alone."""
    torch.manual_seed(0)
    layout = Layout(2, 8, heads=2)
    section = DistillSection.model_validate({"objectives": [{"kind": kind}]})
    (objective,) = build_objectives(section.objectives, layout, layout)

    def signals() -> dict[Any, Any]:
        hidden = tuple(torch.randn(2, 5, 8) for _ in range(3))
        return {HIDDEN_STATES: hidden, PROJECTIONS: Projections(*([torch.randn(2, 5, 8)] * 2 for _ in range(3)))}

    student, theirs = signals(), signals()
    compared = torch.tensor([[True, False, True, True, False], [True, True, False, False, False]])
    batch = {"attention_mask": torch.ones(2, 5, dtype=torch.long)}
    row = [Supervised("categorical", torch.randn(2, 2), None)]
    value = _value(objective, row, student, {**theirs, COMPARED: compared}, batch)
    changed = {
        HIDDEN_STATES: tuple(torch.where(compared[..., None], one, one + 5) for one in theirs[HIDDEN_STATES]),
        PROJECTIONS: Projections(
            *(
                [torch.where(compared[..., None], one, one + 5) for one in getattr(theirs[PROJECTIONS], name)]
                for name in ("queries", "keys", "values")
            )
        ),
    }
    assert torch.allclose(value, _value(objective, row, student, {**changed, COMPARED: compared}, batch))
    assert not torch.allclose(value, _value(objective, row, student, theirs, batch)), "all tokens count otherwise"
    nothing = _value(objective, row, student, {**theirs, COMPARED: torch.zeros_like(compared)}, batch)
    assert nothing == 0


def test_a_row_without_a_counterpart_leaves_gradients_finite() -> None:
    student = torch.randn(2, 3, 4, requires_grad=True)
    loss = relation_loss(student, torch.randn(2, 3, 4), torch.tensor([[True, True, False], [False] * 3]), 2)
    (gradient,) = torch.autograd.grad(loss, student)
    assert torch.isfinite(gradient).all()


def test_tokenizers_that_have_nothing_in_common_are_refused(task: Task, tmp_path: Path) -> None:
    letters = Tokenizer.from_file(str(_written(tmp_path / "letters")))
    letters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    PreTrainedTokenizerFast(
        tokenizer_object=letters, unk_token="[UNK]", pad_token="[PAD]", model_max_length=64
    ).save_pretrained(tmp_path / "letters")
    student = word_pieces(tmp_path / "words", ())
    with pytest.raises(StageError, match=r"part texts too differently: \d+% of the student's tokens"):
        found_of(
            task, load_tokenizer(tmp_path / "letters"), student, tmp_path, [{"text": "good film with gripping end"}]
        )


def _written(folder: Path) -> Path:
    tiny.write_encoder(folder)
    return folder / "tokenizer.json"


def test_windows_that_lie_elsewhere_are_refused(tmp_path: Path) -> None:
    task = get_task("question-answering")
    whole, cut = word_pieces(tmp_path / "whole", ()), word_pieces(tmp_path / "cut", ("film", "good", "very", "bad"))
    rows = [{"question": "film", "context": "a good film such a very bad film " * 6}]
    with pytest.raises(StageError, match="other numbers of rows"):
        found_of(task, whole, cut, tmp_path / "cache", rows)


def test_what_was_found_is_used_again(
    task: Task, data: Path, teacher: Finished, renumbered: Path, tmp_path: Path
) -> None:
    tokenizers = load_tokenizer(teacher.model), load_tokenizer(renumbered)
    found = Counterparts(task, *tokenizers, MAX_LENGTH, tmp_path, Silent())
    split = load_split(data, "train")
    found.of(split)
    (folder,) = tmp_path.glob("counterparts-*")
    before = folder.stat().st_mtime_ns
    assert len(found.of(split)) == len(split) and folder.stat().st_mtime_ns == before
