"""The first half of the chain: from the data and the teacher to the trained student."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.chain.nodes import ASSISTANT, START, teacher_model
from compressor.chain.other import other_recipe, under
from compressor.chain.stages import Distill, Prepare, Student
from compressor.chain.teachers import label_stages, teach_stages, tokenizer_of_outputs
from compressor.chain.texts import text_inputs, text_stages
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.engine.stage import Stage
from compressor.recipe.distill import DistillSection, PhaseSection
from compressor.recipe.recipe import Recipe

__all__ = ["assistant_of", "max_length_of", "start_of", "trained_model", "training_stages"]

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
    if start := start_of(recipe):
        yield from under(START, training_stages(start), trained_model(start), own=taught)
    yield from _student(recipe, data, max_length)


def _teaching(recipe: Recipe, data: dict[str, str], max_length: int) -> Iterator[Stage]:
    """The data, the teacher, and what it says."""
    if recipe.data:
        yield Prepare(name="prepare", task=recipe.task, section=recipe.data, seed=recipe.seed)
    if recipe.teacher:
        if assistant := assistant_of(recipe):
            # Its stages up to its student.
            yield from under(ASSISTANT, training_stages(assistant), trained_model(assistant))
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


def _student(recipe: Recipe, data: dict[str, str], max_length: int) -> Iterator[Stage]:
    copied = {"teacher": str(teacher_model(recipe))} if recipe.student.copies_teacher else {}
    if recipe.student.run is not None:
        copied = {"start": f"{START}distill"}
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
            more=tuple(source.name for source in recipe.data.more) if recipe.data and "outputs" in inputs else (),
            trust_student_code=recipe.trusts_student,
            trust_teacher_code=recipe.trusts_teacher,
        )


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
