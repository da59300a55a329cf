"""The first half of the chain: from the data and the teacher to the trained student."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compressor.chain.balance import balance_stages, weights_input
from compressor.chain.nodes import ASSISTANT, BASELINE, START, teacher_model
from compressor.chain.other import other_recipe, under
from compressor.chain.stages import Distill, Prepare, Student
from compressor.chain.teachers import label_stages, teach_stages, tokenizer_of_outputs
from compressor.chain.texts import text_inputs, text_stages
from compressor.distill.objectives.contrastive import Contrastive
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.engine.stage import Stage
from compressor.recipe.distill import DistillSection, ObjectiveSection, PhaseSection
from compressor.recipe.pair_checks import learns_from_pairs
from compressor.recipe.recipe import Recipe

__all__ = ["assistant_of", "max_length_of", "start_of", "trained_model", "training_stages", "with_baseline"]

DEFAULT_MAX_LENGTH = 128


def max_length_of(recipe: Recipe) -> int:
    """Tokens that texts are cut to."""
    return recipe.data.max_length if recipe.data else recipe.export.max_length or DEFAULT_MAX_LENGTH


def trained_model(recipe: Recipe) -> str:
    """Name of the stage that makes the finished student."""
    return "distill" if recipe.distill else "student"


def training_stages(recipe: Recipe) -> Iterator[Stage]:
    """The stages in order. A section that is left out leaves out its stage, never its neighbours.

    Raises:
        RecipeError: a recipe that this one names can't be read, or doesn't go with it.
    """
    data = {"data": "prepare"} if recipe.data else {}
    max_length = max_length_of(recipe)
    taught = list(_teaching(recipe, data, max_length))
    yield from taught
    start = start_of(recipe)
    if start:
        last = _untaught(start) if recipe.distill and recipe.distill.baseline else trained_model(start)
        yield from under(START, training_stages(with_baseline(start, last == BASELINE)), last, own=taught)
    yield from _student(recipe, start, data, max_length)


def _teaching(recipe: Recipe, data: dict[str, str], max_length: int) -> Iterator[Stage]:
    """The data, the teacher, and what it says."""
    if recipe.data:
        canaries = recipe.audit.canaries if recipe.audit else None
        yield Prepare(name="prepare", task=recipe.task, section=recipe.data, seed=recipe.seed, canaries=canaries)
        yield from balance_stages(recipe)
    if recipe.teacher:
        if assistant := assistant_of(recipe):
            # Its stages up to its student.
            made = training_stages(with_baseline(assistant, False))
            yield from under(ASSISTANT, made, trained_model(assistant))
        yield from teach_stages(recipe, data, max_length)
        yield from label_stages(recipe, "label", data, max_length)
        yield from text_stages(recipe, max_length=max_length)


def assistant_of(recipe: Recipe) -> Recipe | None:
    """The recipe whose student teaches this one's.

    Raises:
        RecipeError: it can't be read, does another task, or trains no student.
    """
    teacher = recipe.teacher
    if teacher is None or teacher.run is None:
        return None
    return other_recipe(recipe, "teacher", teacher.run, teacher.set, "teach")


def start_of(recipe: Recipe) -> Recipe | None:
    """The recipe whose student this one's begins as.

    Raises:
        RecipeError: it can't be read, does another task, or trains no student.
    """
    student = recipe.student
    if student.run is None:
        return None
    return other_recipe(recipe, "student", student.run, student.set, "be a start")


def with_baseline(recipe: Recipe, wanted: bool) -> Recipe:
    """Another recipe that this one needs with or without a baseline, whatever that one says."""
    if recipe.distill is None:
        return recipe
    return recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"baseline": wanted})})


def _untaught(recipe: Recipe) -> str:
    """Name of the stage that makes the student which no teacher ever trained."""
    taught = recipe.teacher is not None or recipe.student.run is not None
    return BASELINE if taught else trained_model(recipe)


def _student(recipe: Recipe, start: Recipe | None, data: dict[str, str], max_length: int) -> Iterator[Stage]:
    copied = {"teacher": str(teacher_model(recipe))} if recipe.student.copies_teacher else {}
    if start:
        copied = {"start": f"{START}{trained_model(start)}"}
    student = Student(
        name="student",
        inputs={**data, **copied},
        task=recipe.task,
        section=recipe.student,
        trained=recipe.distill is not None,
        seed=recipe.student_seed,
        trust_remote_code=recipe.trusts_student,
    )
    yield student
    if recipe.distill is None:
        return
    learned = {**data, **weights_input(recipe)}
    for name, section, inputs in _phases(recipe, recipe.distill, learned):
        yield _training(recipe, name, section, inputs, max_length)
    if not recipe.distill.baseline:
        return
    begins_as = "student"
    if start:
        # The student begins as one that the teacher trained. This one begins as that would be without it.
        begins_as = f"{BASELINE}/student"
        yield replace(student, name=begins_as, inputs={**data, "start": f"{START}{_untaught(start)}"})
    last = recipe.distill.parts[-1]
    alone = {"objectives": (_without_a_teacher(recipe, last),), "until": None}
    yield _training(recipe, BASELINE, last.model_copy(update=alone), {**learned, "student": begins_as}, max_length)


def _training(recipe: Recipe, name: str, section: PhaseSection, inputs: dict[str, str], max_length: int) -> Stage:
    return Distill(
        name=name,
        inputs=inputs,
        task=recipe.task,
        section=section,
        variant=next((one for one in recipe.quantize if one.name == section.quantization_aware), None),
        max_length=max_length,
        seed=recipe.student_seed,
        more=tuple(source.name for source in recipe.data.more) if recipe.data and "outputs" in inputs else (),
        trust_student_code=recipe.trusts_student,
        trust_teacher_code=recipe.trusts_teacher,
    )


def _without_a_teacher(recipe: Recipe, section: PhaseSection) -> ObjectiveSection:
    """What the baseline is trained on: the data's labels, or, of pairs without a score, which texts belong together,
    with the settings that the student has for it."""
    if not learns_from_pairs(recipe):
        return HardLabels(kind="hard-labels")
    told = (one.model_copy(update={"weight": 1.0}) for one in section.objectives if isinstance(one, Contrastive))
    return next(told, Contrastive(kind="contrastive"))


def _phases(
    recipe: Recipe, section: DistillSection, data: dict[str, str]
) -> Iterator[tuple[str, PhaseSection, dict[str, str]]]:
    """Name, section and inputs of each part of the training; the last is called `distill`, whatever came before it."""
    model = teacher_model(recipe)
    taught = {"teacher": model} if model else tokenizer_of_outputs(recipe)
    start = "student"
    for number, part in enumerate(section.parts, start=1):
        name = "distill" if number == len(section.parts) else f"distill/{number}"
        asked = {**taught, "outputs": "label", **text_inputs(recipe)} if part.uses_teacher else {}
        yield name, part, {**data, "student": start, **asked}
        start = name
