"""Whether what a training is to reach can be had."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.distill import PhaseSection
from compressor.recipe.label_checks import validation_is_unlabelled
from compressor.recipe.problems import suggest
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["goals_are_sound"]


def goals_are_sound(recipe: Recipe) -> Iterator[Problem]:
    """Problems of every `until`."""
    if recipe.distill is None:
        return
    sections: dict[str, PhaseSection] = {"distill": recipe.distill}
    sections |= {f"distill.phases.{number}": phase for number, phase in enumerate(recipe.distill.phases)}
    spec, labelled = task_spec(recipe.task), not validation_is_unlabelled(recipe)
    known = [metric.name for metric in spec.metrics]
    for path, section in sections.items():
        if section.until is None:
            continue
        if path == "distill" and recipe.distill.phases:
            yield Problem("each phase ends by itself", "distill.until", hint="write it in the phase that it is for")
        if section.until.quality_retained is None and not section.until.metrics:
            yield Problem("says nothing that is to be reached", f"{path}.until", hint="{quality_retained: '>= 0.97'}")
        if section.until_teacher and recipe.teacher is None:
            message = "compares with a teacher, and there is no `teacher` section"
            yield Problem(message, f"{path}.until.quality_retained", hint="name `metrics` in its place")
        elif section.until_teacher and not labelled:
            message = "compares how often teacher and student are right, and nothing tells that in validation"
            yield Problem(message, f"{path}.until.quality_retained", hint="give its labels, or say `epochs`")
        for name in section.until.metrics:
            if name not in known:
                hint = suggest(name, known)
                yield Problem(f"{recipe.task} has no metric {name!r}", f"{path}.until.metrics.{name}", hint=hint)
            elif not labelled and spec.target_role in spec.roles and not spec.metric(name).only_beside:
                message = "needs the labels of the validation split, which `data.labelled` leaves out"
                yield Problem(message, f"{path}.until.metrics.{name}", hint="add them, or say `epochs`")
        if "epochs" in section.model_fields_set:
            message = "is not for a training with `until`, which ends by itself"
            yield Problem(message, f"{path}.epochs", hint="say `until: {max_epochs: ...}` in its place")
