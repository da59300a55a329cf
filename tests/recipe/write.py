"""Recipes written for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from compressor.errors import Problem, RecipeError
from compressor.recipe import load_recipe

BASE = """\
name: base
data: {source: reviews.csv, columns: {text: text, label: label}}
teacher:
  model: some/teacher
  finetune: {epochs: 2}
student: {init: teacher, layers: [0, 1]}
distill:
  epochs: 3
  objectives:
    - {kind: soft-targets, weight: 0.9}
    - {kind: hard-labels, weight: 0.1}
quantize: [{name: int8, method: dynamic}]
gates: {accuracy_retained: ">= 0.9"}
"""


def write(folder: Path, text: str = BASE, name: str = "recipe.yaml") -> Path:
    """A recipe file with this text."""
    file = folder / name
    file.write_text(dedent(text), encoding="utf-8")
    return file


def problems_of(
    file: Path | str, overrides: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> list[Problem]:
    """What loading complains about."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(file, overrides, environment or {})
    return caught.value.problems


def only(problems: list[Problem]) -> Problem:
    """The single problem that was found."""
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]
