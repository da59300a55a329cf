from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor.distill.architecture import Layout
from compressor.distill.builders.layers import keep_layers
from compressor.distill.distiller import Distiller
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.distill.objectives.hidden_states import HiddenStates
from compressor.distill.objectives.soft_targets import SoftTargets
from compressor.distill.outputs import LiveOutputs, TeacherOutputs
from compressor.distill.signals import HIDDEN_STATES, LOGITS, Batch, Signal, Signals
from compressor.errors import RecipeError
from compressor.recipe.distill import OBJECTIVES
from compressor.recipe.scheduled import Ramp
from compressor.tasks.base import Task
from tests.distill.builders.test_layers import CONFIGS, make_model

LABELS = ["bad", "good"]
BATCH = {
    "input_ids": torch.tensor([[2, 5, 20, 21, 3], [2, 11, 22, 3, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]),
    "token_type_ids": torch.zeros(2, 5, dtype=torch.long),
    "labels": torch.tensor([1, 0]),
    "length": torch.tensor([5, 4]),
    "example_id": torch.tensor([7, 3]),
    "row_id": torch.tensor([7, 3]),
}
ALONE: list[dict[str, Any]] = [
    {"kind": "soft-targets", "temperature": {"start": 4, "end": 1}},
    {"kind": "dkd"},
    {"kind": "embeddings"},
    {"kind": "cosine"},
    {"kind": "attention"},
    {"kind": "relations"},
    {"kind": "r-drop"},
    {"kind": "mixup"},
    {"kind": "adversarial"},
]
ALL = [
    SoftTargets(kind="soft-targets", weight=0.9),
    HardLabels(kind="hard-labels", weight=0.1),
    HiddenStates(kind="hidden-states", weight=0.5),
]


class LogitsOnly(TeacherOutputs):
    provides = frozenset({LOGITS})

    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        return {LOGITS: {"logits": torch.zeros(len(batch["labels"]), 2)}}


@pytest.fixture
def student(task: Task, encoder_folder: Path) -> Any:
    torch.manual_seed(1)
    return task.load_model(encoder_folder, LABELS)


@pytest.fixture
def teacher(task: Task, classifier_folder: Path) -> Any:
    return task.load_model(classifier_folder, LABELS)


def make(student: Any, configs: Any, teacher: TeacherOutputs | None, task: Task) -> Distiller:
    layout = Layout.of(student.config)
    return Distiller(student, build_objectives(configs, layout, layout), task=task, teacher=teacher)


def test_the_loss_is_the_weighted_sum_of_the_objectives(student: Any, teacher: Any, task: Task) -> None:
    distiller = make(student, ALL, LiveOutputs(teacher, task), task).train()
    loss = distiller(**BATCH)["loss"]
    means = distiller.means()
    assert set(means) == {"soft-targets", "hard-labels", "hidden-states"}
    expected = 0.9 * means["soft-targets"] + 0.1 * means["hard-labels"] + 0.5 * means["hidden-states"]
    assert loss.item() == pytest.approx(expected) == pytest.approx(distiller.mean_loss())


def test_gradients_reach_student_and_projections_but_not_the_teacher(student: Any, teacher: Any, task: Task) -> None:
    distiller = make(student, ALL, LiveOutputs(teacher.train(), task), task).train()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    distiller(**BATCH)["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in distiller.objectives.parameters())
    assert student.bert.encoder.layer[0].output.dense.weight.grad.abs().sum() > 0
    assert student.classifier.weight.grad.abs().sum() > 0
    assert all(p.grad is None for p in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_the_teacher_stays_in_eval_mode_and_out_of_checkpoints(student: Any, teacher: Any, task: Task) -> None:
    distiller = make(student, ALL, LiveOutputs(teacher.train(), task), task).train()
    distiller(**BATCH)
    assert not any(module.training for module in teacher.modules())
    owners = {name.partition(".")[0] for name in distiller.state_dict()}
    assert owners == {"student", "objectives"}
    assert not {id(p) for p in distiller.parameters()} & {id(p) for p in teacher.parameters()}


def test_evaluation_is_the_cross_entropy_of_the_data_and_asks_no_teacher(student: Any, task: Task) -> None:
    class Unasked(LogitsOnly):
        def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
            raise AssertionError("asked in evaluation")

    distiller = make(student, ALL[:2], Unasked(), task).eval()
    output = distiller(**BATCH)
    probabilities = torch.softmax(output["logits"].detach(), dim=-1)
    expected = -(math.log(probabilities[0, 1]) + math.log(probabilities[1, 0])) / 2
    assert output["loss"].item() == pytest.approx(expected, rel=1e-5)
    assert distiller.means() == {}


def test_losses_are_computed_in_fp32_under_autocast(student: Any, teacher: Any, task: Task) -> None:
    seen: list[torch.dtype] = []
    distiller = make(student, ALL, LiveOutputs(teacher, task), task).train()
    distiller.objectives[0].register_forward_hook(
        lambda module, inputs, output: seen.extend([inputs[0][LOGITS].dtype, inputs[1][LOGITS].dtype, output.dtype])
    )
    distiller.objectives[2].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        output = distiller(**BATCH)
    with torch.autocast("cpu", torch.bfloat16):
        assert student(**{name: BATCH[name] for name in ("input_ids", "attention_mask")}).logits.dtype == torch.bfloat16
    assert output["loss"].dtype == torch.float32
    assert set(seen) == {torch.float32}


def test_means_are_over_the_batches_since_they_were_forgotten(student: Any, task: Task) -> None:
    distiller = make(student, [HardLabels(kind="hard-labels")], None, task).train()
    losses = [distiller(**BATCH)["loss"].item() for _ in range(3)]
    assert distiller.means()["hard-labels"] == pytest.approx(sum(losses) / 3)
    distiller.forget()
    last = distiller(**BATCH)["loss"].item()
    assert distiller.means()["hard-labels"] == pytest.approx(last)


def test_one_kind_used_twice_is_told_apart(student: Any, task: Task) -> None:
    configs = [SoftTargets(kind="soft-targets", temperature=t) for t in (1.0, 4.0)]
    distiller = make(student, configs, LogitsOnly(), task).train()
    distiller(**BATCH)
    first, second = distiller.means().values()
    assert list(distiller.means()) == ["soft-targets-1", "soft-targets-2"]
    assert first != second


def test_asking_a_source_for_what_it_lacks_is_refused(student: Any, task: Task) -> None:
    with pytest.raises(RecipeError) as caught:
        make(student, ALL, LogitsOnly(), task)
    (problem,) = caught.value.problems
    assert problem.path == "distill.objectives.2"
    assert problem.message == "hidden-states needs the teacher's hidden states; what is there has logits only."


def test_mixtures_are_answered_by_no_stored_outputs(student: Any, task: Task) -> None:
    with pytest.raises(RecipeError, match=r"mixup needs the teacher's logits of mixed texts; .* has logits only"):
        make(student, [OBJECTIVES.get("mixup")(kind="mixup")], LogitsOnly(), task)


def test_objectives_that_ask_a_teacher_are_refused_without_one(student: Any, task: Task) -> None:
    with pytest.raises(RecipeError) as caught:
        make(student, ALL, None, task)
    assert [problem.path for problem in caught.value.problems] == ["distill.objectives.0", "distill.objectives.2"]
    assert "there is no teacher" in str(caught.value)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_every_architecture_trains_on_all_objectives(architecture: str, task: Task) -> None:
    teacher, student = make_model(architecture, labels=2), keep_layers(make_model(architecture, labels=2), [0, 1])
    objectives = build_objectives(ALL, Layout.of(student.config), Layout.of(teacher.config))
    distiller = Distiller(student, objectives, task=task, teacher=LiveOutputs(teacher, task)).train()
    batch = {name: tensor for name, tensor in BATCH.items() if name != "token_type_ids"}
    distiller(**batch)["loss"].backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in distiller.objectives.parameters())
    assert sum(p.grad.abs().sum() for p in student.parameters() if p.grad is not None) > 0


@pytest.mark.parametrize("config", ALONE, ids=lambda config: str(config["kind"]))
@pytest.mark.parametrize("architecture", ["Bert", "GPT2", "MPNet"])
def test_a_student_that_is_trained_on_one_objective_alone_comes_nearer(
    config: dict[str, Any], architecture: str, task: Task
) -> None:
    torch.manual_seed(0)
    teacher, student = make_model(architecture, labels=2), keep_layers(make_model(architecture, labels=2), [0, 1])
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    configs = [OBJECTIVES.get(config["kind"]).model_validate(config)]
    objectives = build_objectives(configs, Layout.of(student.config), Layout.of(teacher.config))
    distiller = Distiller(student, objectives, task=task, teacher=LiveOutputs(teacher, task)).train()
    batch = {name: tensor for name, tensor in BATCH.items() if name != "token_type_ids"}
    optimizer = torch.optim.Adam(distiller.parameters(), lr=2e-3)
    losses = []
    for _ in range(40):
        torch.manual_seed(1)  # the same dropout each time
        loss = distiller(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert 0 <= losses[-1] < 0.8 * losses[0]


def test_a_weight_may_change_while_the_student_is_trained(student: Any, task: Task) -> None:
    ramp = Ramp(start=1.0, end=0.0)
    distiller = make(student, [HardLabels(kind="hard-labels", weight=ramp)], None, task).train()
    losses = []
    for distiller.progress in (0.0, 0.25, 1.0):
        torch.manual_seed(0)
        losses.append(distiller(**BATCH)["loss"].item())
    assert losses == pytest.approx([losses[0], 0.75 * losses[0], 0.0])


def test_nothing_is_computed_or_asked_for_an_objective_while_its_weight_is_0(
    student: Any, teacher: Any, task: Task
) -> None:
    asked: list[frozenset[Signal]] = []

    class Watched(LiveOutputs):
        def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
            asked.append(wanted)
            return super().read(batch, wanted)

    fading = Ramp(start=1.0, end=0.0, over=(0.0, 0.5))
    configs = [
        SoftTargets(kind="soft-targets"),
        HiddenStates(kind="hidden-states", weight=fading),
        OBJECTIVES.get("r-drop")(kind="r-drop", weight=fading),
    ]
    distiller = make(student, configs, Watched(teacher, task), task).train()
    distiller(**BATCH)
    assert set(distiller.means()) == {"soft-targets", "hidden-states", "r-drop"}
    passes: list[int] = []
    student.register_forward_hook(lambda *_: passes.append(1))
    distiller.forget()
    distiller.progress = 0.5
    loss = distiller(**BATCH)["loss"]
    assert asked == [frozenset({LOGITS, HIDDEN_STATES}), frozenset({LOGITS})]
    assert len(passes) == 1, "no second pass for r-drop"
    assert distiller.means() == {"soft-targets": pytest.approx(loss.item())}, (
        "the mean of what wasn't computed is left out"
    )


def test_the_mean_of_an_objective_is_over_the_batches_that_it_was_computed_for(student: Any, task: Task) -> None:
    ramp = Ramp(start=1.0, end=0.0, over=(0.0, 0.5))
    distiller = make(student, [HardLabels(kind="hard-labels", weight=ramp)], None, task).train()
    losses = []
    for distiller.progress in (0.0, 0.9, 1.0):
        loss = distiller(**BATCH)["loss"]
        loss.backward()
        losses.append(loss.item())
    assert losses[1:] == [0.0, 0.0]
    assert distiller.means()["hard-labels"] == pytest.approx(losses[0])


def test_a_second_pass_is_made_in_training_alone(student: Any, task: Task) -> None:
    calls: list[bool] = []
    student.register_forward_hook(lambda *_: calls.append(student.training))
    distiller = make(student, [OBJECTIVES.get("r-drop")(kind="r-drop")], None, task)
    distiller.train()(**BATCH)
    distiller.eval()(**BATCH)
    assert calls == [True, True, False]


def test_mixtures_are_made_in_training_alone(student: Any, teacher: Any, task: Task) -> None:
    calls: list[bool] = []
    teacher.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    distiller = make(student, [OBJECTIVES.get("mixup")(kind="mixup")], LiveOutputs(teacher, task), task)
    distiller.train()(**BATCH)
    distiller.eval()(**BATCH)
    assert calls == [False], "asked once, about the mixtures"
