from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from compressor.data import load_labels, load_split
from compressor.distill.teacher import teach
from compressor.errors import DataError
from compressor.events import Silent
from compressor.recipe.teacher import TeacherSection
from compressor.tasks.base import Task
from tests import tiny
from tests.distill.conftest import MAX_LENGTH, QUICK, Finished


def run(task: Task, model_folder: Path, data: Path, out: Path, finetune: dict[str, Any] | None) -> dict[str, Any]:
    return teach(
        TeacherSection.model_validate({"model": "any", "finetune": finetune}),
        task=task,
        model_folder=model_folder,
        data=data,
        max_length=MAX_LENGTH,
        seed=1,
        out=out,
        events=Silent(),
    )


def accuracy(model_folder: Path, data: Path, split: str) -> float:
    """What the saved model really answers, one text at a time."""
    model = AutoModelForSequenceClassification.from_pretrained(model_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    right = []
    for example in load_split(data, split):
        inputs = tokenizer(example["text"], truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        with torch.no_grad():
            right.append(model(**inputs).logits.argmax().item() == example["label"])
    return float(np.mean(right))


def test_a_fine_tuned_teacher_has_learned_the_task(teacher: Finished, data: Path) -> None:
    assert accuracy(teacher.model, data, "test") >= 0.9


def test_the_saved_teacher_is_the_best_checkpoint(teacher: Finished, data: Path) -> None:
    scores = [entry["validation"]["accuracy"] for entry in teacher.facts["history"]]
    best = teacher.facts["history"][scores.index(max(scores))]
    assert teacher.facts["best_epoch"] == best["epoch"]
    assert teacher.facts["best_step"] == best["step"]
    assert teacher.facts["validation"] == best["validation"]
    assert accuracy(teacher.model, data, "validation") == max(scores) > scores[0]


def test_the_teachers_folder_is_a_clean_model_folder(teacher: Finished, data: Path) -> None:
    names = {path.name for path in teacher.model.iterdir()}
    assert names == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in teacher.folder.iterdir()} == {"model"}
    config = AutoModelForSequenceClassification.from_pretrained(teacher.model).config
    assert [config.id2label[i] for i in range(2)] == load_labels(data)
    assert all(name.startswith(("bert.", "classifier.")) for name in load_file(teacher.model / "model.safetensors"))


def test_facts_tell_how_it_was_trained(teacher: Finished) -> None:
    facts = teacher.facts
    assert facts["finetuned"] is True
    assert (facts["device"], facts["precision"], facts["labels"]) == ("cpu", "fp32", ["bad", "good"])
    assert (facts["steps"], facts["steps_planned"], facts["stopped_early"]) == (60, 60, False)
    assert [entry["epoch"] for entry in facts["history"]] == [1, 2, 3, 4, 5, 6]
    assert facts["history"][-1]["train_loss"] < 0.5 * facts["history"][0]["train_loss"]
    assert facts["history"][0]["objectives"]["hard-labels"] == pytest.approx(facts["history"][0]["train_loss"])
    assert set(facts["validation"]) == {"loss", "accuracy", "f1_macro", "log_loss", "calibration_error"}
    assert facts["epochs"] == 6
    assert facts["examples_per_second"] > 0 and facts["seconds"] > 0
    weights = load_file(teacher.model / "model.safetensors")
    assert facts["parameters"] == sum(weight.numel() for weight in weights.values())


def test_progress_is_told_with_loss_and_score(teacher: Finished) -> None:
    training = [call for call in teacher.events.calls if call[0] == "teacher: training"]
    assert [call[1:3] for call in training] == [(step, 60) for step in range(1, 61)]
    assert training[0][3].startswith("loss 0.")
    assert "accuracy" not in training[9][3] and "accuracy" in training[10][3]
    assert ("teacher: validation", 1, 1, "") in teacher.events.calls
    assert teacher.events.notes == ["A new head of the classifier for 2 outputs: bad, good."]


def test_label_smoothing_keeps_the_loss_above_the_entropy_of_its_targets(
    task: Task, encoder_folder: Path, data: Path, tmp_path: Path
) -> None:
    facts = run(task, encoder_folder, data, tmp_path, QUICK | {"label_smoothing": 0.4})
    entropy = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))
    assert facts["history"][-1]["train_loss"] > entropy


def test_a_finished_teacher_is_taken_as_it_is(task: Task, classifier_folder: Path, data: Path, tmp_path: Path) -> None:
    facts = run(task, classifier_folder, data, tmp_path, None)
    before, after = (load_file(folder / "model.safetensors") for folder in (classifier_folder, tmp_path / "model"))
    assert set(before) == set(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert facts["finetuned"] is False
    assert facts["parameters"] == sum(weight.numel() for weight in after.values())
    assert (tmp_path / "model" / "tokenizer.json").is_file()


def test_a_finished_teacher_with_other_labels_is_refused(task: Task, data: Path, tmp_path: Path) -> None:
    folder = tiny.write_encoder(tmp_path / "other", labels=["sad", "happy"])
    with pytest.raises(DataError, match="sad, happy"):
        run(task, folder, data, tmp_path / "out", None)


def test_a_decoder_becomes_a_teacher(task: Task, decoder_folder: Path, data: Path, tmp_path: Path) -> None:
    facts = run(task, decoder_folder, data, tmp_path, QUICK | {"epochs": 1})
    assert 0 <= facts["validation"]["accuracy"] <= 1
    assert 0 <= accuracy(tmp_path / "model", data, "test") <= 1
