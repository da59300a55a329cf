from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from compressor.data import load_split
from compressor.deploy.export import export
from compressor.distill.student import make_student
from compressor.errors import DataError, SourceError
from compressor.recipe.export import ExportSection
from compressor.recipe.student import StudentSection
from compressor.tasks import get_task
from compressor.tasks.base import Task
from tests.distill.conftest import Recorder

Make = Callable[..., Any]


@pytest.fixture
def make(task: Task, data: Path, tmp_path: Path) -> Make:
    """The student as transformers loads it, and the facts about it."""

    def make(
        init: Path,
        *,
        trained: bool = True,
        labelled: bool = True,
        seed: int = 1,
        **section: Any,
    ) -> tuple[Any, dict[str, Any]]:
        out = tmp_path / f"student-{seed}"
        facts = make_student(
            StudentSection.model_validate(section),
            task=task,
            init_folder=init,
            data=data if labelled else None,
            trained=trained,
            seed=seed,
            out=out,
            events=Recorder(),
        )
        assert AutoTokenizer.from_pretrained(out / "model")("a good film")["input_ids"]
        return AutoModelForSequenceClassification.from_pretrained(out / "model").eval(), facts

    return make


def test_the_teachers_head_is_copied(make: Make, classifier_folder: Path) -> None:
    teacher = AutoModelForSequenceClassification.from_pretrained(classifier_folder)
    student, facts = make(classifier_folder, layers=(1, 0))
    assert torch.equal(student.classifier.weight, teacher.classifier.weight)
    for ours, theirs in zip(student.bert.encoder.layer, [1, 0], strict=True):
        assert torch.equal(ours.output.dense.weight, teacher.bert.encoder.layer[theirs].output.dense.weight)
    built = ["layers: 4 -> 2 layers"]
    assert facts == {"labels": ["bad", "good"], "parameters": student.num_parameters(), "built": built}


def test_another_head_is_drawn_by_the_seed(make: Make, encoder_folder: Path) -> None:
    one, again, other = (make(encoder_folder, seed=seed)[0].classifier.weight for seed in (1, 1, 2))
    assert one.shape == (2, 32)
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_layers_are_short_for_a_builder_and_builders_follow_one_another(make: Make, classifier_folder: Path) -> None:
    short = make(classifier_folder, layers=[1])[0].state_dict()
    chain = [{"kind": "layers", "keep": [0, 1]}, {"kind": "layers", "keep": [1]}]
    long = make(classifier_folder, build=chain)[0].state_dict()
    assert set(short) == set(long)
    assert all(torch.equal(short[name], long[name]) for name in short)


def test_a_student_that_is_not_trained_must_be_finished(
    make: Make, classifier_folder: Path, encoder_folder: Path
) -> None:
    student, facts = make(classifier_folder, trained=False, labelled=False)
    assert facts["labels"] == ["bad", "good"]
    finished = AutoModelForSequenceClassification.from_pretrained(classifier_folder)
    assert torch.equal(student.classifier.weight, finished.classifier.weight)
    with pytest.raises((DataError, SourceError)):
        make(encoder_folder, trained=False)


def test_a_decoder_student_runs_on_padded_batches(make: Make, decoder_folder: Path) -> None:
    student, _ = make(decoder_folder, layers=(1,))
    tokenizer = AutoTokenizer.from_pretrained(decoder_folder)
    tokenizer.pad_token = tokenizer.eos_token
    batch = tokenizer(["good film", "a bad film and a dull plot"], padding=True, return_tensors="pt")
    batch.pop("token_type_ids")
    assert student(**batch).logits.shape == (2, 2)


def test_builders_compose_to_a_checkpoint_that_is_exported(make: Make, data: Path, tmp_path: Path) -> None:
    """What a run does with it: the graph answers as the model that transformers loads."""
    from tests.distill.builders.models import write_model

    folder = write_model(tmp_path / "init", "bert")
    chain = [
        {"kind": "vocabulary"},
        {"kind": "prune", "neurons": 0.5, "examples": 32},
        {"kind": "activation", "to": "relu"},
        {"kind": "layers", "keep": [0]},
    ]
    student, facts = make(folder, build=chain)
    assert [line.partition(":")[0] for line in facts["built"]] == ["vocabulary", "prune", "activation", "layers"]
    assert facts["built"][1:] == [
        "prune: 48 -> 24 neurons a layer",
        "activation: gelu -> relu",
        "layers: 2 -> 1 layers",
    ]
    config = student.config
    assert (config.intermediate_size, config.hidden_act, config.num_hidden_layers) == (24, "relu", 1)
    exported = export(
        ExportSection(),
        task=get_task("text-classification"),
        model_folder=tmp_path / "student-1" / "model",
        examples=[{"text": text, "label": "good"} for text in load_split(data, "validation")["text"]],
        max_length=24,
        out=tmp_path / "exported",
        events=Recorder(),
    )
    assert exported["parity"]["max_abs_difference"] < 1e-4
    assert exported["parity"]["argmax_agreement"] == 1
