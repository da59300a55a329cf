"""How a training went: its history, and in plain words what of it should make its user think."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from compressor.recipe.training import FEWEST_STEPS, Schedule
from compressor.task_specs import TaskSpec

__all__ = ["concerns", "course", "is_guess", "loss_of_a_guess", "no_better_than_constant"]

LEARNED_NOTHING = 0.03
"""A loss within this share of ln(classes), or above it, is that of a guess."""


def loss_of_a_guess(spec: TaskSpec, classes: int) -> float | None:
    """ln(classes), the cross-entropy of a model that gives each the same probability; None where the loss isn't the
    cross-entropy of so many classes."""
    categorical = all(output.likelihood == "categorical" for output in spec.outputs)
    return math.log(classes) if categorical and spec.named_outputs and classes > 1 else None


def is_guess(loss: float, guess: float | None) -> bool:
    """Whether a loss on validation is no better than that of a guess."""
    return guess is not None and loss >= guess * (1 - LEARNED_NOTHING)


def no_better_than_constant(
    validation: Mapping[str, float], constant: tuple[str, Mapping[str, float]] | None, spec: TaskSpec
) -> str | None:
    """What to say of a model whose main metric is no better than that of one answer to all; None where it is better, or
    nobody knows.

    Args:
        constant: that answer, in words, and its metrics.
    """
    metric = next((one for one in spec.metrics if one.name in validation), None)
    if metric is None or constant is None or metric.name not in constant[1]:
        return None
    mine, base = validation[metric.name], constant[1][metric.name]
    if mine > base if metric.higher_is_better else mine < base:
        return None
    return (
        f"Its {metric.title} on validation is {mine:.3f}, no better than the {base:.3f} of always giving {constant[0]}"
    )


def concerns(
    found: Mapping[str, Any],
    schedule: Schedule,
    *,
    learning_rate: float,
    guess: float | None,
    constant: str | None = None,
) -> list[str]:
    """Sentences about a training that learned nothing, was short or ended early, each with what to change.

    Args:
        found: what `course` returns.
        guess: see `loss_of_a_guess`.
        constant: see `no_better_than_constant`.
    """
    said = []
    steps, planned = found["steps"], found["steps_planned"]
    loss = found["validation"].get("loss")
    if loss is not None and guess is not None and is_guess(loss, guess):
        said.append(
            f"The loss on validation is {loss:.3f}, that of a guess among {round(math.exp(guess))} labels "
            f"({guess:.3f}): nothing was learned. {_otherwise(learning_rate)}"
        )
    elif constant is not None:
        said.append(f"{constant}: nothing of use was learned. {_otherwise(learning_rate)}")
    if found.get("reached_goal"):
        return said
    if found["stopped_early"] and steps < FEWEST_STEPS:
        said.append(
            f"Early stopping ended it after {steps} of {planned} steps, and under about {FEWEST_STEPS} a model has "
            "hardly begun to learn. Raise early_stopping, or set it to null."
        )
    elif steps < FEWEST_STEPS:
        said.append(
            f"{steps} steps are few, under about {FEWEST_STEPS} a model has hardly begun to learn. Raise epochs (they "
            f"are {schedule.epochs:g}), lower batch_size (it is {schedule.batch_size}), or add texts."
        )
    return said


def _otherwise(learning_rate: float) -> str:
    return f"Change learning_rate (it is {learning_rate:g}), train longer, and look whether labels fit their texts."


def course(trainer: Any) -> dict[str, Any]:
    """How the training went, from the Trainer's log, which survives a resume: one entry an evaluation, and totals."""
    history: dict[int, dict[str, Any]] = {}
    training: dict[str, Any] = {}
    samples, training_seconds, seconds = 0, 0.0, 0.0
    for entry in trainer.state.log_history:
        if "objectives" in entry:
            training = entry
            samples += entry["samples"]
            training_seconds += entry["seconds"]
        elif "eval_loss" in entry:
            seconds += entry["eval_runtime"]
            history[entry["step"]] = {
                "epoch": round(entry["epoch"], 3),
                "step": entry["step"],
                "train_loss": training["loss"],
                "objectives": training["objectives"],
                "validation": {name.removeprefix("eval_"): entry[name] for name in entry if _is_metric(name)},
            }
    best = history[trainer.state.best_global_step]
    return {
        "history": list(history.values()),
        "best_epoch": best["epoch"],
        "best_step": best["step"],
        "validation": best["validation"],
        "epochs": round(trainer.state.epoch, 3),
        "steps": trainer.state.global_step,
        "steps_planned": trainer.state.max_steps,
        "stopped_early": trainer.state.global_step < trainer.state.max_steps,
        "seconds": round(seconds + training_seconds, 3),
        "examples_per_second": round(samples / training_seconds, 1),
    }


def _is_metric(name: str) -> bool:
    return name.startswith("eval_") and not name.endswith(("runtime", "_per_second", "preparation_time"))
