from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import Problem
from compressor.recipe.override import apply_overrides
from compressor.recipe.tree import Node, Place, parse, place_of, plain

FILE = Place(Path("recipe.yaml"), 1)
TEXT = "name: x\ndistill:\n  epochs: 3\n  objectives:\n    - {kind: a, weight: 1}\n    - {kind: b}\ngates: null\n"


def apply(*overrides: str, text: str = TEXT) -> tuple[Node, list[Problem]]:
    problems: list[Problem] = []
    tree = parse(text, FILE, [])
    assert tree is not None
    return apply_overrides(tree, overrides, problems), problems


def value_at(tree: Node, path: str) -> object:
    value = plain(tree)
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("distill.epochs=1", "distill.epochs", 1),
        ("distill.learning_rate=3e-5", "distill.learning_rate", 3e-5),
        ("distill.objectives.0.weight=0.5", "distill.objectives.0", {"kind": "a", "weight": 0.5}),
        ("distill.objectives.2={kind: c}", "distill.objectives.2", {"kind": "c"}),
        ("distill.objectives=[]", "distill.objectives", []),
        ("distill=null", "distill", None),
        ("teacher.finetune.epochs=2", "teacher", {"finetune": {"epochs": 2}}),
        ("gates.speedup=>= 3", "gates", {"speedup": ">= 3"}),
        ("data.source=a=b.csv", "data.source", "a=b.csv"),
        ("quantize.0.method=dynamic", "quantize", [{"method": "dynamic"}]),
        (" name = y ", "name", "y"),
        ("name=''", "name", ""),
    ],
)
def test_an_override_sets_its_value_and_nothing_else(override: str, path: str, value: object) -> None:
    tree, problems = apply(override)
    assert not problems
    assert value_at(tree, path) == value
    top = path.split(".", maxsplit=1)[0]
    before, _ = apply()
    assert {k: v for k, v in plain(tree).items() if k != top} == {k: v for k, v in plain(before).items() if k != top}


def test_later_overrides_win_and_see_earlier_ones() -> None:
    tree, problems = apply("distill.epochs=1", "distill.epochs=2", "distill={}", "distill.epochs=5")
    assert not problems
    assert plain(tree)["distill"] == {"epochs": 5}


def test_what_an_override_set_says_so() -> None:
    tree, _ = apply("distill.objectives.1.weight=2")
    assert place_of(tree, "distill.objectives.1.weight") == Place(override="distill.objectives.1.weight=2")
    assert place_of(tree, "distill.objectives.1.kind").line == 6


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("distill.epochs", "PATH=VALUE"),
        ("=1", "PATH=VALUE"),
        ("distill..epochs=1", "PATH=VALUE"),
        ("distill.epochs=", "no value"),
        ("distill.objectives.3.weight=1", "2 appends one"),
        ("distill.objectives.-1.weight=1", "0 to 1"),
        ("distill.objectives.first.weight=1", "is a list"),
        ("name.first=1", "single value"),
        ("name=[1", "not YAML"),
        ("name={a: 1, a: 2}", "given twice"),
        ("extends=other", "only be written in a file"),
        ("name=" + "9" * 5000, "number"),
    ],
)
def test_a_malformed_override_is_a_problem_of_its_own(override: str, message: str) -> None:
    _, problems = apply(override)
    assert len(problems) == 1
    assert message in problems[0].message
    assert problems[0].override == override
    assert str(problems[0]).startswith(f"--set {override}: ")


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4), st.integers())
def test_what_is_set_can_be_read_back_at_its_path(parts: list[str], value: int) -> None:
    path = ".".join(parts)
    tree, problems = apply(f"{path}={value}")
    assert not problems
    assert value_at(tree, path) == value
