from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import Problem
from compressor.recipe.environment import escape, substitute
from compressor.recipe.tree import Node, Place, plain

PLACE = Place(Path("recipe.yaml"), 7)
ENVIRONMENT = {"TEACHER": "org/model", "EPOCHS": "3", "RATE": "3e-5", "EMPTY": "", "LAYERS": "[0, 1]", "YEAR": "'2024'"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${TEACHER}", "org/model"),
        ("models/${TEACHER}/x", "models/org/model/x"),
        ("${EPOCHS}", 3),
        ("${RATE}", 3e-5),
        ("run-${EPOCHS}", "run-3"),
        ("${LAYERS}", [0, 1]),
        ("${YEAR}", "2024"),
        ("${UNSET:-4}", 4),
        ("${EMPTY:-4}", 4),
        ("${EMPTY}", None),
        ("${UNSET:-}", None),
        ("a${EMPTY}b", "ab"),
        ("$$", "$"),
        ("$${TEACHER}", "${TEACHER}"),
        ("US$5 and $x", "US$5 and $x"),
    ],
)
def test_references_are_replaced(text: str, value: object) -> None:
    problems: list[Problem] = []
    assert plain(substitute(Node(text, PLACE), ENVIRONMENT, problems)) == value
    assert not problems


@pytest.mark.parametrize("text", ["${UNSET}", "a ${UNSET} b", "${}", "${a-b}", "${UNCLOSED", "${1}"])
def test_an_unusable_reference_is_a_problem_with_path_and_line(text: str) -> None:
    problems: list[Problem] = []
    substitute(Node({"a": Node([Node(text, PLACE)], PLACE)}, PLACE), {}, problems)
    assert [(problem.path, problem.line) for problem in problems] == [("a.0", 7)]
    assert "UNSET" not in text or "UNSET is not set" in problems[0].message


def test_the_value_of_a_variable_is_not_searched_for_references() -> None:
    node = substitute(Node("x${A}", PLACE), {"A": "${B}$$"}, [])
    assert node.value == "x${B}$$"


@given(st.text("${}A:-b "))
def test_an_escaped_text_comes_back(text: str) -> None:
    problems: list[Problem] = []
    assert substitute(Node(escape(text), PLACE), {}, problems).value == text
    assert not problems
