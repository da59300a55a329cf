"""`--set a.b.0.c=value`: changes to a recipe from the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from compressor.errors import Problem
from compressor.recipe.environment import escape
from compressor.recipe.tree import Node, Place, problem_at, read_value

__all__ = ["apply_overrides", "override"]


class _Misplaced(ValueError):
    """The path leads nowhere in this recipe."""


def apply_overrides(tree: Node, overrides: Sequence[str], problems: list[Problem]) -> Node:
    """Set each `path=value` in turn. Values are read as YAML; a list or mapping replaces what was there.

    Missing mappings on the way are made; an index may be one past the end of its list, which appends.
    """
    for override in overrides:
        place = Place(override=override)
        path, equals, text = override.partition("=")
        path = path.strip()
        parts = path.split(".")
        if not equals or not all(parts):
            problems.append(problem_at(place, "must be PATH=VALUE", hint="for example distill.epochs=1"))
            continue
        if parts[0] == "extends":
            problems.append(problem_at(place, "`extends` can only be written in a file"))
            continue
        if not text.strip():
            hint = "write `null` to leave it out, `''` for an empty text"
            problems.append(problem_at(place, "has no value", path=path, hint=hint))
            continue
        value = read_value(text.strip(), place, problems, tuple(parts))
        if value is None:
            continue
        try:
            tree = _set(tree, parts, value, ())
        except _Misplaced as error:
            problems.append(problem_at(place, str(error), path=path, hint="`compressor schema` lists every setting"))
    return tree


def _set(node: Node | None, parts: Sequence[str], value: Node, above: tuple[str, ...]) -> Node:
    """`node` with `value` at the path `parts` below it."""
    if not parts:
        return value
    here, rest = parts[0], parts[1:]
    if node is None or node.value is None:
        node = Node([] if here == "0" else {}, value.place)
    if isinstance(node.value, dict):
        return Node({**node.value, here: _set(node.value.get(here), rest, value, (*above, here))}, node.place)
    name = ".".join(above)
    if not isinstance(node.value, list):
        raise _Misplaced(f"`{name}` is a single value, so nothing can be set inside it")
    count = len(node.value)
    if not here.isdecimal() or int(here) > count:
        known = f"its items are 0 to {count - 1}; {count} appends one" if count else "it is empty; 0 appends an item"
        raise _Misplaced(f"`{name}` is a list: {known}")
    items = list(node.value)
    index = int(here)
    items[index:] = [_set(items[index] if index < count else None, rest, value, (*above, here)), *items[index + 1 :]]
    return Node(items, node.place)


def override(key: str, value: Any) -> str:
    """A change as `--set` takes it: reading it gives this value, whatever its texts hold."""
    text = json.dumps(escape(value), ensure_ascii=False)
    # YAML reads no escaped surrogates, folds some line separators that JSON leaves as they are, and refuses controls.
    return f"{key}=" + "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in text)
