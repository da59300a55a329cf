"""Private training: no example moves the weights further than its clip, and nothing else of it is seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import set_seed

pytest.importorskip("opacus", reason="needs the extra private")

from compressor.distill.architecture import Layout
from compressor.distill.batches import PoissonBatches
from compressor.distill.distill import distill
from compressor.distill.distiller import Distiller
from compressor.distill.objective import Objective
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.distill.privacy import Privacy
from compressor.distill.private_trainer import PrivateOptimizer, PrivateTrainer
from compressor.distill.student import make_student
from compressor.distill.training import train
from compressor.distill.transfer_set import TransferSet
from compressor.errors import TrainingDiverged
from compressor.events import Silent
from compressor.recipe.distill import DistillSection
from compressor.recipe.student import StudentSection
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from tests.distill import killed
from tests.distill.conftest import MAX_LENGTH, QUICK
from tests.distill.shared import EndAt, Ended
from tests.distill.test_training import Spoiled, weights
from tests.distill.worlds import questions_world

QUIET = Privacy(noise_multiplier=1e-9, max_grad_norm=1.0, delta=1e-5, sample_rate=0.5, steps=1, examples=8)
"""Hardly any noise: what is left is what the examples say. Four a step."""


def optimizer(weight: torch.nn.Parameter, privacy: Privacy = QUIET) -> PrivateOptimizer:
    return PrivateOptimizer(torch.optim.SGD([weight], lr=1.0), privacy)


def test_each_example_is_clipped_by_itself_and_the_sum_divided_by_the_number_expected() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    private = optimizer(weight)
    for gradient in ([30.0, 40.0], [0.0, 0.5]):
        weight.grad = torch.tensor(gradient)
        private.take()
        assert weight.grad is None
    private.step()
    assert weight.tolist() == pytest.approx([-0.6 / 4, -(0.8 + 0.5) / 4], abs=1e-5)
    weight.grad = torch.tensor([0.0, 0.4])
    private.take()
    private.step()
    assert weight[0].item() == pytest.approx(-0.6 / 4, abs=1e-5), "the step before is forgotten"


def test_every_step_has_noise_of_the_given_strength_whether_an_example_was_taken_or_not() -> None:
    weight = torch.nn.Parameter(torch.zeros(200_000))
    private = optimizer(weight, Privacy(2.0, 3.0, 1e-5, sample_rate=0.5, steps=1, examples=8))
    private.step()
    assert weight.std().item() == pytest.approx(2.0 * 3.0 / 4, rel=0.02)
    assert weight.mean().item() == pytest.approx(0.0, abs=0.02)


def test_noise_does_not_come_from_the_seed_of_the_recipe() -> None:
    drawn = []
    for _ in range(2):
        set_seed(1)
        weight = torch.nn.Parameter(torch.zeros(4))
        optimizer(weight, Privacy(1.0, 1.0, 1e-5, sample_rate=0.5, steps=1, examples=8)).step()
        drawn.append(weight.detach())
    assert not torch.equal(*drawn)


def test_an_example_is_drawn_as_often_as_its_rate_says_whole_and_whatever_else_is() -> None:
    examples = np.array([0, 1, 1, 1, 2, 3, 3])
    batches = PoissonBatches(examples, rate=0.3, steps=4000)
    drawn = list(batches)
    assert len(drawn) == len(batches) == 4000
    assert all(batch.count(1) == batch.count(2) == batch.count(3) for batch in drawn)
    taken = np.array([[row in batch for row in (0, 1, 4, 5)] for batch in drawn])
    assert taken.mean(axis=0) == pytest.approx(0.3, abs=0.04)
    assert np.corrcoef(taken.T) == pytest.approx(np.eye(4), abs=0.08)
    assert (~taken.any(axis=1)).mean() == pytest.approx(0.7**4, abs=0.04)


def test_a_step_may_be_parted_into_batches() -> None:
    batches = PoissonBatches(np.arange(100), rate=1.0, steps=2, parts=3)
    drawn = list(batches)
    assert len(batches) == len(drawn) == 6
    assert [sum(map(len, drawn[:3])), sum(map(len, drawn[3:]))] == [100, 100]
    assert sorted(number for one in drawn[:3] for number in one) == list(range(100))


Trial = Callable[..., dict[str, Any]]


@pytest.fixture
def trial(task: Task, encoder_folder: Path, data: Path) -> Trial:
    """Trains a tiny model privately; each call changes some settings."""

    def run(out: Path, objective: Objective | None = None, **changed: Any) -> dict[str, Any]:
        set_seed(1)
        model = task.load_model(encoder_folder, ["bad", "good"])
        objective = objective or build_objectives([HardLabels(kind="hard-labels")], Layout.of(model.config))[0]
        settings = {"epochs": 1, "privacy": {"noise_multiplier": 1.0, "delta": 1e-3}}
        return train(
            Distiller(model, [objective], task=task),
            DistillSection.model_validate(QUICK | settings | changed),
            what="trial",
            task=task,
            tokenizer=load_tokenizer(encoder_folder),
            transfer_set=TransferSet(data),
            max_length=MAX_LENGTH,
            seed=1,
            out=out,
            events=Silent(),
        )

    return run


def test_what_a_batch_adds_is_the_sum_of_what_each_of_its_examples_adds_alone(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the architecture: this one has position embeddings, which all rows of a batch share."""
    seen: list[tuple[float, float]] = []
    learn = PrivateTrainer.learn

    def compared(self: PrivateTrainer, model: Any, inputs: Any, number: Any = None) -> torch.Tensor:
        loss = learn(self, model, inputs, number)
        summed = {name: one.summed_grad.clone() for name, one in model.named_parameters()}
        alone = {name: torch.zeros_like(one) for name, one in summed.items()}
        for example in inputs["examples"]:
            assert len(example["input_ids"]) == 1
            gradients = torch.autograd.grad(model(**example)["loss"], list(model.parameters()), allow_unused=True)
            known = [torch.zeros(1) if one is None else one for one in gradients]
            factor = min(1.0, self.privacy.max_grad_norm / float(torch.nn.utils.get_total_norm(known)))
            for name, gradient in zip(alone, known, strict=True):
                alone[name] += factor * gradient
        seen.append((max(float((alone[name] - summed[name]).abs().max()) for name in alone), len(inputs["examples"])))
        return loss

    monkeypatch.setattr(PrivateTrainer, "learn", compared)
    trial(tmp_path, epochs=0.1, dropout=0, privacy={"noise_multiplier": 1.0, "delta": 1e-3, "max_grad_norm": 0.1})
    ((difference, count),) = seen
    assert difference < 1e-5 and count > 1


