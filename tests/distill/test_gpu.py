"""The real thing: a teacher and a student are trained on a GPU. Skipped, with the reason, where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compressor.data import load_split
from compressor.distill.distill import distill
from compressor.distill.label import compute_outputs
from compressor.distill.student import make_student
from compressor.distill.teacher import teach
from compressor.distill.transfer_set import TransferSet
from compressor.events import Silent
from compressor.recipe.distill import DistillSection
from compressor.recipe.student import StudentSection
from compressor.recipe.teacher import TeacherSection
from compressor.runtime.outputs import read_outputs
from compressor.tasks.base import Task
from tests import tiny
from tests.distill.conftest import MAX_LENGTH, QUICK, Finished
from tests.distill.test_teacher import accuracy

pytestmark = pytest.mark.gpu

PRECISIONS = ["fp32", "bf16", "fp16"]


@pytest.fixture(autouse=True)
def _on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU here")


def skip_without(precision: str) -> None:
    if precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        pytest.skip("this GPU doesn't compute in bf16")


def label(task: Task, model: Path, data: Path, out: Path, **where: Any) -> np.ndarray:
    """What a model says of the training texts."""
    compute_outputs(task=task, model_folder=model, data=data, max_length=MAX_LENGTH, out=out, events=Silent(), **where)
    return np.asarray(read_outputs(out / "train")["logits"].values, dtype=np.float32)


def student_of(teacher: Path, task: Task, data: Path, outputs: Path, out: Path, **changed: Any) -> dict[str, Any]:
    make_student(
        StudentSection(layers=(0,)),
        task=task,
        init_folder=teacher,
        data=data,
        trained=True,
        seed=1,
        events=Silent(),
        out=out / "start",
    )
    objectives = [{"kind": "soft-targets"}, {"kind": "hidden-states", "weight": 0.1}]
    return distill(
        DistillSection.model_validate(QUICK | {"device": "cuda", "objectives": objectives} | changed),
        task=task,
        student_folder=out / "start" / "model",
        transfer_set=TransferSet(data, outputs),
        teacher_folder=teacher,
        max_length=MAX_LENGTH,
        seed=1,
        out=out / "out",
        events=Silent(),
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_teacher_labels_and_student_are_made_on_a_gpu(precision: str, task: Task, data: Path, tmp_path: Path) -> None:
    skip_without(precision)
    facts = teach(
        TeacherSection.model_validate(
            {"model": "bare", "finetune": QUICK | {"device": "cuda", "precision": precision}}
        ),
        task=task,
        model_folder=tiny.write_encoder(tmp_path / "bare", layers=2),
        data=data,
        max_length=MAX_LENGTH,
        seed=1,
        out=tmp_path / "teacher",
        events=Silent(),
    )
    model = tmp_path / "teacher" / "model"
    assert (facts["device"], facts["precision"]) == ("cuda", precision)
    assert facts["device_peak_mb"] > 0
    assert accuracy(model, data, "test") >= 0.9

    label(task, model, data, tmp_path / "outputs", device="cuda")
    assert len(read_outputs(tmp_path / "outputs" / "train")["logits"]) == len(load_split(data, "train"))
    facts = student_of(model, task, data, tmp_path / "outputs", tmp_path / "student", precision=precision)
    assert (facts["device"], facts["precision"]) == ("cuda", precision)
    losses = [entry["train_loss"] for entry in facts["history"]]
    assert losses[-1] < losses[0]
    assert accuracy(tmp_path / "student" / "out" / "model", data, "test") >= 0.9


@pytest.mark.parametrize("precision", PRECISIONS)
def test_changed_texts_are_learned_from_on_a_gpu_and_a_seed_decides_all(
    precision: str, teacher: Finished, outputs: Finished, task: Task, data: Path, tmp_path: Path
) -> None:
    skip_without(precision)

    def losses(name: str) -> list[float]:
        changed: dict[str, Any] = {"precision": precision, "objectives": [{"kind": "adversarial"}]}
        facts = student_of(teacher.model, task, data, outputs.folder, tmp_path / name, **changed)
        return [entry["train_loss"] for entry in facts["history"]]

    first, again = losses("first"), losses("again")
    assert first[-1] < first[0]
    assert again == pytest.approx(first, rel=1e-2)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 5e-2)])
def test_labels_are_those_of_a_cpu(
    precision: str, tolerance: float, teacher: Finished, task: Task, data: Path, tmp_path: Path
) -> None:
    skip_without(precision)
    there = label(task, teacher.model, data, tmp_path / "cuda", device="cuda", precision=precision)
    here = label(task, teacher.model, data, tmp_path / "cpu", device="cpu", precision="fp32")
    np.testing.assert_allclose(there, here, atol=tolerance * here.std())


def test_activations_that_are_computed_again_give_the_same_student_in_no_more_memory(
    teacher: Finished, outputs: Finished, task: Task, data: Path, tmp_path: Path
) -> None:
    """A model this small has little to keep: the losses tell that it is the same training."""
    settings = {"precision": "fp32", "dropout": 0.0, "epochs": 2, "objectives": [{"kind": "soft-targets"}]}
    kept = student_of(teacher.model, task, data, outputs.folder, tmp_path / "kept", **settings)
    again = student_of(
        teacher.model, task, data, outputs.folder, tmp_path / "again", gradient_checkpointing=True, **settings
    )
    assert again["history"][-1]["train_loss"] == pytest.approx(kept["history"][-1]["train_loss"], rel=1e-2)
    assert again["device_peak_mb"] <= kept["device_peak_mb"]
