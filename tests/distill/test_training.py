from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import set_seed

from compressor.distill import callbacks, training
from compressor.distill.architecture import Layout
from compressor.distill.batches import EpochOrder
from compressor.distill.checkpoints import newest_complete, step_of
from compressor.distill.distiller import Distiller
from compressor.distill.objective import Objective
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.distill.signals import LOGITS, Batch, Signals
from compressor.distill.trainer import DistillationTrainer
from compressor.distill.training import train
from compressor.distill.transfer_set import TransferSet
from compressor.errors import TrainingDiverged
from compressor.events import Silent
from compressor.recipe.training import TrainingSection
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from tests.distill.conftest import MAX_LENGTH, QUICK


class Trials:
    """Trainings of one tiny model on one data set; each call changes some settings."""

    def __init__(self, task: Task, model_folder: Path, data: Path) -> None:
        self.task = task
        self.model_folder = model_folder
        self.data = data

    def __call__(
        self, out: Path, objective: Objective | None = None, *, seed: int = 1, **changed: Any
    ) -> dict[str, Any]:
        set_seed(seed)
        model = self.task.load_model(self.model_folder, ["bad", "good"])
        objective = objective or build_objectives([HardLabels(kind="hard-labels")], Layout.of(model.config))[0]
        return train(
            Distiller(model, [objective], task=self.task),
            TrainingSection.model_validate(QUICK | {"epochs": 2} | changed),
            what="trial",
            task=self.task,
            tokenizer=load_tokenizer(self.model_folder),
            transfer_set=TransferSet(self.data),
            max_length=MAX_LENGTH,
            seed=seed,
            out=out,
            events=Silent(),
        )


@pytest.fixture
def trial(task: Task, encoder_folder: Path, data: Path) -> Trials:
    return Trials(task, encoder_folder, data)


