from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import dump_recipe, load_recipe
from tests.recipe.write import only, problems_of, write


@pytest.mark.parametrize("unsure", ["{wrong: '<= 0.05'}", "{wrong: '< 0.1'}", "{answered: '>= 0.9'}"])
def test_a_sound_promise_is_accepted(tmp_path: Path, unsure: str) -> None:
    section = load_recipe(write(tmp_path), [f"bundle.unsure={unsure}"]).bundle.unsure
    assert section is not None and section.words.replace("'", "") in unsure.replace(":", "").replace("'", "")


def test_a_recipe_without_it_is_dumped_as_ever(tmp_path: Path) -> None:
    assert "unsure" not in dump_recipe(load_recipe(write(tmp_path)))


@pytest.mark.parametrize(
    ("overrides", "path", "said"),
    [
        (["bundle.unsure={}"], "bundle.unsure", "one promise"),
        (["bundle.unsure={wrong: '<= 0.05', answered: '>= 0.9'}"], "bundle.unsure", "one promise"),
        (["bundle.unsure={wrong: '>= 0.05'}"], "bundle.unsure.wrong", "an upper bound"),
        (["bundle.unsure={answered: '<= 0.9'}"], "bundle.unsure.answered", "a lower bound"),
        (["bundle.unsure={wrong: '<= 5'}"], "bundle.unsure.wrong", "share from 0 to 1"),
        (["bundle.unsure={wrong: 0.05}"], "bundle.unsure.wrong", "a comparison and a number"),
        (
            [
                *("data={test: a.csv}", "teacher=null", "distill=null", "student={init: org/a}", "gates=null"),
                "bundle.unsure={wrong: '<= 0.05'}",
            ],
            "bundle.unsure",
            "validation split",
        ),
    ],
)
def test_what_no_threshold_can_keep_is_refused_with_its_place(
    tmp_path: Path, overrides: list[str], path: str, said: str
) -> None:
    problem = only(problems_of(write(tmp_path), overrides))
    assert problem.path == path and said in problem.message


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("task=multi-label-classification", "one label a text"),
        ("data.labelled=[train, test]", "labels of the validation split"),
    ],
)
def test_it_needs_one_label_a_text_and_those_of_validation(tmp_path: Path, override: str, said: str) -> None:
    found = problems_of(write(tmp_path), [override, "bundle.unsure={wrong: '<= 0.05'}"])
    assert any(one.path == "bundle.unsure" and said in one.message for one in found)
