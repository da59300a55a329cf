"""From a recipe to the stages that carry it out, each with its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compressor.bench import target_reason
from compressor.chain.fitting import check_models
from compressor.chain.measures import compared_pairs, deciding_measures, plan_measures
from compressor.chain.stages import (
    Bundle,
    Differences,
    Distill,
    Evaluate,
    Export,
    Label,
    Prepare,
    Quantize,
    Student,
    Teach,
)
from compressor.chain.texts import text_inputs, text_stages
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.engine.artifact import Artifact
from compressor.engine.plan import Plan, keys_of
from compressor.engine.stage import Stage
from compressor.errors import TargetUnavailable
from compressor.recipe.distill import DistillSection, PhaseSection
from compressor.recipe.recipe import Recipe

__all__ = ["RecipePlan", "make_plan"]

DEFAULT_MAX_LENGTH = 128


@dataclass(frozen=True, kw_only=True)
class RecipePlan(Plan):
    """Every stage of a recipe in the order they run, and the targets that are left out."""

    recipe: Recipe
    skipped: Mapping[str, str]
    """Name of a target that isn't on this machine -> why."""

    def check(self, fetched: Mapping[str, Mapping[str, Path]], finished: Mapping[str, Artifact]) -> None:
        """Whether the models fit, where one of the stages that read them will run."""
        if not fetched.keys() & {"teach", "label", "student", "distill", "baseline"}:
            return
        teacher = _made(finished, "teach") or fetched.get("teach", {}).get("model")
        built = _made(finished, "student")
        start = teacher if self.recipe.student.init == "teacher" else fetched.get("student", {}).get("init")
        check_models(self.recipe, teacher=teacher, student=built or start, built=built is not None)


def _made(finished: Mapping[str, Artifact], stage: str) -> Path | None:
    """The folder of the model that a stage has made."""
    return finished[stage].folder / "model" if stage in finished else None


def make_plan(recipe: Recipe) -> RecipePlan:
    """Lay out the stages and compute their keys. Reads digests of local sources; runs nothing.

    Raises:
        TargetUnavailable: a target with `required: true` isn't on this machine.
        SourceError: a source can't be identified, so that no key can be had.
    """
    skipped = {}
    for target in recipe.benchmark.targets:
        reason = target_reason(target)
        if reason and target.required:
            raise TargetUnavailable(f"The target {target.name} is required and not here: {reason}")
        if reason:
            skipped[target.name] = reason
    chain = tuple(_chain(recipe, skipped))
    stages = (*chain, _bundle(recipe, chain, skipped))
    return RecipePlan(stages=stages, keys=keys_of(stages), recipe=recipe, skipped=skipped)


def _chain(recipe: Recipe, skipped: Mapping[str, str]) -> Iterator[Stage]:
    """The stages in order. A section that is left out leaves out its stage, never its neighbours."""
    data = {"data": "prepare"} if recipe.data else {}
    max_length = _max_length(recipe)
    if recipe.data:
        yield Prepare(name="prepare", task=recipe.task, section=recipe.data, seed=recipe.seed)
    if recipe.teacher:
        yield Teach(
            name="teach", inputs=data, task=recipe.task, section=recipe.teacher, max_length=max_length, seed=recipe.seed
        )
        yield Label(
            name="label",
            inputs={**data, "teacher": "teach"},
            task=recipe.task,
            max_length=max_length,
            trust_remote_code=recipe.trusts_teacher,
        )
        yield from text_stages(recipe, max_length=max_length)
    yield from _student(recipe, data, max_length)
    model = "distill" if recipe.distill else "student"
    yield Export(
        name="export",
        inputs={"model": model, **data},
        task=recipe.task,
        section=recipe.export,
        max_length=max_length,
        trust_remote_code=recipe.trusts_student,
    )
    for section in recipe.quantize:
        calibrated = data if section.calibration_examples else {}
        yield Quantize(
            name=f"quantize/{section.name}",
            inputs={"export": "export", **calibrated},
            task=recipe.task,
            section=section,
            max_length=max_length,
        )
    measures = plan_measures(recipe, data, max_length=max_length, skipped=skipped)
    yield from measures
    if pairs := compared_pairs(measures) if recipe.data else ():
        read = {name: name for pair in pairs for name in pair}
        yield Differences(name="differences", inputs=read, task=recipe.task, pairs=pairs, seed=recipe.seed)
    if decisive := deciding_measures(measures) if recipe.data else ():
        read = {name: name for stage in decisive for name in (stage.name, stage.inputs["model"])}
        inputs = {**read, "prepare": "prepare", "export": "export"}
        yield Evaluate(name="evaluate", inputs=inputs, recipe=recipe, measures=decisive)


def _bundle(recipe: Recipe, chain: Sequence[Stage], skipped: Mapping[str, str]) -> Bundle:
    """The last stage reads all others, under their own names."""
    return Bundle(
        name="bundle",
        inputs={stage.name: stage.name for stage in chain},
        recipe=recipe,
        skipped=dict(skipped),
        max_length=_max_length(recipe),
    )


def _max_length(recipe: Recipe) -> int:
    return recipe.data.max_length if recipe.data else recipe.export.max_length or DEFAULT_MAX_LENGTH


def _student(recipe: Recipe, data: dict[str, str], max_length: int) -> Iterator[Stage]:
    copied = {"teacher": "teach"} if recipe.student.init == "teacher" else {}
    yield Student(
        name="student",
        inputs={**data, **copied},
        task=recipe.task,
        section=recipe.student,
        trained=recipe.distill is not None,
        seed=recipe.student_seed,
        trust_remote_code=recipe.trusts_student,
    )
    if recipe.distill is None:
        return
    trainings = list(_phases(recipe, recipe.distill, data))
    if recipe.distill.baseline:
        last = recipe.distill.parts[-1]
        alone = last.model_copy(update={"objectives": (HardLabels(kind="hard-labels"),), "until": None})
        trainings.append(("baseline", alone, {**data, "student": "student"}))
    for name, section, inputs in trainings:
        yield Distill(
            name=name,
            inputs=inputs,
            task=recipe.task,
            section=section,
            max_length=max_length,
            seed=recipe.student_seed,
            more=tuple(recipe.data.more) if recipe.data and "teacher" in inputs else (),
            trust_student_code=recipe.trusts_student,
            trust_teacher_code=recipe.trusts_teacher,
        )


def _phases(
    recipe: Recipe, section: DistillSection, data: dict[str, str]
) -> Iterator[tuple[str, PhaseSection, dict[str, str]]]:
    """Name, section and inputs of each part of the training; the last is called `distill`, whatever came before it."""
    start = "student"
    for number, part in enumerate(section.parts, start=1):
        name = "distill" if number == len(section.parts) else f"distill/{number}"
        asked = {"teacher": "teach", "outputs": "label", **text_inputs(recipe)} if part.uses_teacher else {}
        yield name, part, {**data, "student": start, **asked}
        start = name
