from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from compressor.distill.builders.base import Checkpoint
from compressor.distill.builders.vocabulary import Vocabulary
from compressor.errors import RecipeError
from compressor.tasks import get_task
from compressor.tasks.base import Task
from tests.distill.builders import models

ARCHITECTURES = ["bert", "distilbert", "mpnet", "roberta", "xlm-roberta", "gpt2", "mistral"]
KEPT = ["good", "bad", "film", "filming", "story", "the", "was", "very"]
"""Words of the training texts."""
LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyz éß中#.<>")


def vocabulary(**options: Any) -> Vocabulary:
    return Vocabulary.model_validate({"kind": "vocabulary", **options})


@cache
def both(architecture: str, data: Path) -> tuple[Checkpoint, Checkpoint]:
    """A model before and after, each as transformers reads it from its folder."""
    folder = Path(mkdtemp())
    whole = models.read(models.write_model(folder / "whole", architecture))
    built = vocabulary().build(models.read(folder / "whole"), data, get_task("text-classification"))
    return whole, models.write(built, folder / "cut")


def tokens(checkpoint: Checkpoint, text: str) -> list[str]:
    found: list[str] = checkpoint.tokenizer.convert_ids_to_tokens(checkpoint.tokenizer(text)["input_ids"])
    return found


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pieces_and_parameters_are_fewer(architecture: str, film_data: Path) -> None:
    whole, cut = both(architecture, film_data)
    assert len(cut.tokenizer) < len(whole.tokenizer)
    assert cut.model.config.vocab_size == len(cut.tokenizer)
    assert cut.model.get_input_embeddings().weight.shape[0] == len(cut.tokenizer)
    assert cut.model.num_parameters() < whole.model.num_parameters()
    assert type(cut.tokenizer) is type(whole.tokenizer)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@settings(max_examples=40)
