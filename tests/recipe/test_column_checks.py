from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import load_recipe
from tests.recipe.write import problems_of, write

PLAIN = "data.header=false"


@pytest.mark.parametrize("columns", ["{text: 2, label: 1}", "{text: '2', label: '1'}"])
def test_columns_without_names_are_numbers_with_or_without_quotation_marks(tmp_path: Path, columns: str) -> None:
    recipe = load_recipe(write(tmp_path), [PLAIN, f"data.columns={columns}", "data.split={group: 3}"])
    assert recipe.data is not None
    assert recipe.data.columns == {"text": "2", "label": "1"} and recipe.data.split.group == "3"


def test_a_header_is_the_rule_and_changes_no_dump(tmp_path: Path) -> None:
    data = load_recipe(write(tmp_path), ["data.header=true"]).data
    assert data is not None and data.header and "header" not in data.model_dump()


@pytest.mark.parametrize(
    ("overrides", "found"),
    [
        ([PLAIN], [("data.columns.text", "'text' is no number"), ("data.columns.label", "'label' is no number")]),
        (
            [PLAIN, "data.columns={}"],
            [("data.columns", "needs a column for `text`"), ("data.columns", "needs a column for `label`")],
        ),
        ([PLAIN, "data.columns={text: 2, label: [1, 0]}"], [("data.columns.label", "'0' is no number")]),
        (
            [PLAIN, "data.columns={text: 2, label: 1}", "data.split={group: film}"],
            [("data.split.group", "'film' is no number")],
        ),
        (["data.columns={text: 1.5, label: x}"], [("data.columns.text", "must be text")]),
        (["data.columns={text: true, label: x}"], [("data.columns.text", "must be text")]),
        (
            ["data.unlabelled={source: a.csv, header: false}"],
            [("data.unlabelled.columns", "needs a column for `text`")],
        ),
        (
            ["data.unlabelled=[{source: a.csv, header: false, columns: {text: 1}, where: {kind: plot}}]"],
            [("data.unlabelled.0.where.kind", "'kind' is no number")],
        ),
    ],
)
def test_columns_that_are_no_numbers_are_refused_where_none_has_a_name(
    tmp_path: Path, overrides: list[str], found: list[tuple[str, str]]
) -> None:
    problems = problems_of(write(tmp_path), overrides)
    assert [problem.path for problem in problems] == [path for path, _ in found]
    assert all(said in problem.message for problem, (_, said) in zip(problems, found, strict=True))
