"""From a recipe to the stages that carry it out, each with its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compressor.bench import target_reason
from compressor.chain.audit import audit_stages, check_audit_gates, column_stages
from compressor.chain.exporting import export_stages, first_of
from compressor.chain.fitting import check_augmentations, check_models
from compressor.chain.measures import compared_pairs, deciding_measures, plan_measures
from compressor.chain.nodes import ASSISTANT, FIRST, START, teacher_model
from compressor.chain.origins import origins_of
from compressor.chain.stages import (
    Bundle,
    Differences,
    Evaluate,
)
from compressor.chain.training import assistant_of, max_length_of, start_of, training_stages
from compressor.chain.unsure import unsure_stages
from compressor.engine.artifact import Artifact
from compressor.engine.key import Key
from compressor.engine.plan import Plan, keys_of
from compressor.engine.stage import Stage
from compressor.errors import Problem, RecipeError, TargetUnavailable
from compressor.recipe.recipe import Recipe

__all__ = ["RecipePlan", "make_plan"]


@dataclass(frozen=True, kw_only=True)
class RecipePlan(Plan):
    """Every stage of a recipe in the order they run, and the targets that are left out."""

    recipe: Recipe
    skipped: Mapping[str, str]
    """Name of a target that isn't on this machine -> why."""

    def check(self, fetched: Mapping[str, Mapping[str, Path]], finished: Mapping[str, Artifact]) -> None:
        """Whether the models fit, where one of the stages that read them will run."""
        _check_models(self.recipe, fetched, finished)
        if first := first_of(self.recipe):
            _check_models(first, fetched, finished, FIRST)


_READ_MODELS = {"teach", "label", "student", "distill", "baseline"}


def _check_models(
    recipe: Recipe, fetched: Mapping[str, Mapping[str, Path]], finished: Mapping[str, Artifact], above: str = ""
) -> None:
    """Those of a recipe whose stages have names that begin with `above`, and of those that make its teacher and what
    its student begins as."""
    for other, prefix in ((assistant_of(recipe), ASSISTANT), (start_of(recipe), START)):
        if other is not None:
            _check_models(other, fetched, finished, f"{above}{prefix}")
    check_augmentations(recipe, fetched.get(f"{above}augment", {}))
    if not fetched.keys() & {f"{above}{name}" for name in _READ_MODELS}:
        return
    source = teacher_model(recipe)
    teacher = _made(finished, f"{above}{source}") or fetched.get(f"{above}teach", {}).get("model")
    built = _made(finished, f"{above}student")
    start = teacher if recipe.student.copies_teacher else fetched.get(f"{above}student", {}).get("init")
    if recipe.student.run is not None:
        start = _made(finished, f"{above}{START}distill")
    check_models(recipe, teacher=teacher, student=built or start, built=built is not None)


def _made(finished: Mapping[str, Artifact], stage: str) -> Path | None:
    """The folder of the model that a stage has made."""
    return finished[stage].folder / "model" if stage in finished else None


def make_plan(recipe: Recipe) -> RecipePlan:
    """Lay out the stages and compute their keys. Reads digests of local sources; runs nothing.

    Raises:
        RecipeError: a gate is about a figure that no audit has.
        TargetUnavailable: a target with `required: true` isn't on this machine.
        SourceError: a source can't be identified, so that no key can be had.
    """
    check_audit_gates(recipe)
    skipped = {}
    for target in recipe.benchmark.targets:
        reason = target_reason(target)
        if reason and target.required:
            raise TargetUnavailable(f"The target {target.name} is required and not here: {reason}")
        if reason:
            skipped[target.name] = reason
    chain = tuple(_chain(recipe, skipped))
    stages = (*chain, _bundle(recipe, chain, skipped))
    keys = keys_of(stages)
    _refuse_other_data(keys)
    return RecipePlan(stages=stages, keys=keys, recipe=recipe, skipped=skipped)


def _refuse_other_data(keys: Mapping[str, Key]) -> None:
    """Test texts of this recipe may be among those that another recipe's student was trained on."""
    for prefix, path in ((FIRST, "cascade.run"), (START, "student.run")):
        other = keys.get(f"{prefix}prepare")
        if other is not None and other.digest != keys["prepare"].digest:
            message = "prepares other data: test texts of this recipe may be among those it trains on"
            hint = "let `data` and `seed` be the same in both; sources of further texts may differ"
            raise RecipeError([Problem(message, path, hint=hint)])


def _chain(recipe: Recipe, skipped: Mapping[str, str]) -> Iterator[Stage]:
    """The stages in order, but for the bundle."""
    data = {"data": "prepare"} if recipe.data else {}
    max_length = max_length_of(recipe)
    for stage in training_stages(recipe):
        yield stage
        if stage.name == "prepare":
            yield from column_stages(recipe)
    yield from export_stages(recipe)
    measures = plan_measures(recipe, data, max_length=max_length, skipped=skipped)
    yield from measures
    if pairs := compared_pairs(measures) if recipe.data else ():
        read = {name: name for pair in pairs for name in pair}
        yield Differences(name="differences", inputs=read, task=recipe.task, pairs=pairs, seed=recipe.seed)
    if decisive := deciding_measures(measures) if recipe.data else ():
        read = {name: name for stage in decisive for name in (stage.name, stage.inputs["model"])}
        inputs = {**read, "prepare": "prepare", "export": "export"}
        yield Evaluate(name="evaluate", inputs=inputs, recipe=recipe, measures=decisive)
        yield from unsure_stages(recipe, decisive)
        yield from audit_stages(recipe, decisive)


def _bundle(recipe: Recipe, chain: Sequence[Stage], skipped: Mapping[str, str]) -> Bundle:
    """The last stage reads all others, under their own names."""
    return Bundle(
        name="bundle",
        inputs={stage.name: stage.name for stage in chain},
        recipe=recipe,
        skipped=dict(skipped),
        max_length=max_length_of(recipe),
        origins=origins_of(chain),
    )