@given(words=st.lists(st.sampled_from(KEPT), min_size=1, max_size=12))
def test_texts_of_kept_pieces_are_tokenized_and_answered_as_before(
    architecture: str, film_data: Path, words: list[str]
) -> None:
    whole, cut = both(architecture, film_data)
    text = "the " + " ".join(words)  # byte-level pieces know whether a space stood before them
    assert tokens(cut, text) == tokens(whole, text)
    assert torch.allclose(models.logits(cut, [text]), models.logits(whole, [text]), atol=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@settings(max_examples=60)
@given(words=st.lists(st.sampled_from(models.WORDS) | st.text(LETTERS, max_size=12), max_size=6))
def test_nothing_becomes_unknown_that_was_not(architecture: str, film_data: Path, words: list[str]) -> None:
    whole, cut = both(architecture, film_data)
    text = " ".join(words)
    unknown = whole.tokenizer.unk_token
    assert tokens(cut, text).count(unknown) <= tokens(whole, text).count(unknown)
    if unknown not in tokens(whole, text):
        plain = [one.tokenizer.decode(one.tokenizer(text)["input_ids"]) for one in (cut, whole)]
        assert plain[0].replace(" ", "") == plain[1].replace(" ", "")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_special_tokens_keep_their_meaning(architecture: str, film_data: Path) -> None:
    whole, cut = both(architecture, film_data)
    assert cut.tokenizer.special_tokens_map == whole.tokenizer.special_tokens_map
    for name in ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"):
        before, after = getattr(whole.model.config, name, None), getattr(cut.model.config, name, None)
        if before is not None:
            assert whole.tokenizer.convert_ids_to_tokens(before) == cut.tokenizer.convert_ids_to_tokens(after)
    if whole.tokenizer.pad_token is not None:
        assert cut.model.get_input_embeddings().padding_idx == cut.tokenizer.pad_token_id


@pytest.mark.parametrize("architecture", ["bert", "roberta", "gpt2"])
def test_an_output_layer_that_is_tied_to_the_table_is_cut_with_it(
    architecture: str, film_data: Path, task: Task, tmp_path: Path
) -> None:
    auto_class = AutoModelForCausalLM if architecture == "gpt2" else AutoModelForMaskedLM
    whole = models.read(models.write_model(tmp_path / "whole", architecture))
    language_model = auto_class.from_config(whole.model.config).eval()
    built = vocabulary().build(Checkpoint(language_model, whole.tokenizer), film_data, task)
    built.model.save_pretrained(tmp_path / "cut")
    cut = auto_class.from_pretrained(tmp_path / "cut").eval()
    assert cut.get_output_embeddings().weight is cut.get_input_embeddings().weight
    pieces = built.tokenizer.convert_ids_to_tokens(list(range(len(built.tokenizer))))
    kept = whole.tokenizer.convert_tokens_to_ids(pieces)
    text = "the film was very good"
    with torch.no_grad():
        before, after = (
            model(torch.tensor([tokenizer(text)["input_ids"]])).logits
            for model, tokenizer in ((language_model, whole.tokenizer), (cut, built.tokenizer))
        )
    assert torch.allclose(after, before[..., kept], atol=1e-6)


@pytest.mark.parametrize("architecture", ["bert", "mpnet", "roberta"])
def test_padded_batches_and_pairs_are_answered_as_before(architecture: str, film_data: Path) -> None:
    pairs = [("the film was good", "the story was bad"), ("the story", "was very good")]
    found = []
    for checkpoint in both(architecture, film_data):
        batch = checkpoint.tokenizer(pairs, padding=True, return_tensors="pt")
        with torch.no_grad():
            found.append(checkpoint.model(**batch).logits)
    assert torch.allclose(found[0], found[1], atol=1e-6)


def test_frequency_decides_where_the_size_is_limited(film_data: Path, task: Task, tmp_path: Path) -> None:
    folder = models.write_model(tmp_path, "bert")
    built = vocabulary(size=61, keep=("gripping",)).build(models.read(folder), film_data, task)
    pieces = built.tokenizer.get_vocab()
    assert len(pieces) == 61 and "gripping" in pieces
    assert sum(word in pieces for word in KEPT) == 3  # 57 special tokens and letters, and what `keep` names
    with pytest.raises(RecipeError, match="Give at least 57"):
        vocabulary(size=20).build(models.read(folder), film_data, task)


def test_rare_pieces_go_where_a_count_is_asked_for(film_data: Path, task: Task, tmp_path: Path) -> None:
    folder = models.write_model(tmp_path, "bert")
    built = vocabulary(min_count=1_000_000).build(models.read(folder), film_data, task)
    assert not set(KEPT) & built.tokenizer.get_vocab().keys()
    assert built.tokenizer.tokenize("film") == ["f", "##i", "##l", "##m"]


def test_without_data_the_pieces_must_be_named(task: Task, tmp_path: Path) -> None:
    folder = models.write_model(tmp_path, "bert")
    with pytest.raises(RecipeError, match="no texts to find pieces in"):
        vocabulary().build(models.read(folder), None, task)
    built = vocabulary(keep=("a gripping film",)).build(models.read(folder), None, task)
    assert {"gripping", "film"} <= built.tokenizer.get_vocab().keys()


def test_a_piece_with_a_letter_that_has_none_of_its_own_stays(film_data: Path, task: Task, tmp_path: Path) -> None:
    folder = models.write_model(tmp_path, "bert")
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    pieces = content["model"]["vocab"]
    pieces["##watch"] = pieces.pop("##w")
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    checkpoint = models.read(folder)
    assert checkpoint.tokenizer.tokenize("unwatchable") == ["un", "##watch", "##able"]
    built = vocabulary().build(checkpoint, film_data, task)
    assert built.tokenizer.tokenize("unwatchable") == ["u", "##n", "##watch", "##a", "##b", "##l", "##e"]


def test_the_note_counts(film_data: Path, task: Task, tmp_path: Path) -> None:
    whole = models.read(models.write_model(tmp_path, "bert"))
    built = vocabulary().build(whole, film_data, task)
    fewer = len(whole.tokenizer) - len(built.tokenizer)
    assert built.note == (f"{len(whole.tokenizer)} -> {len(built.tokenizer)} pieces, {fewer * 32} parameters fewer")


def test_two_ways_to_say_how_many_are_one_too_many() -> None:
    (problem,) = vocabulary(size=100, min_count=2).problems()
    assert problem.path == "size"
