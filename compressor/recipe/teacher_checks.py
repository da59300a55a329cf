"""Whether the teacher is described once, and can do what the recipe asks of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compressor.errors import Problem
from compressor.recipe.answers import answers_problems
from compressor.recipe.augment import UnlabelledSection
from compressor.recipe.label_checks import validation_is_unlabelled
from compressor.recipe.problems import NO_RUN
from compressor.recipe.prompt import prompt_problems
from compressor.recipe.recipe import Recipe
from compressor.recipe.teacher import TeacherSection
from compressor.task_specs import TaskSpec, task_spec

__all__ = ["teacher_can_do_it", "teacher_is_described_once"]

_WAYS = ("model", "run", "ensemble", "answers", "prompt")
_CALLED = {"ensemble": "an ensemble", "answers": "a file", "prompt": "a language model that is asked"}
_INSTEAD = {"ensemble": "a member has its own", "run": "the recipe that it runs has its own"}


def teacher_is_described_once(recipe: Recipe) -> Iterator[Problem]:
    """Problems of the section `teacher` itself."""
    teacher = recipe.teacher
    if teacher is None:
        return
    given = [name for name in _WAYS if getattr(teacher, name) is not None]
    if len(given) != 1:
        ways = ", ".join(f"`{name}`" for name in _WAYS)
        said = f"has {' and '.join(f'`{name}`' for name in given)}" if given else "doesn't say who teaches"
        yield Problem(f"{said}: name one of {ways}", "teacher")
    if teacher.kind != "model":
        for name in ("finetune", "revision", "sha256", "gguf_file", "trust_remote_code"):
            if getattr(teacher, name) not in (None, False):
                hint = _INSTEAD.get(teacher.kind, "leave it out")
                yield Problem("is for a teacher that `model` names", f"teacher.{name}", hint=hint)
    if teacher.set and teacher.run is None:
        yield Problem("changes the recipe that `run` names, and there is none", "teacher.set", hint=NO_RUN)
    if recipe.data is None and teacher.kind != "model":
        yield Problem("needs texts to teach with: add a `data` section", "teacher")
    spec = task_spec(recipe.task)
    yield from _ensemble_problems(teacher, spec, labelled=not validation_is_unlabelled(recipe))
    found = {
        "answers": answers_problems(teacher.answers, spec) if teacher.answers else (),
        "prompt": prompt_problems(teacher.prompt, spec) if teacher.prompt else (),
    }
    for name, problems in found.items():
        for problem in problems:
            yield replace(problem, path=f"teacher.{name}.{problem.path}".rstrip("."))


def _ensemble_problems(teacher: TeacherSection, spec: TaskSpec, *, labelled: bool) -> Iterator[Problem]:
    ensemble = teacher.ensemble
    if ensemble is not None and ensemble.weights == "validation":
        hint = "set it to equal, or give each member a number"
        if any(output.per_token or output.likelihood == "vector" for output in spec.outputs):
            message = f"tries weights on the label of each text, and {spec.name} has none of a whole text"
            yield Problem(message, "teacher.ensemble.weights", hint=hint)
        elif not labelled:
            message = "tries weights on the labels of the validation split, and there are none"
            yield Problem(message, "teacher.ensemble.weights", hint=hint)
    if ensemble is not None and isinstance(ensemble.weights, tuple) and len(ensemble.weights) != len(ensemble.members):
        message = f"has {len(ensemble.weights)} numbers for {len(ensemble.members)} members"
        yield Problem(message, "teacher.ensemble.weights", hint="give each member one")


def teacher_can_do_it(recipe: Recipe) -> Iterator[Problem]:
    """What only one model can do is refused where the teacher isn't one: its answers are all there is."""
    if recipe.teacher is None or recipe.teacher.is_model:
        return
    what = _CALLED[recipe.teacher.kind]
    if recipe.student.copies_teacher:
        yield Problem(f"there is no model to copy: the teacher is {what}", "student.init", hint="name a model")
    for path, objective in recipe.distill.named_objectives() if recipe.distill else ():
        if objective.uses_teacher and (objective.keeps or not objective.from_stored):
            needs = "looks inside one model" if objective.keeps else "needs one model that runs beside the student"
            message = f"{objective.kind} {needs}, and the teacher is {what}"
            yield Problem(message, path, hint="compare outputs: soft-targets")
    if recipe.gates.speedup is not None:
        message = f"compares with a model in PyTorch, and the teacher is {what}"
        yield Problem(message, "gates.speedup", hint="bound p50_ms")
    if recipe.teacher.answers is not None and recipe.data is not None:
        for source in recipe.data.more:
            if not isinstance(source.section, UnlabelledSection):
                yield Problem("makes new texts, and a file has no answers to them", source.path, hint="leave it out")
            elif source.section.select is not None:
                message = "chooses by answers that may be missing in a file"
                yield Problem(
                    message, f"{source.path}.select", hint="leave `select` out, or take a model as the teacher"
                )
