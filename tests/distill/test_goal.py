from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from compressor.distill.goal import Goal, unmet
from compressor.recipe.until import UntilSection
from compressor.task_specs import MetricSpec

SHARE = MetricSpec("accuracy", "accuracy")
ERROR = MetricSpec("mse", "mean squared error", unit="number", higher_is_better=False)


def until(**asked: Any) -> UntilSection:
    return UntilSection.model_validate(asked)


@pytest.mark.parametrize(
    ("metric", "student", "teacher", "reached"),
    [
        (SHARE, 0.88, 0.90, True),  # 97.8%
        (SHARE, 0.86, 0.90, False),  # 95.6%
        (ERROR, 1.02, 1.00, True),  # its error is 2% larger: 98.0%
        (ERROR, 1.10, 1.00, False),
        (SHARE, 0.0, 0.0, False),  # nothing can be kept of nothing
    ],
)
def test_a_share_of_the_teachers_quality_is_reached_or_not(
    metric: MetricSpec, student: float, teacher: float, reached: bool
) -> None:
    lacks = unmet(until(quality_retained=">= 0.97"), metric, {metric.name: student}, {metric.name: teacher})
    assert (not lacks) == reached


def test_all_that_is_named_must_hold_at_once() -> None:
    asked = until(quality_retained=">= 0.9", metrics={"f1_macro": ">= 0.8"})
    assert unmet(asked, SHARE, {"accuracy": 0.9, "f1_macro": 0.7}, {"accuracy": 0.9}) == [
        "f1_macro 0.7000, not >= 0.8",
    ]


def test_the_weights_that_reached_the_goal_are_those_that_are_kept() -> None:
    goal = Goal(until(metrics={"f1_macro": ">= 0.8"}), SHARE, {})
    control = SimpleNamespace(should_training_stop=False)
    state = SimpleNamespace(global_step=30, best_global_step=20, best_model_checkpoint="out/checkpoint-20")
    arguments = SimpleNamespace(output_dir="out")
    goal.on_evaluate(arguments, state, control, {"eval_accuracy": 0.9, "eval_f1_macro": 0.7})
    goal.on_save(arguments, state, control)
    assert not control.should_training_stop and state.best_global_step == 20
    goal.on_evaluate(arguments, state, control, {"eval_accuracy": 0.8, "eval_f1_macro": 0.85})
    goal.on_save(arguments, state, control)
    assert control.should_training_stop and goal.reached
    assert (state.best_global_step, state.best_model_checkpoint) == (30, "out/checkpoint-30")
