"""Sources of texts that only the teacher labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import dump_recipe, load_recipe
from tests.recipe.write import problems_of, write


@pytest.mark.parametrize(
    ("select", "path", "words"),
    [
        ("{}", "data.augment.select", "keeps all texts"),
        ("{min_confidence: 0.8, by: diversity}", "data.augment.select.by", "says which texts `keep` takes"),
        ("{min_confidence: 0.8, clusters: 8}", "data.augment.select.clusters", "says which texts `keep` takes"),
    ],
)
def test_a_choice_that_chooses_nothing_is_refused(tmp_path: Path, select: str, path: str, words: str) -> None:
    (problem,) = problems_of(write(tmp_path), [f"data.augment={{select: {select}}}"])
    assert problem.path == path and words in problem.message and problem.hint


@pytest.mark.parametrize("select", ["{min_confidence: 0.8}", "{keep: 0.5}", "{keep: 9, by: diversity, clusters: 8}"])
def test_texts_are_chosen_by_number_by_confidence_or_both(tmp_path: Path, select: str) -> None:
    recipe = load_recipe(write(tmp_path), [f"data.augment={{select: {select}}}"])
    assert load_recipe(write(tmp_path, dump_recipe(recipe), "again.yaml")) == recipe


def test_numbers_have_no_confidence_to_choose_by(tmp_path: Path) -> None:
    overrides = ["task=regression", "gates=null", "data.augment={select: {min_confidence: 0.8}}"]
    (problem,) = problems_of(write(tmp_path), overrides)
    assert problem.path == "data.augment.select" and "have no probabilities" in problem.message
