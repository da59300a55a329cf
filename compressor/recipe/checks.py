"""What no section can know by itself: whether the sections of a recipe fit together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TypeVar

from compressor.errors import Problem
from compressor.recipe.answer_checks import answers_are_chosen_soundly
from compressor.recipe.audit_checks import audit_gates_are_asked, audits_are_possible
from compressor.recipe.augment import ModelAugmentationSection, UnlabelledSection
from compressor.recipe.balance_checks import balance_is_possible
from compressor.recipe.benchmark import (
    DatasetWorkload,
    GridWorkload,
)
from compressor.recipe.bundle_checks import tokenizer_fits_the_graph, unsure_can_be_chosen
from compressor.recipe.cascade_checks import cascade_is_possible
from compressor.recipe.column_checks import columns_fit_the_task, columns_without_names_are_numbers
from compressor.recipe.components import ComponentSection
from compressor.recipe.gate_checks import GATE_CHECKS
from compressor.recipe.goal_checks import goals_are_sound
from compressor.recipe.label_checks import calibration_is_possible, labels_are_smoothed_soundly, labels_are_there
from compressor.recipe.objective_checks import objectives_are_sound, objectives_fit_their_trainings
from compressor.recipe.pair_checks import pairs_are_there
from compressor.recipe.privacy_checks import privacy_holds
from compressor.recipe.problems import ANOTHER_NAME, NO_RUN, TWICE, suggest
from compressor.recipe.quantization_aware_checks import variants_can_be_trained_for
from compressor.recipe.recipe import Recipe
from compressor.recipe.study_checks import seeds_are_sound, variants_are_sound
from compressor.recipe.teacher_checks import teacher_can_do_it, teacher_is_described_once
from compressor.recipe.text_checks import texts_are_sound
from compressor.recipe.training_checks import trainings_are_possible
from compressor.recipe.tune_checks import ranges_are_sound, tuning_has_a_goal
from compressor.task_specs import task_spec

__all__ = ["RESERVED_NAMES", "check"]

RESERVED_NAMES = ("fp32", "teacher", "teacher-fp32", "teacher-bf16", "student", "baseline")
"""Names that reports use for what isn't made by `quantize`."""

T = TypeVar("T")
Problems = Iterator[Problem]


def check(recipe: Recipe, broken: Collection[str] = ()) -> Problems:
    """Every way in which valid sections don't fit together; checks that read a `broken` section are left out."""
    for function, sections in _CHECKS:
        if not set(sections) & set(broken):
            yield from function(recipe)


def _data_has_a_source(recipe: Recipe) -> Problems:
    if recipe.data is None:
        return
    if not recipe.data.references:
        yield Problem("says nothing about where the text is", "data", hint="name it in `source`, or a file in `test`")
    if recipe.data.source is not None and recipe.data.test is not None:
        hint = "name both files in `source`: {train: a.csv, test: b.csv}"
        yield Problem("is for data without a `source`", "data.test", hint=hint)


def _training_has_data(recipe: Recipe) -> Problems:
    if recipe.data is None and recipe.teacher is not None:
        hint = "to deploy a finished model, name it in `student.init` and leave `teacher` out"
        yield Problem("a teacher needs labelled text: add a `data` section", "teacher", hint=hint)
    if recipe.data is None and recipe.distill is not None:
        yield Problem("training needs labelled text: add a `data` section", "distill")


def _test_sets_are_not_trained_on(recipe: Recipe) -> Problems:
    if recipe.data is None or not recipe.data.test_only:
        return
    message = "training needs a training split, and `data` has a test split only"
    hint = "give both: `source: {train: a.csv, test: b.csv}`"
    if recipe.teacher is not None and recipe.teacher.finetune is not None:
        yield Problem(message, "teacher.finetune", hint=hint)
    if recipe.distill is not None:
        yield Problem(message, "distill", hint=hint)