def weights(out: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(out / "model" / "model.safetensors")
    return found


class Spoiled(Objective):
    """Cross-entropy that spoils the loss, or only its gradient, from a step on."""

    def __init__(self, step: int, *, factor: float | None = None) -> None:
        super().__init__("spoiled", 1.0, frozenset(), self.spoiled)
        self.step = step
        self.factor = factor
        self.calls = 0

    def spoiled(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        self.calls += 1
        loss = torch.nn.functional.cross_entropy(student[LOGITS], batch["labels"])
        if self.calls < self.step:
            return loss
        if self.factor is not None:
            return loss * self.factor
        return loss + torch.sqrt((student[LOGITS] * 0).sum())  # worth 0, its slope infinite times 0


@pytest.mark.parametrize(
    ("loss", "message"),
    [(math.nan, "the loss became nan"), (math.inf, "the loss became inf"), (None, "the gradient became nan")],
)
def test_training_stops_before_nan_is_learned_and_keeps_the_last_good_checkpoint(
    trial: Trials, tmp_path: Path, loss: float | None, message: str
) -> None:
    with pytest.raises(TrainingDiverged, match=f"trial: {message} at step 14 of 20") as caught:
        trial(tmp_path, Spoiled(14, factor=loss))
    assert caught.value.step == 14
    assert "learning_rate (it is 0.003)" in str(caught.value)
    course = caught.value.course
    assert [step for step, _ in course.training] == [10, 11, 12, 13, 14]
    assert [step for step, _ in course.validation] == [10]
    assert all(math.isfinite(value) for _, value in (*course.training[:-1], *course.validation))
    assert not (tmp_path / "model").exists()
    checkpoint = newest_complete(tmp_path / "checkpoints", Silent())
    assert checkpoint is not None and step_of(checkpoint) == 10
    kept = load_file(checkpoint / "model.safetensors")
    assert all(torch.isfinite(weight).all() for weight in kept.values())


def test_weights_that_overflow_are_caught_by_validation_and_never_saved(trial: Trials, tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match=r"the validation loss became (nan|inf) at step 1 of 2"):
        trial(tmp_path, batch_size=160, learning_rate=1e38, warmup=0, scheduler="constant")
    assert newest_complete(tmp_path / "checkpoints", Silent()) is None


@pytest.mark.parametrize(("scale", "left_out"), [(None, False), (65536.0, True), (1.0, False), (0.5, False)])
def test_gradients_may_overflow_in_fp16_while_the_loss_is_scaled_up(scale: float | None, left_out: bool) -> None:
    """The first steps of fp16 look for a scale that fits, and each that doesn't is left out."""
    scaler = None if scale is None else SimpleNamespace(get_scale=lambda: scale)
    trainer: Any = SimpleNamespace(accelerator=SimpleNamespace(scaler=scaler))
    assert DistillationTrainer._leaves_out_step(trainer) is left_out


def test_early_stopping_ends_training_after_so_many_validations_without_a_better_score(
    trial: Trials, tmp_path: Path
) -> None:
    facts = trial(tmp_path, epochs=9, learning_rate=1e-9, early_stopping=2)
    assert facts["stopped_early"] is True
    assert [entry["step"] for entry in facts["history"]] == [10, 20, 30]
    assert facts["best_step"] == 10
    assert facts["steps_planned"] == 90


@pytest.fixture
def updates() -> Iterator[list[tuple[float, float]]]:
    """Learning rate and norm of the gradient at each update of the weights."""
    seen: list[tuple[float, float]] = []

    def record(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        gradients = [one.grad for group in optimizer.param_groups for one in group["params"] if one.grad is not None]
        seen.append((optimizer.param_groups[0]["lr"], float(torch.nn.utils.get_total_norm(gradients))))

    handle = register_optimizer_step_pre_hook(record)
    yield seen
    handle.remove()


@pytest.mark.parametrize(
    ("scheduler", "share"),
    [
        ("cosine", lambda done: (1 + math.cos(math.pi * done)) / 2),
        ("linear", lambda done: 1 - done),
        ("constant", lambda done: 1.0),
    ],
)
def test_the_learning_rate_warms_up_and_falls_as_the_scheduler_says(
    trial: Trials, tmp_path: Path, updates: list[tuple[float, float]], scheduler: str, share: Callable[[float], float]
) -> None:
    trial(tmp_path, epochs=2, learning_rate=0.01, warmup=0.25, scheduler=scheduler)
    expected = [step / 5 if step < 5 else share((step - 5) / 15) for step in range(20)]
    assert [rate for rate, _ in updates] == pytest.approx([0.01 * one for one in expected])


def test_gradients_are_clipped_to_the_norm(trial: Trials, tmp_path: Path, updates: list[tuple[float, float]]) -> None:
    trial(tmp_path / "free", epochs=1, max_grad_norm=1e6)
    norms = [norm for _, norm in updates]
    updates.clear()
    trial(tmp_path / "clipped", epochs=1, max_grad_norm=0.01)
    assert len(updates) == len(norms) == 10
    assert min(norms) > 0.01, "else there is nothing to clip"
    assert [norm for _, norm in updates] == pytest.approx([0.01] * 10, rel=1e-3)


def test_with_automatic_epochs_early_stopping_waits_for_the_two_hundredth_step(
    trial: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "FEWEST_STEPS", 25)  # two hundred take long
    facts = trial(tmp_path, epochs="auto", learning_rate=1e-9, early_stopping=1)
    assert facts["stopped_early"] is True
    assert [entry["step"] for entry in facts["history"]] == [10, 20, 30]


def test_a_training_says_what_should_be_looked_at(trial: Trials, tmp_path: Path) -> None:
    facts = trial(tmp_path, learning_rate=1e-9)
    assert facts["batch_size"] == 16
    assert [words for words in ("nothing was learned", "20 steps are few") if words in " ".join(facts["warnings"])]


def test_validations_fall_evenly_in_each_epoch_and_one_at_its_end(trial: Trials, tmp_path: Path) -> None:
    facts = trial(tmp_path, evaluations_per_epoch=3)
    assert [entry["step"] for entry in facts["history"]] == [4, 7, 10, 14, 17, 20]


def test_the_last_step_of_a_broken_epoch_is_validated_once(trial: Trials, tmp_path: Path) -> None:
    facts = trial(tmp_path, epochs=1.5, evaluations_per_epoch=2)
    assert [entry["step"] for entry in facts["history"]] == [5, 10, 15]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(trial: Trials, tmp_path: Path) -> None:
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        trial(tmp_path / name, seed=seed, epochs=1)
    first, again, other = (weights(tmp_path / name) for name in ("first", "again", "other"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])


def test_accumulated_steps_train_as_one_large_batch(trial: Trials, tmp_path: Path) -> None:
    whole = trial(tmp_path / "whole", dropout=0.0, batch_size=16)
    parts = trial(tmp_path / "parts", dropout=0.0, batch_size=8, gradient_accumulation=2)
    assert whole["steps"] == parts["steps"] == 20
    for one, two in zip(whole["history"], parts["history"], strict=True):
        assert one["train_loss"] == pytest.approx(two["train_loss"], rel=0.02)
        assert one["objectives"]["hard-labels"] == pytest.approx(two["objectives"]["hard-labels"], rel=0.02)


class Clock:
    """Time as the test makes it pass: a second a step and an hour an evaluation, a checkpoint or a pause."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(callbacks, "time", SimpleNamespace(perf_counter=lambda: self.now))
        for name, seconds in (("training_step", 1), ("evaluate", 3600), ("_save_checkpoint", 3600)):
            monkeypatch.setattr(DistillationTrainer, name, self._taking(seconds, getattr(DistillationTrainer, name)))

    def _taking(self, seconds: float, method: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*args: Any, **kwargs: Any) -> Any:
            self.now += seconds
            return method(*args, **kwargs)

        return slow


def test_examples_a_second_leave_out_evaluations_and_checkpoints(
    trial: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    facts = trial(tmp_path, evaluations_per_epoch=2)
    assert (facts["examples_per_second"], facts["epochs"]) == (16, 2)


def test_examples_a_second_are_those_of_the_whole_training_after_a_resume(
    trial: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TrainingDiverged):
        trial(tmp_path, Spoiled(14, factor=math.nan))
    log = json.loads((tmp_path / "checkpoints" / "checkpoint-10" / "trainer_state.json").read_text(encoding="utf-8"))
    before = next(entry["seconds"] for entry in log["log_history"] if "objectives" in entry)
    Clock(monkeypatch)
    facts = trial(tmp_path, Spoiled(1, factor=1.0))
    assert facts["resumed_from_step"] == 10
    assert facts["examples_per_second"] == pytest.approx(320 / (before + 10), abs=0.1)


def test_bf16_trains_fp32_weights(trial: Trials, tmp_path: Path) -> None:
    facts = trial(tmp_path, precision="bf16", epochs=1)
    assert facts["precision"] == "bf16"
    assert {weight.dtype for weight in weights(tmp_path).values()} == {torch.float32}


def test_nothing_is_printed(trial: Trials, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trial(tmp_path, epochs=1)
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


@pytest.mark.parametrize("lengths", [None, [(7 * i) % 40 + 3 for i in range(64)]])
def test_the_order_depends_on_seed_and_epoch_alone(lengths: list[int] | None) -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = EpochOrder(64, lengths, 8, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert sorted(order(1, 0)) == list(range(64))
    assert order(1, 2) == order(1, 2)
    assert order(1, 0) != order(1, 1) != order(2, 1)


def test_grouped_batches_hold_texts_of_like_length() -> None:
    lengths = [(7 * i) % 40 + 3 for i in range(640)]

    def padding(order: list[int]) -> int:
        batches = [[lengths[i] for i in order[start : start + 8]] for start in range(0, 640, 8)]
        return sum(max(batch) * len(batch) - sum(batch) for batch in batches)

    grouped, shuffled = list(EpochOrder(640, lengths, 8, 1)), list(EpochOrder(640, None, 8, 1))
    assert padding(grouped) < 0.3 * padding(shuffled)


def test_lower_layers_change_less_than_upper_ones_under_layer_decay(trial: Trials, tmp_path: Path) -> None:
    even = trial(tmp_path / "even", epochs=1, dropout=0.0)
    trial(tmp_path / "decayed", epochs=1, dropout=0.0, layer_decay=0.1)
    set_seed(1)
    start = trial.task.load_model(trial.model_folder, ["bad", "good"]).state_dict()

    def moved(out: Path, part: str) -> float:
        after = weights(out)
        return sum(float((after[name] - start[name]).abs().sum()) for name in after if part in name)

    assert even["steps"] > 1
    assert moved(tmp_path / "decayed", "embeddings") < 0.1 * moved(tmp_path / "even", "embeddings")
    assert moved(tmp_path / "decayed", "classifier") > 0.5 * moved(tmp_path / "even", "classifier")


def test_dropout_holds_while_it_trains_and_the_saved_config_keeps_its_own(trial: Trials, tmp_path: Path) -> None:
    without = [trial(tmp_path / name, epochs=1, dropout=0.0)["history"][0]["train_loss"] for name in ("a", "b")]
    much = trial(tmp_path / "much", epochs=1, dropout=0.6)["history"][0]["train_loss"]
    assert without[0] == without[1] != much
    kept = json.loads((tmp_path / "much" / "model" / "config.json").read_text())
    assert (
        kept["hidden_dropout_prob"]
        == json.loads((trial.model_folder / "config.json").read_text())["hidden_dropout_prob"]
    )
