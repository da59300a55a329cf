from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import Problem
from compressor.recipe.tree import Node, Place, merge, parse, place_of, plain, read_value

FILE = Place(Path("recipe.yaml"), 1)


def read(text: str) -> tuple[Node | None, list[Problem]]:
    problems: list[Problem] = []
    return parse(text, FILE, problems), problems


def value_of(text: str) -> object:
    tree, problems = read(text)
    assert tree is not None
    assert not problems
    return plain(tree)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-5", 3e-5),
        ("1e4", 1e4),
        ("3.0e-5", 3e-5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", -math.inf),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        # What YAML 1.1 would turn into something else.
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("e5", "e5"),
        ("1e", "1e"),
        ("'3e-5'", "3e-5"),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
    ],
)
def test_scalars_are_read_as_yaml_1_2(text: str, value: object) -> None:
    assert value_of(f"a: {text}") == {"a": value}
    assert type(value_of(f"a: {text}")["a"]) is type(value)  # type: ignore[index]


def test_label_mappings_keep_their_keys_as_written() -> None:
    assert value_of("{0: negative, 1: positive, 2.50: mixed}") == {"0": "negative", "1": "positive", "2.50": "mixed"}


def test_places_are_those_of_keys_and_items() -> None:
    tree, _ = read("a:\n\n  b: 1\n  c:\n    - x\n    - {d: 2,\n       e: 3}\n")
    assert tree is not None
    lines = {path: place_of(tree, path).line for path in ("a", "a.b", "a.c", "a.c.0", "a.c.1", "a.c.1.d", "a.c.1.e")}
    assert lines == {"a": 1, "a.b": 3, "a.c": 4, "a.c.0": 5, "a.c.1": 6, "a.c.1.d": 6, "a.c.1.e": 7}


def test_the_place_of_a_missing_value_is_that_of_what_should_hold_it() -> None:
    tree, _ = read("a:\n  b: [1]\n")
    assert tree is not None
    assert place_of(tree, "a.b.7").line == 2
    assert place_of(tree, "a.z.y").line == 1


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "not YAML", ""),
        ("a: 1\nb: >= 0.97\n", 2, "not YAML", "quotation marks"),
        ("a:\n\tb: 1\n", 2, "not YAML", "tabs"),
        ("a: {b: ${NAME}}\n", 1, "not YAML", "quotation marks"),
        ("a: b: c\n", 1, "not YAML", "quotation marks"),
        ("a: 1\nb: 2\na: 3\n", 3, "given twice; first in line 1", ""),
        ("a: 1\n? [x, y]\n: 2\n", 2, "single word", ""),
        ("a: 1\nb: !!python/name:os.system x\n", 2, "can't read", "tag"),
        ("a: !!int x\n", 1, "can't read", "tag"),
        ("a: &x [*x]\n", 1, "refers to itself", ""),
        ("a:\nb: 1\n", 1, "has no value", "null"),
        ("a: 1\n--- \nb: 1\n", 2, "not YAML", ""),
        ("a: " + "9" * 5000, 1, "can't read", ""),
        ("a: \x07", 1, "not allowed", ""),
    ],
)
def test_unreadable_yaml_is_a_problem_with_its_line(text: str, line: int, message: str, hint: str) -> None:
    _, problems = read(text)
    assert len(problems) == 1
    assert problems[0].line == line
    assert message in problems[0].message
    assert hint in (problems[0].hint or "")


def test_aliases_work_and_cannot_blow_up() -> None:
    assert value_of("a: &x [1]\nb: *x\n") == {"a": [1], "b": [1]}
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    _, problems = read(bomb)
    assert "values" in problems[0].message


def test_deep_nesting_is_a_problem_not_a_crash() -> None:
    _, problems = read("[" * 5000)
    assert "nested too deeply" in problems[0].message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("3e-5", 3e-5),
        ("null", None),
        ("[0, 1]", [0, 1]),
        ("{a: [x]}", {"a": ["x"]}),
        ("'3'", "3"),
        ("wheel://a==1/b", "wheel://a==1/b"),
        ("a #b: c", "a #b: c"),
        (">= 0.97", ">= 0.97"),
        ("*x", "*x"),
    ],
)
def test_a_value_outside_a_file_is_a_number_a_collection_or_the_text_itself(text: str, value: object) -> None:
    node = read_value(text, FILE, [])
    assert node is not None
    assert node.value == value or plain(node) == value


keys = st.text("abc", min_size=1, max_size=2)
trees = st.recursive(
    st.none() | st.integers() | st.text("xyz", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


def node_of(value: object, place: Place) -> Node:
    if isinstance(value, dict):
        return Node({key: node_of(child, place) for key, child in value.items()}, place)
    if isinstance(value, list):
        return Node([node_of(child, place) for child in value], place)
    return Node(value, place)  # type: ignore[arg-type]


def merged_plainly(base: object, over: object) -> object:
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            key: merged_plainly(base[key], over[key]) if key in base and key in over else {**base, **over}[key]
            for key in [*base, *(key for key in over if key not in base)]
        }
    return over


@given(trees, trees, trees)
def test_merging_is_deep_and_associative_and_keeps_places(first: object, second: object, third: object) -> None:
    a, b, c = (node_of(value, Place(Path(f"{i}.yaml"), i + 1)) for i, value in enumerate((first, second, third)))
    assert plain(merge(a, b)) == merged_plainly(first, second)
    if all(isinstance(value, dict) for value in (first, second, third)):
        assert plain(merge(merge(a, b), c)) == plain(merge(a, merge(b, c)))
    if isinstance(first, dict) and isinstance(second, dict):
        for key in second:
            assert place_of(merge(a, b), key) == b.place
