"""Whether the models of a recipe fit it, as far as their `config.json` tells: asked before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from compressor.bench.subject import position_limit
from compressor.errors import Problem, RecipeError
from compressor.json_file import read_object
from compressor.recipe.augment import ModelAugmentationSection
from compressor.recipe.recipe import Recipe

if TYPE_CHECKING:
    from compressor.distill.architecture import Layout

__all__ = ["check_augmentations", "check_models"]


def check_models(recipe: Recipe, *, teacher: Path | None, student: Path | None, built: bool = False) -> None:
    """Refuse layers that aren't there, texts longer than a model takes, and architectures nothing is known of.

    Args:
        teacher, student: folders of the models that these start from; None where there is none.
        built: `student` is the finished student, not what it starts from.

    Raises:
        RecipeError: what doesn't fit, with the key that says so.
    """
    for section, folder in (("teacher.model", teacher), ("student.init", student)):
        if folder is not None:
            _check_length(recipe, section, folder)
    if student is None:
        return
    made = _layout(student, "student.init", trusted=recipe.trusts_student)
    for builder in () if built else recipe.student.builders:
        # A builder that can't tell ends what is known; one that doesn't fit refuses.
        made = builder.layout(made) if made is not None else None
    taught = _layout(teacher, "teacher.model", trusted=recipe.trusts_teacher) if teacher is not None else None
    if recipe.distill is not None and made is not None and taught is not None:
        for _, objective in recipe.distill.named_objectives():
            objective.build(made, taught)


def check_augmentations(recipe: Recipe, models: Mapping[str, Path]) -> None:
    """Refuse models that can't change texts.

    Args:
        models: reference, as `data.augment` names it -> folder; those that weren't fetched are left out.

    Raises:
        RecipeError: what doesn't fit, with the key that says so.
    """
    problems = []
    for index, kind in enumerate(recipe.data.augment.kinds if recipe.data and recipe.data.augment else ()):
        if not isinstance(kind, ModelAugmentationSection) or kind.model not in models:
            continue
        if why := kind.unfit(read_object(models[kind.model] / "config.json")):
            path = f"data.augment.kinds.{index}.model"
            problems.append(Problem(why, path, hint="take one that was trained for it"))
    if problems:
        raise RecipeError(problems)


def _check_length(recipe: Recipe, section: str, folder: Path) -> None:
    key, length = (
        ("data.max_length", recipe.data.max_length) if recipe.data else ("export.max_length", recipe.export.max_length)
    )
    limit = position_limit(folder)
    if length is not None and limit is not None and length > limit:
        raise RecipeError(
            [
                Problem(
                    f"is {length}, and the model of {section} takes at most {limit} tokens",
                    path=key,
                    hint=f"set it to {limit} or less",
                )
            ]
        )


def _layout(folder: Path, section: str, *, trusted: bool) -> Layout | None:
    """Depth and width by `config.json` alone; None where code that the recipe trusts says how it is read."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    from compressor.architectures import auto_class
    from compressor.distill.architecture import Layout

    config = read_object(folder / "config.json")
    architecture = config.pop("model_type", None)
    known = auto_class("AutoConfig")
    if architecture not in CONFIG_MAPPING:
        if trusted and "auto_map" in config:
            return None
        raise RecipeError(
            [
                Problem(
                    f"transformers knows no architecture {architecture!r}, which its config.json names"
                    if architecture
                    else "its config.json names no architecture (model_type)",
                    path=section,
                    hint="take a checkpoint that transformers can load",
                )
            ]
        )
    try:
        return Layout.of(known.for_model(architecture, **config))
    except (AttributeError, TypeError, ValueError):
        return None  # loading the model tells what is wrong, in its own words
