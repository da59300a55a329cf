from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import load_recipe
from tests.recipe.write import only, problems_of, write


@pytest.mark.parametrize(
    "balance",
    ["{slice: place}", "{slice: 'name=\\bmaria\\b', by: group-and-label, max_weight: 5}", "{slice: 3}"],
)
def test_a_sound_balance_is_accepted(tmp_path: Path, balance: str) -> None:
    recipe = load_recipe(write(tmp_path), [f"data.balance={balance}", "data.augment={balance: true}"])
    assert recipe.data is not None and recipe.data.balance is not None
    assert recipe.data.balance.column == {"{slice: place}": "place", "{slice: 3}": "3"}.get(balance)


@pytest.mark.parametrize(
    ("overrides", "path", "said"),
    [
        (["data.balance={slice: 'odd=('}"], "data.balance.slice", "no regular expression"),
        (["data.balance={slice: '=not'}"], "data.balance.slice", "has no name"),
        (["data.balance={slice: ''}"], "data.balance.slice", "at least 1"),
        (["data.balance={by: group}"], "data.balance.slice", "missing"),
        (["data.balance={slice: place, max_weight: 1}"], "data.balance.max_weight", "more than 1"),
        (
            ["data={source: a.csv, header: false, columns: {text: 2, label: 1}, balance: {slice: place}}"],
            "data.balance.slice",
            "no number of a column",
        ),
        (
            ["data={test: a.csv, balance: {slice: place}}", "teacher=null", "distill=null", "student={init: org/a}"],
            "data.balance",
            "nothing is trained",
        ),
        (
            ["teacher.finetune=null", "distill=null", "student={init: org/a}", "data.balance={slice: place}"],
            "data.balance",
            "nothing is trained",
        ),
        (
            [
                "task=regression",
                "data={source: a.csv, columns: {text: text, label: stars}}",
                "gates=null",
                "data.balance={slice: place, by: group-and-label}",
            ],
            "data.balance.by",
            "one label a text",
        ),
        (
            [
                *("data.labelled=[test]", "data.labels=[bad, good]", "teacher.finetune=null"),
                *("distill.objectives=[{kind: soft-targets}]", "data.balance={slice: place, by: group-and-label}"),
            ],
            "data.balance.by",
            "`data.labelled` leaves out",
        ),
        (["data.augment={balance: true}"], "data.augment.balance", "weights of `data.balance`, and there is none"),
    ],
)
def test_what_cannot_be_balanced_is_refused_with_its_place(
    tmp_path: Path, overrides: list[str], path: str, said: str
) -> None:
    problem = only(problems_of(write(tmp_path), overrides))
    assert problem.path == path and said in problem.message
