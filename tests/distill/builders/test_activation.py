from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers.activations import GELUActivation

from compressor.distill.architecture import Layout
from compressor.distill.builders.activation import Activation
from compressor.errors import RecipeError
from compressor.tasks.base import Task
from tests.distill.builders import models

TEXTS = ["the film was good", "a dull story"]
RELU = Activation(kind="activation", to="relu")


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "mpnet", "roberta", "modernbert", "electra"])
def test_the_saved_model_uses_it(architecture: str, task: Task, tmp_path: Path) -> None:
    whole = models.read(models.write_model(tmp_path / "whole", architecture))
    before = models.logits(whole, TEXTS)
    changed = models.write(RELU.build(whole, None, task), tmp_path / "changed")
    by_hand = models.read(tmp_path / "whole")
    for layer in by_hand.model.base_model.modules():
        for name, module in layer.named_children():
            if isinstance(module, GELUActivation):
                setattr(layer, name, torch.nn.ReLU())
        if isinstance(getattr(layer, "intermediate_act_fn", None), GELUActivation):
            layer.intermediate_act_fn = torch.nn.ReLU()
    after = models.logits(changed, TEXTS)
    assert torch.allclose(after, models.logits(by_hand, TEXTS), atol=1e-6)
    assert not torch.allclose(after, before, atol=1e-3)


@pytest.mark.parametrize(("architecture", "key"), [("gpt2", "activation_function"), ("llama", "hidden_act")])
def test_decoders_have_it_too(architecture: str, key: str, task: Task, tmp_path: Path) -> None:
    whole = models.read(models.write_model(tmp_path / "whole", architecture))
    built = RELU.build(whole, None, task)
    assert built.note == f"{getattr(whole.model.config, key)} -> relu"
    assert getattr(models.write(built, tmp_path / "changed").model.config, key) == "relu"


def test_a_fixed_activation_is_told_before_anything_is_trained(task: Task, tmp_path: Path) -> None:
    checkpoint = models.read(models.write_model(tmp_path, "bloom"))
    with pytest.raises(RecipeError, match="names no activation"):
        RELU.layout(Layout.of(checkpoint.model.config))
    with pytest.raises(RecipeError, match="names no activation"):
        RELU.build(checkpoint, None, task)


def test_it_must_be_trained_afterwards() -> None:
    assert RELU.needs_training
