from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from compressor.data import load_split
from compressor.distill.architecture import Layout
from compressor.distill.builders.factorize_embeddings import FactorizeEmbeddings, as_electra
from compressor.errors import RecipeError
from compressor.tasks.base import Task
from tests.distill.builders import models

INPUTS = {"input_ids": torch.tensor([[2, 40, 41, 42, 50, 3]]), "token_type_ids": torch.tensor([[0, 0, 0, 1, 1, 1]])}


def factorize(size: int) -> FactorizeEmbeddings:
    return FactorizeEmbeddings(kind="factorize-embeddings", size=size)


def evenly(model: Any) -> dict[str, torch.Tensor]:
    """Every row of the tables used as often."""
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    return {name: torch.ones(len(getattr(model.base_model.embeddings, name).weight)) for name in names}


def bert(auto_class: str, folder: Path) -> Any:
    torch.manual_seed(0)
    return getattr(transformers, auto_class).from_pretrained(models.write_model(folder, "bert")).eval()


@pytest.mark.parametrize(
    "auto_class", ["AutoModel", "AutoModelForTokenClassification", "AutoModelForQuestionAnswering"]
)
def test_a_bert_of_full_width_is_the_same_electra(auto_class: str, tmp_path: Path) -> None:
    model = bert(auto_class, tmp_path / "bert")
    made, fresh = as_electra(model, 32, evenly(model))
    assert fresh == []
    made.save_pretrained(tmp_path / "electra")
    again = getattr(transformers, auto_class).from_pretrained(tmp_path / "electra").eval()
    assert again.config.model_type == "electra"
    with torch.no_grad():
        assert torch.allclose(again(**INPUTS)[0], model(**INPUTS)[0], atol=1e-5)


def test_a_classifier_gets_a_head_that_answers_like_its_own(film_data: Path, task: Task, tmp_path: Path) -> None:
    checkpoint = models.read(models.write_model(tmp_path / "bert", "bert"))
    built = factorize(28).build(checkpoint, film_data, task)
    assert built.note.endswith("BERT -> ELECTRA with another head")
    again = models.write(built, tmp_path / "electra")
    assert (again.model.config.model_type, again.model.config.embedding_size) == ("electra", 28)
    texts = list(load_split(film_data, "test")["text"])
    found, before = models.logits(again, texts), models.logits(checkpoint, texts)
    assert torch.allclose(found, models.logits(built, texts), atol=1e-6)
    assert (found - before).square().mean() < 0.5 * (before - before.mean(dim=0)).square().mean()
    assert again.tokenizer("the film")["input_ids"] == checkpoint.tokenizer("the film")["input_ids"]


def test_frequent_words_lose_least(film_data: Path, task: Task, tmp_path: Path) -> None:
    checkpoint = models.read(models.write_model(tmp_path, "bert"))
    counted = factorize(12).build(checkpoint, film_data, task).model.electra
    evened, _ = as_electra(checkpoint.model, 12, evenly(checkpoint.model))
    inputs = checkpoint.tokenizer("the film was very good", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        wanted = checkpoint.model.bert.embeddings(inputs)
        errors = [
            float((one.embeddings_project(one.embeddings(inputs)) - wanted).square().mean())
            for one in (counted, evened.electra)
        ]
    assert errors[0] < 0.7 * errors[1]


def test_embeddings_of_low_rank_lose_nothing(tmp_path: Path) -> None:
    """Tables that 12 directions make up are the same in 12, the mean over the width aside."""
    model = bert("AutoModel", tmp_path)
    torch.manual_seed(1)
    directions = torch.randn(11, 32)
    for table in (model.embeddings.word_embeddings, model.embeddings.position_embeddings):
        table.weight.data = torch.randn(len(table.weight), 11) @ directions
    model.embeddings.token_type_embeddings.weight.data.zero_()
    made, _ = as_electra(model, 12, evenly(model))
    with torch.no_grad():
        assert torch.allclose(made(**INPUTS)[0], model(**INPUTS)[0], atol=1e-3)


def test_more_directions_come_closer(tmp_path: Path) -> None:
    model = bert("AutoModel", tmp_path)
    errors = []
    for size in (4, 16, 28):
        made, _ = as_electra(model, size, evenly(model))
        with torch.no_grad():
            inside = made.embeddings_project(made.embeddings(**INPUTS))
            errors.append(float((inside - model.embeddings(**INPUTS)).square().mean()))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.2


def test_what_does_not_fit_is_told_before_anything_is_trained() -> None:
    with pytest.raises(RecipeError, match="this is a roberta model"):
        factorize(8).layout(Layout(2, 32, architecture="roberta"))
    with pytest.raises(RecipeError, match="the model is 32 wide"):
        factorize(32).layout(Layout(2, 32, architecture="bert"))
    assert factorize(8).layout(Layout(2, 32, architecture="bert")).architecture == "electra"
