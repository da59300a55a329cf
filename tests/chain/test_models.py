from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compressor.chain.models import hub_origins
from tests.chain import recipes

WHEEL = "wheel://tiny-model==1.0/tiny_model"


@pytest.mark.parametrize(
    ("changes", "base_model"),
    [
        ({}, "org/large"),
        ({"student": {"init": "org/small"}}, "org/small"),
        ({"student": {"init": "hub://org/small"}}, "org/small"),
        ({"student": {"init": WHEEL}}, None),
        ({"teacher": {"model": "./folder"}}, None),
        (
            {"teacher": {"ensemble": {"members": [{"model": "a/b"}, {"model": "c/d"}]}}, "student": {"init": WHEEL}},
            None,
        ),
    ],
)
def test_the_card_names_the_hub_model_whose_weights_the_student_began_with(
    tmp_path: Path, reviews_csv: Path, changes: dict[str, Any], base_model: str | None
) -> None:
    recipe = {**recipes.full(reviews_csv, tmp_path), "teacher": {"model": "org/large"}, **changes}
    assert hub_origins(recipes.load(tmp_path, recipe)) == {"base_model": base_model, "dataset": None}


def test_the_card_names_the_hub_data_set(tmp_path: Path, reviews_csv: Path) -> None:
    recipe = recipes.full(reviews_csv, tmp_path)
    recipe["data"] = {"source": "org/reviews"}
    assert hub_origins(recipes.load(tmp_path, recipe))["dataset"] == "org/reviews"
    recipe["data"] = {"source": {"train": str(reviews_csv), "test": str(reviews_csv)}, "split": {"test": "test"}}
    assert hub_origins(recipes.load(tmp_path, recipe))["dataset"] is None


def test_a_recipe_without_data_and_teacher_has_no_data_set(tmp_path: Path) -> None:
    loaded = recipes.load(tmp_path, {"name": "tiny", "student": {"init": "org/finished"}})
    assert hub_origins(loaded) == {"base_model": "org/finished", "dataset": None}
