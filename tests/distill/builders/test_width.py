from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from compressor.distill.architecture import Layout
from compressor.distill.builders._basis import principal_basis
from compressor.distill.builders.base import Checkpoint
from compressor.distill.builders.width import Width
from compressor.errors import RecipeError
from compressor.tasks.base import Task
from tests.distill.builders import models
from tests.distill.conftest import Finished

TEXTS = ["the film was good", "the story was very bad", "filming"]


def width(size: int, **options: Any) -> Width:
    return Width.model_validate({"kind": "width", "size": size, "examples": 100, **options})


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "mpnet", "roberta", "xlm-roberta", "electra"])
def test_it_is_a_plain_checkpoint(architecture: str, film_data: Path, task: Task, tmp_path: Path) -> None:
    whole = models.read(models.write_model(tmp_path / "whole", architecture))
    built = width(20).build(whole, film_data, task)
    again = models.write(built, tmp_path / "narrow")
    assert Layout.of(again.model.config) == Layout(2, 20)
    assert torch.allclose(models.logits(again, TEXTS), models.logits(built, TEXTS), atol=1e-6)


def test_the_basis_lets_a_layer_normalization_go_on() -> None:
    torch.manual_seed(0)
    states = torch.randn(50, 32) * torch.linspace(3, 0.1, 32) + 1
    basis = principal_basis(states.T @ states / 50, 12)
    assert torch.allclose(basis.T @ basis, torch.eye(12), atol=1e-5)
    centred = (states - states.mean(dim=1, keepdim=True)) @ basis
    narrow = states @ basis
    assert torch.allclose(centred, narrow - narrow.mean(dim=1, keepdim=True), atol=1e-4)


def test_states_of_low_rank_lose_little(film_data: Path, task: Task, tmp_path: Path) -> None:
    """Where hidden states live in few directions, the narrow model answers nearly as the whole one."""
    whole = models.read(models.write_model(tmp_path, "bert", initializer_range=0.3))
    with torch.no_grad():
        directions = torch.linalg.qr(torch.randn(32, 6, generator=torch.Generator().manual_seed(1))).Q
        inside = directions @ directions.T
        for name, weight in whole.model.bert.named_parameters():
            if "embeddings.weight" in name:
                weight.copy_(weight @ inside)
            elif "output.dense" in name:
                weight.copy_(inside @ weight)
            elif "LayerNorm" in name:
                weight.fill_(1.0 if name.endswith("weight") else 0.0)
    built = width(20).build(whole, film_data, task)
    before, after = models.logits(whole, TEXTS), models.logits(built, TEXTS)
    assert (after - before).square().mean() < 0.5 * before.square().mean()


def test_a_trained_model_stays_far_closer_than_a_random_one(data: Path, task: Task, teacher: Finished) -> None:
    """Half the width of a model that has learned the reviews, before any training: it still knows most of them."""
    from compressor.data import load_split

    split = load_split(data, "train")
    whole = Checkpoint(
        AutoModelForSequenceClassification.from_pretrained(teacher.model).eval(),
        AutoTokenizer.from_pretrained(teacher.model),
    )
    built = width(16).build(whole, data, task)
    torch.manual_seed(0)
    random = Checkpoint(type(built.model)(built.model.config).eval(), built.tokenizer)
    expected, found, drawn = (models.logits(one, split["text"]) for one in (whole, built, random))
    assert (found.argmax(dim=1) == torch.tensor(split["label"])).float().mean() > 0.95
    assert (found - expected).square().mean() < 0.3 * (drawn - expected).square().mean()


@pytest.mark.parametrize(
    ("size", "architecture", "message"),
    [(32, "bert", "the model is 32 wide"), (18, "bert", "no multiple of the model's 4 heads"), (16, "gpt2", "gpt2")],
)
def test_what_does_not_fit_is_told_before_anything_is_trained(size: int, architecture: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        width(size).layout(Layout(2, 32, architecture=architecture, heads=4))
    assert width(16).layout(Layout(2, 32, architecture="bert", heads=4)) == Layout(2, 16)
