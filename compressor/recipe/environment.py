"""`${NAME}` and `${NAME:-default}` in the texts of a recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from compressor.errors import Problem
from compressor.recipe.tree import Node, problem_at, read_value

__all__ = ["escape", "hide_secrets", "substitute"]

_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\}|(?P<malformed>\{))"
)

_SECRET = re.compile(r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASS(WORD|PHRASE|WD)|CREDENTIALS?)(_|$)", re.IGNORECASE)
"""Variables whose values had better not leave the machine."""
_SHORTEST_SECRET = 8
"""Characters. A shorter value may stand anywhere by chance."""


class _Unusable(ValueError):
    """A reference that is malformed, or names a variable that isn't set."""


def escape(value: Any) -> Any:
    """Plain data whose texts `substitute` turns back into those of `value`."""
    if isinstance(value, dict):
        return {key: escape(child) for key, child in value.items()}
    if isinstance(value, list):
        return [escape(child) for child in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def hide_secrets(value: Any, environment: Mapping[str, str]) -> Any:
    """Plain data that `escape` made, with `${NAME}` again where a text holds the value of a variable that is named like
    a secret: a token, a key, a password."""
    secrets = {
        f"${{{name}}}": escape(secret)
        for name, secret in environment.items()
        if _SECRET.search(name) and len(secret) >= _SHORTEST_SECRET
    }
    return _replaced(value, secrets)


def _replaced(value: Any, secrets: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(child, secrets) for key, child in value.items()}
    if isinstance(value, list):
        return [_replaced(child, secrets) for child in value]
    for reference, secret in secrets.items() if isinstance(value, str) else ():
        value = value.replace(secret, reference)
    return value


def substitute(node: Node, environment: Mapping[str, str], problems: list[Problem], path: tuple[str, ...] = ()) -> Node:
    """Replace references in every text below `node`; `$$` is a dollar sign.

    As in a shell, a default also stands in for an empty variable. A text that is one reference and nothing else is
    read as YAML afterwards, so that `epochs: ${EPOCHS:-3}` is a number.
    """
    if isinstance(node.value, dict):
        items = node.value.items()
        return Node({key: substitute(child, environment, problems, (*path, key)) for key, child in items}, node.place)
    if isinstance(node.value, list):
        children = enumerate(node.value)
        return Node([substitute(child, environment, problems, (*path, str(i))) for i, child in children], node.place)
    if not isinstance(node.value, str):
        return node
    try:
        text = _REFERENCE.sub(lambda match: _expand(match, environment), node.value)
    except _Unusable as error:
        hint = "${NAME:-default} gives a default"
        problems.append(problem_at(node.place, str(error), path=".".join(path), hint=hint))
        return Node(None, node.place)
    whole = _REFERENCE.fullmatch(node.value)
    if whole and whole["name"]:
        return read_value(text, node.place, problems, path) or Node(None, node.place)
    return Node(text, node.place)


def _expand(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "$"
    if match["malformed"]:
        raise _Unusable("`${` must be ${NAME} or ${NAME:-default}; write `$${` for a dollar sign and a brace")
    value = environment.get(match["name"])
    if match["default"] is not None:
        return value or match["default"][2:]
    if value is None:
        raise _Unusable(f"the environment variable {match['name']} is not set, and there is no default")
    return value
