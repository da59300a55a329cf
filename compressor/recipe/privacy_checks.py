"""Whether a student's guarantee of privacy holds for what the recipe ships: all that sees the training texts must be
covered by it."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.distill import DistillSection
from compressor.recipe.privacy import PrivacySection
from compressor.recipe.quantize import QuantizeSection
from compressor.recipe.recipe import Recipe
from compressor.recipe.trainings import finetunings
from compressor.task_specs import task_spec

__all__ = ["privacy_holds"]

_UNSEEN = "take a finished teacher that never saw these texts, annotators' `answers`, or train on the labels alone"
_ALONE = "leave it out: soft-targets and hard-labels look at one example at a time, and so does dist with `gamma: 0`"


def privacy_holds(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `distill.privacy`: settings that it doesn't go with, and what tells of training texts beside it."""
    section = recipe.distill
    if section is None or section.privacy is None:
        return
    yield from _one_budget(section.privacy)
    yield from _training_fits(recipe, section)
    yield from _teacher_is_ignorant(recipe, section)
    yield from _student_starts_ignorant(recipe)
    yield from _texts_are_as_they_came(recipe)
    yield from _variants_look_at_none(recipe)


def _one_budget(privacy: PrivacySection) -> Iterator[Problem]:
    given = [name for name in ("epsilon", "noise_multiplier") if getattr(privacy, name) is not None]
    if len(given) != 1:
        said = "says both what may be spent and how much noise there is" if given else "says nothing of the noise"
        yield Problem(said, "distill.privacy", hint="set one of `epsilon` and `noise_multiplier`")


def _training_fits(recipe: Recipe, section: DistillSection) -> Iterator[Problem]:
    if section.phases:
        message = "bounds one training, and each phase would spend a budget of its own"
        yield Problem(message, "distill.privacy", hint="write one training in place of `phases`")
    if "max_grad_norm" in section.model_fields_set:
        message = "with `privacy` the gradient of each example is clipped, not that of a batch"
        yield Problem(message, "distill.max_grad_norm", hint="set distill.privacy.max_grad_norm")
    if "group_by_length" in section.model_fields_set and section.group_by_length:
        message = "with `privacy` each example is drawn by itself, whatever its length"
        yield Problem(message, "distill.group_by_length", hint="leave it out")
    if section.precision == "fp16":
        message = "fp16 leaves out steps by what their gradients are, which nothing of `privacy` bounds"
        yield Problem(message, "distill.precision", hint="write auto, bf16 or fp32")
    for path, objective in section.named_objectives():
        if objective.mixes_examples:
            message = f"{objective.kind} compares examples of a batch, and with `privacy` each is learned from alone"
            yield Problem(message, path, hint=_ALONE)
    if any(output.likelihood == "value" for output in task_spec(recipe.task).outputs):
        message = "can't be had for numbers: their mean and spread are read from the training labels without noise"
        yield Problem(message, "distill.privacy", hint="leave it out")


def _teacher_is_ignorant(recipe: Recipe, section: DistillSection) -> Iterator[Problem]:
    """A teacher that learned from the texts tells of them through its answers, whatever noise the student has."""
    teacher = recipe.teacher
    if teacher is None or not any(part.uses_teacher for part in section.parts):
        return
    says = "and its answers teach the student: `privacy` would bound nothing of what they tell"
    for path, _ in finetunings(recipe):
        yield Problem(f"the teacher learns from the same texts, {says}", path, hint=_UNSEEN)
    if teacher.run is not None:
        yield Problem(f"the other recipe's student learned from the same texts, {says}", "teacher.run", hint=_UNSEEN)
    if teacher.prompt is not None and teacher.prompt.prior != "none":
        message = "what it says of one text is shifted by what it says of all others, which `privacy` doesn't bound"
        yield Problem(message, "teacher.prompt.prior", hint="set it to none")


def _student_starts_ignorant(recipe: Recipe) -> Iterator[Problem]:
    student, teacher = recipe.student, recipe.teacher
    if student.copies_teacher and teacher is not None and (teacher.finetune is not None or teacher.run is not None):
        message = "starts as a teacher that learned from the same texts, which `distill.privacy` doesn't bound"
        yield Problem(message, "student.init", hint="name a model that never saw these texts")
    if student.run is not None:
        message = "starts as a student that learned from the same texts, which `distill.privacy` doesn't bound"
        yield Problem(message, "student.run", hint="name in `init` a model that never saw these texts")
    for index, builder in enumerate(student.build):
        if builder.reads_texts:
            message = f"{builder.kind} goes by the training texts, which `distill.privacy` doesn't bound"
            hint = "leave it out, or take a model that was made smaller with other texts"
            yield Problem(message, f"student.build.{index}", hint=hint)


def _texts_are_as_they_came(recipe: Recipe) -> Iterator[Problem]:
    """What is made of a training text would tell of it several times over; a choice tells of all texts at once."""
    if recipe.data is None:
        return
    if recipe.data.balance is not None:
        message = "draws a text by how many others are like it, where `distill.privacy` draws each by itself"
        yield Problem(message, "data.balance", hint="leave it out")
    for source in recipe.data.more:
        if source.path in ("data.augment", "data.generate"):
            message = "makes texts of the training texts, each of which would then be learned from several times"
            yield Problem(message, source.path, hint="with `distill.privacy`, leave it out")
        elif source.section.select is not None:
            message = "chooses each text by all others, which `distill.privacy` doesn't bound"
            yield Problem(message, f"{source.path}.select", hint="leave it out")


def _variants_look_at_none(recipe: Recipe) -> Iterator[Problem]:
    for index, variant in enumerate(recipe.quantize):
        if _reads_texts(variant):
            message = f"{variant.method} tries training texts, which `distill.privacy` doesn't bound"
            yield Problem(message, f"quantize.{index}", hint="take a method that needs none: dynamic, weights")
    if recipe.cascade is not None:
        message = "puts the other recipe's student into the bundle, which `distill.privacy` doesn't bound"
        yield Problem(message, "cascade", hint="leave it out")


def _reads_texts(variant: QuantizeSection) -> bool:
    return variant.tries_texts or variant.calibration_examples > 0
