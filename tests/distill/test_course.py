from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from compressor.distill.callbacks import EarlyStopping, Guessing
from compressor.distill.course import concerns, loss_of_a_guess, no_better_than_constant
from compressor.events import Silent
from compressor.recipe.training import Schedule
from compressor.task_specs import OutputSpec, task_spec

GUESS = math.log(4)
SCHEDULE = Schedule(2, 32, 100)


def course(steps: int = 400, planned: int | None = None, loss: float = 0.2) -> dict[str, Any]:
    planned = steps if planned is None else planned
    return {
        "steps": steps,
        "steps_planned": planned,
        "stopped_early": steps < planned,
        "validation": {"loss": loss, "accuracy": 0.5},
    }


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            course(loss=1.38),
            "The loss on validation is 1.380, that of a guess among 4 labels (1.386): nothing was learned",
        ),
        (course(loss=5.0), "nothing was learned. Change learning_rate (it is 5e-05)"),
        (
            course(steps=48),
            "48 steps are few, under about 200 a model has hardly begun to learn. Raise epochs (they are 2)",
        ),
        (course(steps=48, planned=200), "Early stopping ended it after 48 of 200 steps"),
    ],
)
def test_what_went_wrong_is_said_with_what_to_change(found: dict[str, Any], words: str) -> None:
    (said,) = concerns(found, SCHEDULE, learning_rate=5e-5, guess=GUESS)
    assert words in said


@pytest.mark.parametrize("found", [course(), course(steps=200), course(steps=300, planned=900)])
def test_a_training_that_learned_is_left_alone(found: dict[str, Any]) -> None:
    assert concerns(found, SCHEDULE, learning_rate=5e-5, guess=GUESS) == []


def test_only_a_cross_entropy_over_labels_has_a_guess() -> None:
    spec = task_spec("text-classification")
    assert loss_of_a_guess(spec, 4) == pytest.approx(GUESS)
    assert loss_of_a_guess(task_spec("multi-label-classification"), 4) is None
    assert loss_of_a_guess(replace(spec, named_outputs=False), 4) is None
    assert loss_of_a_guess(replace(spec, outputs=(OutputSpec("values", "value"),)), 4) is None
    assert concerns(course(loss=9.0), SCHEDULE, learning_rate=5e-5, guess=None) == []


class Heard(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class State:
    def __init__(self, step: int) -> None:
        self.global_step, self.max_steps = step, 1000


def test_a_loss_that_stays_at_a_guess_is_said_while_there_is_time_once() -> None:
    heard = Heard()
    callback = Guessing("teacher", GUESS, heard)
    for step, loss in ((100, 1.39), (200, 1.39), (300, 1.39), (1000, 1.39)):
        callback.on_evaluate(None, State(step), None, {"eval_loss": loss})
    (said,) = heard.warnings
    assert "teacher: after 200 of 1000 steps the loss on validation is 1.390, still that of a guess (1.386)" in said


def test_a_loss_that_falls_is_not_remarked() -> None:
    heard = Heard()
    Guessing("teacher", GUESS, heard).on_evaluate(None, State(300), None, {"eval_loss": 1.2})
    assert heard.warnings == []


def test_early_stopping_is_made_anew_from_what_a_checkpoint_keeps() -> None:
    kept = EarlyStopping(2, first_step=200).state()
    again = EarlyStopping(**kept["args"])
    assert (again.early_stopping_patience, again.first_step) == (2, 200)


@pytest.mark.parametrize(
    ("task", "validation", "base", "told"),
    [
        ("multi-label-classification", {"f1_micro": 0.4}, {"f1_micro": 0.4}, True),
        ("multi-label-classification", {"f1_micro": 0.41}, {"f1_micro": 0.4}, False),
        ("regression", {"spearman": -0.1, "mse": 2.0}, {"spearman": 0.0, "mse": 1.0}, True),
        ("question-answering", {"f1": 0.2}, {"exact_match": 0.5}, False),
    ],
)
def test_a_training_of_any_task_that_is_no_better_than_one_answer_to_all_is_told(
    task: str, validation: dict[str, float], base: dict[str, float], told: bool
) -> None:
    said = no_better_than_constant(validation, ("the same", base), task_spec(task))
    assert (said is not None) == told
    found = concerns(course(), SCHEDULE, learning_rate=5e-5, guess=None, constant=said)
    assert [one for one in found if "always giving the same: nothing of use was learned" in one] == found
    assert bool(found) == told