def _teacher_is_there(recipe: Recipe) -> Problems:
    if recipe.teacher is not None:
        return
    if recipe.student.copies_teacher:
        yield Problem(
            "`teacher` copies the teacher, and there is no `teacher` section",
            "student.init",
            hint="name a hub id, a folder or a wheel:// model, or add a `teacher`",
        )
    if recipe.distill is None:
        return
    for path, objective in recipe.distill.named_objectives():
        if objective.uses_teacher:
            yield Problem(
                f"{objective.kind} asks a teacher, and there is no `teacher` section",
                path,
                hint="add a `teacher`, or train on labels alone: [{kind: hard-labels}]",
            )
    if recipe.distill.baseline:
        hint = "leave it out, or add a `teacher`"
        yield Problem("without a `teacher` the baseline is the student itself", "distill.baseline", hint=hint)


def _start_is_described_once(recipe: Recipe) -> Problems:
    student = recipe.student
    if student.run is None:
        if student.set:
            yield Problem("changes the recipe that `run` names, and there is none", "student.set", hint=NO_RUN)
        return
    for name in ("init", "revision", "sha256", "trust_remote_code"):
        if getattr(student, name) not in (None, False, "teacher"):
            message = "is for a model that `init` names, and `run` names another recipe"
            yield Problem(message, f"student.{name}", hint="leave one of the two out")
    if recipe.data is None:
        yield Problem("needs the data that the other recipe trains on: add a `data` section", "student.run")


def _builders_are_sound(recipe: Recipe) -> Problems:
    student = recipe.student
    if student.layers is not None:
        for problem in student.builders[0].problems():
            yield replace(problem, path="student.layers")
        if student.build:
            yield Problem("write it as one of `build`: {kind: layers, keep: ...}", "student.layers")
    yield from _own_problems(student.build, "student.build")


def _builders_fit_the_task(recipe: Recipe) -> Problems:
    for index, builder in enumerate(recipe.student.build):
        for problem in builder.unfit(task_spec(recipe.task)):
            yield replace(problem, path=f"student.build.{index}")


def _changed_students_are_trained(recipe: Recipe) -> Problems:
    if recipe.distill is not None:
        return
    if recipe.student.layers is not None:
        message = "nothing trains the student after its layers are cut out: add a `distill` section"
        yield Problem(message, "student.layers")
    for index, builder in enumerate(recipe.student.build):
        if builder.needs_training:
            message = f"nothing trains the student after {builder.kind!r} changed it: add a `distill` section"
            yield Problem(message, f"student.build.{index}")


def _length_is_set_once(recipe: Recipe) -> Problems:
    if recipe.data is not None and recipe.export.max_length is not None:
        hint = "set `data.max_length`, which holds for the training too"
        yield Problem("is for recipes without `data`", "export.max_length", hint=hint)


def _quantizers_are_sound(recipe: Recipe) -> Problems:
    yield from _own_problems(recipe.quantize, "quantize")
    for index, section in enumerate(recipe.quantize):
        if section.calibration_examples and recipe.data is None:
            yield Problem(f"{section.method} needs texts to calibrate with: add a `data` section", f"quantize.{index}")
        if section.control and (recipe.data is None or recipe.data.test_only):
            yield Problem(
                "nothing tells what is lost without a validation split: add a `data` section that has one",
                f"quantize.{index}.control",
            )


def _own_problems(components: Collection[ComponentSection], path: str) -> Problems:
    for index, component in enumerate(components):
        for problem in component.problems():
            yield replace(problem, path=f"{path}.{index}.{problem.path}" if problem.path else f"{path}.{index}")


def _labels_are_sound(recipe: Recipe) -> Problems:
    labels = recipe.data.labels if recipe.data else None
    if recipe.data is None or labels is None:
        return
    names = list(labels.values()) if isinstance(labels, dict) else list(labels)
    if len(set(names)) < 2 and task_spec(recipe.task).target == "one-label":
        yield Problem("a classifier needs at least two labels", "data.labels")
    if not isinstance(labels, dict) and (repeated := _repeated(labels)):
        yield Problem(f"the label {repeated[0]!r} is named twice", "data.labels", hint=TWICE)
    for dropped in sorted(set(recipe.data.drop_labels) & set(labels)):
        yield Problem(f"{dropped!r} is also one of `labels`: keep it or drop it", "data.drop_labels")


