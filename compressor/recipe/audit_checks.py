"""Whether an audit can be made of what a recipe has."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.problems import TWICE
from compressor.recipe.recipe import Recipe
from compressor.recipe.slice_checks import slice_is_sound
from compressor.recipe.trainings import trainings
from compressor.task_specs import task_spec

__all__ = ["audit_gates_are_asked", "audits_are_possible"]

_NEEDS = {
    **dict.fromkeys(
        ("attacked_accuracy", "attack_flipped", "attack_queries", "attack_changed"), ("attack", "attack: 100")
    ),
    **dict.fromkeys(("synonym_flipped", "synonym_moved"), ("synonyms", "synonyms: FILE")),
    **dict.fromkeys(("canary_exposure", "canary_found"), ("canaries", "canaries: {count: 20}")),
    "membership_auc": ("membership", "membership: true"),
    "membership_found": ("membership", "membership: true"),
    "out_of_domain_auc": ("outside", "outside: FILE"),
}
"""Figure -> the setting of `audit` that it needs, and how it is written."""
_NEED_THRESHOLD = ("unsure_answered", "unsure_wrong")
_NEED_TRAINING = (
    "near_duplicates",
    "without_near_duplicates",
    "near_duplicates_in_validation",
    "near_duplicates_of_validation",
)


def audits_are_possible(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `audit`."""
    section, data = recipe.audit, recipe.data
    if section is None:
        return
    if data is None:
        yield Problem("needs labelled text: add a `data` section", "audit")
        return
    for index, one in enumerate(section.slices):
        yield from slice_is_sound(one, f"audit.slices.{index}", header=data.header)
    for index, terms in enumerate(section.terms):
        if len(set(terms)) < len(terms):
            yield Problem("names a word twice", f"audit.terms.{index}", hint=TWICE)
    one_label = task_spec(recipe.task).target == "one-label"
    for name in ("membership", "outside", "attack", "canaries"):
        if getattr(section, name) and not one_label:
            yield Problem(f"is for one label a text, and {recipe.task} has none", f"audit.{name}", hint="leave it out")
    if section.membership and data.test_only:
        yield Problem("needs a training split, and `data` has a test split only", "audit.membership")
    elif section.membership and data.labelled is not None and not {"train", "test"} <= set(data.labelled):
        yield Problem("needs the labels of `train` and `test`, see `data.labelled`", "audit.membership")
    if section.canaries:
        yield from _canaries_are_trained_on(recipe)


def audit_gates_are_asked(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `gates.audit` that the recipe alone tells."""
    for name in recipe.gates.audit:
        path = f"gates.audit.{name}"
        if recipe.audit is None:
            yield Problem(
                "this gate needs an audit: add an `audit` section", path, hint="`audit: {}` is enough for most"
            )
        elif name in _NEED_TRAINING and recipe.data is not None and recipe.data.test_only:
            yield Problem("needs a training split, and `data` has a test split only", path)
        elif name in _NEED_THRESHOLD and recipe.bundle.unsure is None:
            hint = "bundle: {unsure: {wrong: '<= 0.05'}}"
            yield Problem("this gate is about a threshold that isn't chosen", path, hint=hint)
        elif name == "near_duplicates_made" and not (recipe.distill and recipe.data and recipe.data.more):
            yield Problem("is about texts that only the teacher labels, and `data` has none", path)
        elif name in _NEEDS and not getattr(recipe.audit, _NEEDS[name][0]):
            yield Problem("this gate is about a check that isn't made", path, hint=f"audit: {{{_NEEDS[name][1]}}}")


def _canaries_are_trained_on(recipe: Recipe) -> Iterator[Problem]:
    path, data = "audit.canaries", recipe.data
    assert data is not None
    if data.test_only or not any(trainings(recipe)):
        yield Problem("are for a training, and nothing is trained here", path, hint="leave it out")
    elif data.labelled is not None and "train" not in data.labelled:
        yield Problem("need the labels of `train`, see `data.labelled`", path)
    other = {"teacher.run": recipe.teacher and recipe.teacher.run, "student.run": recipe.student.run}
    for named in (name for name, run in {**other, "cascade": recipe.cascade}.items() if run):
        yield Problem(f"are planted in this recipe's training split alone, and {named} is trained on another", path)