def test_all_rows_of_a_long_example_are_learned_from_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked about has one context, in however many windows it is read."""
    seen: list[tuple[int, int]] = []
    learn = PrivateTrainer.learn

    def watched(self: PrivateTrainer, model: Any, inputs: Any, number: Any = None) -> torch.Tensor:
        seen.extend((len(set(one["example_id"].tolist())), len(one["row_id"])) for one in inputs["examples"])
        return learn(self, model, inputs, number)

    monkeypatch.setattr(PrivateTrainer, "learn", watched)
    world = questions_world(tmp_path)
    make_student(
        StudentSection(init="student"),
        task=world.task,
        init_folder=world.teacher,
        data=world.data,
        trained=True,
        seed=1,
        out=tmp_path / "made",
        events=Silent(),
    )
    settings = QUICK | {"epochs": 0.1, "batch_size": 32, "privacy": {"noise_multiplier": 1.0, "delta": 1e-3}}
    facts = distill(
        DistillSection.model_validate(settings | {"objectives": [{"kind": "hard-labels"}]}),
        task=world.task,
        student_folder=tmp_path / "made" / "model",
        transfer_set=TransferSet(world.data),
        teacher_folder=None,
        max_length=world.max_length,
        seed=1,
        out=tmp_path / "out",
        events=Silent(),
    )
    assert facts["privacy"]["examples"] == 320
    assert {examples for examples, _ in seen} == {1}
    assert {rows for _, rows in seen} == {1, 2}


def test_a_training_that_ends_early_is_accounted_for_as_planned(trial: Trial, tmp_path: Path) -> None:
    facts = trial(tmp_path, evaluations_per_epoch=5, learning_rate=1e-9, early_stopping=1)
    assert facts["stopped_early"] and facts["steps"] == 4
    assert facts["privacy"]["steps"] == facts["steps_planned"] == 10


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_steps_that_took_nothing_and_steps_in_parts_are_trained_as_any_other(
    trial: Trial, tmp_path: Path, precision: str
) -> None:
    few = {"epochs": 0.1, "batch_size": 1, "gradient_accumulation": 2, "precision": precision}
    facts = trial(tmp_path, **few)
    assert facts["steps"] == facts["privacy"]["steps"] == 8
    assert facts["privacy"]["examples_a_step"] == 2
    assert all(torch.isfinite(weight).all() for weight in weights(tmp_path).values())


def test_a_training_stops_before_nan_is_learned(trial: Trial, tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match=r"trial: the gradient became nan at step \d+ of 10"):
        trial(tmp_path, Spoiled(5))


def test_a_resumed_training_takes_the_steps_that_were_planned_and_spends_no_more(
    data: Path, classifier_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(data, tmp_path / "data")
    shutil.copytree(classifier_folder, tmp_path / "teacher")
    changed: dict[str, Any] = {
        "epochs": 1,
        "evaluations_per_epoch": 5,
        "objectives": [{"kind": "hard-labels"}],
        "privacy": {"noise_multiplier": 1.0, "delta": 1e-3},
    }
    with pytest.raises(Ended):
        killed.train(tmp_path, tmp_path / "out", EndAt(0.4), **changed)
    facts = killed.train(tmp_path, tmp_path / "out", Silent(), **changed)
    assert facts["resumed_from_step"] == 2
    assert facts["steps"] == facts["privacy"]["steps"] == 10