def _splits_are_sound(recipe: Recipe) -> Problems:
    if recipe.data is None:
        return
    split = recipe.data.split
    if split.group is not None and split.by is not None:
        yield Problem("splits are made by group or by time, not both", "data.split.by", hint="leave one out")
    if recipe.data.test_only:
        return
    carved = [rule for rule in (split.validation, split.test) if isinstance(rule, float)]
    if sum(carved) >= 1:
        yield Problem("validation and test leave nothing to train on: their sum must be below 1", "data.split")
    named = {"train": split.train, "validation": split.validation, "test": split.test}
    names = {role: rule for role, rule in named.items() if isinstance(rule, str)}
    for role, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        if role in names and names.get(other) == names[role]:
            message = f"{names[role]!r} is also used for {other}: the score would mean nothing"
            yield Problem(message, f"data.split.{role}", hint="name another split, or a share that is carved out: 0.1")
    if not isinstance(recipe.data.source, dict):
        return
    files = recipe.data.source
    for role, name in names.items():
        if name not in files:
            path = f"data.split.{role}" if role in split.model_fields_set else "data.source"
            yield Problem(f"`source` has no file for the split {name!r}", path, hint=suggest(name, list(files)))
    used = {name if isinstance(name, str) else role for role, name in named.items() if not isinstance(name, float)}
    for name in files:
        if name not in used:
            hint = f"use it under `split`, for example {{validation: {name}}}"
            yield Problem("no split uses this file", f"data.source.{name}", hint=hint)


def _packages_are_well_formed(recipe: Recipe) -> Problems:
    references = {"student.init": recipe.student.init}
    if recipe.teacher is not None and recipe.teacher.model is not None:
        references["teacher.model"] = recipe.teacher.model
    if recipe.teacher is not None and recipe.teacher.prompt is not None:
        references["teacher.prompt.model"] = recipe.teacher.prompt.model
    if recipe.teacher is not None and recipe.teacher.answers is not None:
        references["teacher.answers.source"] = recipe.teacher.answers.source
    if recipe.teacher is not None and recipe.teacher.ensemble is not None:
        members = enumerate(recipe.teacher.ensemble.members)
        references |= {f"teacher.ensemble.members.{index}.model": member.model for index, member in members}
    if recipe.data is not None:
        source = recipe.data.source
        files = {f"data.source.{name}": file for name, file in source.items()} if isinstance(source, dict) else {}
        single = {"data.source": source, "data.test": recipe.data.test}
        references |= files or {path: file for path, file in single.items() if isinstance(file, str)}
        for more in recipe.data.more:
            if isinstance(more.section, UnlabelledSection):
                references[f"{more.path}.source"] = more.section.source
        for index, kind in enumerate(recipe.data.augment.kinds if recipe.data.augment else ()):
            if isinstance(kind, ModelAugmentationSection):
                references[f"data.augment.kinds.{index}.model"] = kind.model
        if recipe.data.generate is not None:
            references["data.generate.model"] = recipe.data.generate.model
    for path, reference in references.items():
        scheme = reference.partition(":")[0]
        if scheme in ("wheel", "sdist") and not re.fullmatch(rf"{scheme}://[\w.-]+==[^/]+/.+", reference):
            yield Problem(f"must be {scheme}://name==version/path/inside/the/{scheme}", path)


def _variants_have_names_of_their_own(recipe: Recipe) -> Problems:
    names = [variant.name for variant in recipe.quantize]
    for index, name in enumerate(names):
        if name in RESERVED_NAMES:
            yield Problem(
                f"{name!r} is a name reports use for something else", f"quantize.{index}.name", hint=ANOTHER_NAME
            )
        elif name in names[:index]:
            yield Problem(f"two variants are called {name!r}", f"quantize.{index}.name", hint="give each a `name`")


def _chosen_variant_is_made(recipe: Recipe) -> Problems:
    joined = [recipe.cascade.name] if recipe.cascade else []
    known = ["fp32", *(variant.name for variant in recipe.quantize), *joined]
    if recipe.bundle.variant is not None and recipe.bundle.variant not in known:
        hint = suggest(recipe.bundle.variant, known)
        yield Problem(f"no variant is called {recipe.bundle.variant!r}", "bundle.variant", hint=hint)


