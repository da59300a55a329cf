"""Whether the sections about more text fit the task, and themselves. Paths start at the section's own keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compressor.errors import Problem
from compressor.recipe.augment import (
    AugmentSection,
    GenerateSection,
    TextLimits,
    UnlabelledSection,
    labels_words,
)
from compressor.task_specs import TaskSpec

__all__ = ["augment_problems", "generate_problems", "unlabelled_problems"]

Problems = Iterator[Problem]


def augment_problems(section: AugmentSection, spec: TaskSpec) -> Problems:
    """What is wrong with `data.augment` for a task."""
    yield from _limits(section)
    kinds = section.kinds_for(spec)
    for index, kind in enumerate(kinds):
        for problem in kind.problems():
            yield replace(problem, path=f"kinds.{index}.{problem.path}".rstrip("."))
        if labels_words(spec) and not kind.keeps_words:
            fitting = "random-words, masked-model, swap-words, typos or noise"
            yield Problem(
                f"{kind.kind} doesn't keep the words apart as they were, which {spec.name} labels one by one",
                f"kinds.{index}",
                hint=f"use {fitting}",
            )
    if section.compose > len(kinds):
        yield Problem(f"only {len(kinds)} kinds are listed, and each changes a copy once", "compose")
    for index, role in enumerate(section.roles):
        if role not in spec.text_roles:
            hint = f"its texts are {', '.join(spec.text_roles)}"
            yield Problem(f"{spec.name} has no text {role!r}", f"roles.{index}", hint=hint)


def unlabelled_problems(section: UnlabelledSection, spec: TaskSpec) -> Problems:
    """What is wrong with `data.unlabelled` for a task."""
    yield from _limits(section)
    for role in section.columns:
        if role not in spec.text_roles:
            hint = f"its texts are {', '.join(spec.text_roles)}"
            yield Problem(f"{spec.name} has no text {role!r}", f"columns.{role}", hint=hint)


def generate_problems(section: GenerateSection) -> Problems:
    """What is wrong with `data.generate`."""
    yield from _limits(section)
    if section.prompt is None:
        return
    if not section.prompt.strip():
        yield Problem("is empty", "prompt", hint="leave it out for the usual one")
    elif section.examples and "{examples}" not in section.prompt:
        hint = "write {examples} where they go, or set `examples: 0`"
        yield Problem("has no place for the training texts", "prompt", hint=hint)


def _limits(section: TextLimits) -> Problems:
    if section.max_words is not None and section.max_words < section.min_words:
        yield Problem(f"is less than min_words, which is {section.min_words}", "max_words")
