"""One trial of a search: the stages that its goals need, and the figures that they find."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from compressor.bench.results import Measurement
from compressor.chain.measurement import read_measurements
from compressor.chain.plan import RecipePlan, make_plan
from compressor.chain.stages import Measure
from compressor.engine.artifact import Artifact
from compressor.errors import RecipeError
from compressor.recipe import Recipe
from compressor.recipe.tune import Goal
from compressor.report.models import headline
from compressor.task_specs import MetricSpec, task_spec

__all__ = ["TRAINING", "figures", "plan_trial", "quality_metric"]

TRAINING = "distill"
"""The stage whose validations are the quality."""


def plan_trial(recipe: Recipe, goals: Collection[Goal]) -> RecipePlan:
    """The stages of a recipe that its goals need, and no others: no teacher is timed, and nothing is exported for
    quality alone.

    Raises:
        RecipeError: the goals ask for measurements and none of the targets is here. Else as `make_plan` does.
    """
    plan = make_plan(recipe)
    needed = {TRAINING}
    if set(goals) != {"quality"}:
        needed |= {stage.name for stage in _measures(plan)}
    for stage in reversed(plan.stages):
        if stage.name in needed:
            needed |= set(stage.inputs.values())
    return replace(plan, stages=tuple(stage for stage in plan.stages if stage.name in needed))


def _measures(plan: RecipePlan) -> list[Measure]:
    """Of the models that may ship, on the first target that is here."""
    measures = [stage for stage in plan.stages if isinstance(stage, Measure) and stage.role == "variant"]
    if not measures:
        raise RecipeError(
            "The goals latency and size need a measurement, and none of the recipe's targets is here.",
            hint="Name one that is in `benchmark.targets`.",
        )
    here = [stage for stage in measures if stage.target == measures[0].target]
    return [stage for stage in here if plan.recipe.bundle.variant in (None, stage.subject)]


def quality_metric(task: str, validation: Mapping[str, float]) -> MetricSpec:
    """The first metric of the task that a training found on validation, and that is better when the main one is.

    Raises:
        RecipeError: it found none, since the data have no labels.
    """
    spec = task_spec(task)
    alike = (metric for metric in spec.metrics if metric.higher_is_better == spec.main_metric.higher_is_better)
    known = next((metric for metric in alike if metric.name in validation), None)
    if known is None:
        raise RecipeError(
            "The validation split has no labels, so that no trial can be judged.",
            hint="Label the validation split, or leave `quality` out of `tune.goals`.",
        )
    return known


def figures(recipe: Recipe, artifacts: Mapping[str, Artifact], goals: Sequence[Goal]) -> list[float]:
    """A figure for each goal: quality on validation, latency in ms and size in MB of the fastest model that was
    measured.

    Raises:
        RecipeError: a figure can't be had.
    """
    validation = artifacts[TRAINING].facts["validation"]
    measured = read_measurements(artifacts.values())
    shipped = min(measured, key=_speed, default=None)
    found = []
    for goal in goals:
        if goal == "quality":
            found.append(float(validation[quality_metric(recipe.task, validation).name]))
        elif shipped is None or (goal == "latency" and headline(shipped) is None):
            raise RecipeError(f"The goal {goal} can't be judged: the model wasn't measured here.")
        else:
            found.append(_speed(shipped)[0] if goal == "latency" else shipped.size.model_mb)
    return found


def _speed(measurement: Measurement) -> tuple[float, float]:
    """Sort key: median latency in ms, where that was measured, then size."""
    latency = headline(measurement)
    return latency.model.p50_ms if latency else float("inf"), measurement.size.model_mb