def _cascade_is_possible(recipe: Recipe) -> Problems:
    return cascade_is_possible(recipe, RESERVED_NAMES)


def _measurements_are_distinct(recipe: Recipe) -> Problems:
    names = [target.name for target in recipe.benchmark.targets]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem(f"the target {name} is there twice", f"benchmark.targets.{index}", hint=TWICE)
    for precision in _repeated(recipe.benchmark.reference_precisions):
        yield Problem(f"{precision} is there twice", "benchmark.reference_precisions", hint=TWICE)
    kinds = [workload.kind for workload in recipe.benchmark.workloads]
    for index, workload in enumerate(recipe.benchmark.workloads):
        path = f"benchmark.workloads.{index}"
        if not isinstance(workload, GridWorkload) and workload.kind in kinds[:index]:
            yield Problem(f"the workload {workload.kind} is there twice", path, hint=TWICE)
        if isinstance(workload, DatasetWorkload | GridWorkload) and workload.max_seconds < workload.min_seconds:
            message = f"max_seconds ({workload.max_seconds:g}) is below min_seconds"
            yield Problem(message, path, hint="raise one or lower the other")


def _repeated(values: Collection[T]) -> list[T]:
    return [value for value, count in Counter(values).items() if count > 1]


# Each check, and the sections it reads.
_CHECKS: tuple[tuple[Callable[[Recipe], Problems], tuple[str, ...]], ...] = (
    (_data_has_a_source, ("data",)),
    (labels_are_there, ("task", "data", "teacher", "distill")),
    (pairs_are_there, ("task", "data", "teacher", "distill")),
    (_training_has_data, ("data", "teacher", "distill")),
    (_test_sets_are_not_trained_on, ("data", "teacher", "distill")),
    (columns_fit_the_task, ("task", "data")),
    (columns_without_names_are_numbers, ("task", "data")),
    (_labels_are_sound, ("data",)),
    (_splits_are_sound, ("data",)),
    (texts_are_sound, ("task", "data", "teacher", "distill")),
    (balance_is_possible, ("task", "data", "teacher", "distill")),
    (_teacher_is_there, ("teacher", "student", "distill")),
    (_start_is_described_once, ("student", "data")),
    (_builders_are_sound, ("student",)),
    (_builders_fit_the_task, ("task", "student")),
    (answers_are_chosen_soundly, ("task", "student")),
    (_changed_students_are_trained, ("student", "distill")),
    (_length_is_set_once, ("data", "export")),
    (labels_are_smoothed_soundly, ("task", "teacher")),
    (calibration_is_possible, ("teacher", "distill", "data", "task")),
    (trainings_are_possible, ("teacher", "distill")),
    (privacy_holds, ("task", "data", "teacher", "student", "distill", "quantize", "cascade")),
    (teacher_is_described_once, ("task", "teacher", "data")),
    (teacher_can_do_it, ("teacher", "student", "distill", "gates")),
    (objectives_are_sound, ("task", "data", "distill")),
    (objectives_fit_their_trainings, ("task", "data", "teacher", "distill")),
    (goals_are_sound, ("task", "data", "teacher", "distill")),
    (variants_can_be_trained_for, ("distill", "quantize")),
    (_packages_are_well_formed, ("data", "teacher", "student")),
    (_variants_have_names_of_their_own, ("quantize",)),
    (_quantizers_are_sound, ("quantize", "data")),
    (_chosen_variant_is_made, ("quantize", "cascade", "bundle")),
    (tokenizer_fits_the_graph, ("task", "data", "export", "bundle")),
    (unsure_can_be_chosen, ("task", "data", "bundle")),
    (_cascade_is_possible, ("task", "data", "quantize", "cascade")),
    (_measurements_are_distinct, ("benchmark",)),
    (seeds_are_sound, ("seeds", "distill")),
    (variants_are_sound, ("seeds", "variants")),
    (ranges_are_sound, ("tune",)),
    (tuning_has_a_goal, ("tune", "distill", "benchmark")),
    (audits_are_possible, ("task", "data", "audit")),
    (audit_gates_are_asked, ("data", "distill", "audit", "bundle", "gates")),
    *GATE_CHECKS,
)
