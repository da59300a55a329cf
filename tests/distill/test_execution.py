"""Activations that are computed again, and steps that are compiled: the same training, or a reason why not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import set_seed
from transformers.models.bert.modeling_bert import BertSelfAttention

from compressor.distill.architecture import Layout
from compressor.distill.distiller import Distiller
from compressor.distill.execution import executed
from compressor.distill.objectives import build_objectives
from compressor.distill.outputs import LiveOutputs
from compressor.distill.training import train
from compressor.distill.transfer_set import TransferSet
from compressor.errors import RecipeError, StageError, TargetUnavailable
from compressor.events import Silent
from compressor.recipe.distill import OBJECTIVES
from compressor.recipe.training import TrainingSection
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from tests.distill.conftest import MAX_LENGTH, QUICK


@pytest.fixture
def trained(task: Task, encoder_folder: Path, data: Path, tmp_path: Path) -> Any:
    def trained(name: str, kind: str = "hard-labels", folder: Path = encoder_folder, **changed: Any) -> dict[str, Any]:
        """The weights that a training with dropout ends with."""
        set_seed(1)
        model = task.load_model(folder, ["bad", "good"])
        layout = Layout.of(model.config)
        objectives = build_objectives([OBJECTIVES.get(kind).model_validate({"kind": kind})], layout, layout)
        teacher = None if kind == "hard-labels" else LiveOutputs(task.load_model(folder, ["bad", "good"]), task)
        train(
            Distiller(model, objectives, task=task, teacher=teacher),
            TrainingSection.model_validate(QUICK | {"epochs": 1} | changed),
            what="trial",
            task=task,
            tokenizer=load_tokenizer(folder),
            transfer_set=TransferSet(data),
            max_length=MAX_LENGTH,
            seed=1,
            out=tmp_path / name,
            events=Silent(),
        )
        found: dict[str, Any] = load_file(tmp_path / name / "model" / "model.safetensors")
        return found

    return trained


def same(one: dict[str, Any], other: dict[str, Any], tolerance: float = 1e-5) -> bool:
    return one.keys() == other.keys() and all(torch.allclose(one[n], other[n], atol=tolerance) for n in one)


@pytest.mark.parametrize(
    ("kind", "more"), [("hard-labels", 2), ("hidden-states", 2), ("relations", 2), ("adversarial", 1.75)]
)
def test_activations_that_are_computed_again_give_the_same_student(
    trained: Any, kind: str, more: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once more for each pass that has a gradient: three of the four that texts with a change take."""
    passes: list[bool] = []
    forward = BertSelfAttention.forward

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        passes.append(self.training)
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(BertSelfAttention, "forward", counted)
    kept = trained("kept", kind)
    once = sum(passes)
    passes.clear()
    again = trained("again", kind, gradient_checkpointing=True)
    assert sum(passes) == more * once
    assert same(kept, again)


def test_an_architecture_that_cannot_compute_activations_again_is_refused(
    trained: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from transformers import BertForSequenceClassification

    monkeypatch.setattr(BertForSequenceClassification, "supports_gradient_checkpointing", False)
    with pytest.raises(RecipeError, match="transformers has none for the architecture bert"):
        trained("refused", gradient_checkpointing=True)
    assert not (tmp_path / "refused").exists()


def test_without_a_compiler_nothing_is_trained(trained: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(TargetUnavailable, match=r"no C\+\+ compiler here: there is no `no-such-compiler`"):
        trained("refused", compile=True)
    assert not (tmp_path / "refused").exists()


def test_fp16_on_a_cpu_is_refused_before_anything_is_trained(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable, match="for GPUs only"):
        trained("refused", precision="fp16")
    assert not (tmp_path / "refused").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiler_that_fails_is_told_in_words(
    task: Task, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._dynamo.exc import TorchDynamoException  # loads the compiler

    model = task.load_model(encoder_folder, ["bad", "good"])
    monkeypatch.setattr(model, "compile", lambda **settings: None)
    section = TrainingSection.model_validate({"gradient_checkpointing": True, "compile": True})
    said = r"failed for the architecture bert: no header"
    with pytest.raises(StageError, match=said), executed(section, model, "cpu", 8):
        assert model.is_activation_checkpointing
        raise TorchDynamoException("no header\nand more")
    assert not model.is_activation_checkpointing


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_training_gives_the_same_student(trained: Any) -> None:
    plain = trained("plain", dropout=0.0, batch_size=80)
    compiled = trained("compiled", dropout=0.0, batch_size=80, compile=True)
    assert same(plain, compiled, tolerance=1e-3)


@pytest.mark.parametrize(
    ("device", "longest", "expected"), [("cpu", 128, "eager"), ("cpu", 129, "sdpa"), ("cuda", 128, "sdpa")]
)
def test_short_texts_are_trained_on_with_plain_attention_on_a_cpu(
    task: Task, encoder_folder: Path, device: str, longest: int, expected: str
) -> None:
    """Fused attention is slow backwards there; long texts need it for memory."""
    model = task.load_model(encoder_folder, ["bad", "good"])
    with executed(TrainingSection(), model, device, longest):
        assert model.config._attn_implementation == expected
    assert model.config._attn_implementation == "sdpa"
