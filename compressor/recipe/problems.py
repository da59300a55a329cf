"""What pydantic found wrong with a recipe, in plain words, at the line where it was written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from compressor.errors import Problem, listed, shortened
from compressor.recipe.components import OneOf
from compressor.recipe.recipe import Recipe
from compressor.recipe.tree import Node, place_of, problem_at

__all__ = ["ANOTHER_NAME", "NO_RUN", "TWICE", "explain", "suggest"]

TWICE = "leave one of the two out"
ANOTHER_NAME = "give it another `name`"
NO_RUN = "name one in `run`, or leave `set` out"
"""Hints of several checks."""

Keys = tuple[str, ...]

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping",
    "none_required": "null",
    "string_type": "text",
    "tuple_type": "a list",
}
_BOUNDS = {
    "greater_than": ("more than {}", "gt"),
    "greater_than_equal": ("at least {}", "ge"),
    "less_than": ("less than {}", "lt"),
    "less_than_equal": ("at most {}", "le"),
}
# Every pattern a section uses, in words; a test compares the two.
PATTERNS = {
    r"^[0-9a-f]{64}$": "64 hexadecimal digits in lower case",
    r"^[a-z0-9][a-z0-9-]*$": "made of lower-case letters, digits and hyphens",
    r"^[a-z][a-z0-9-]*$": "made of lower-case letters, digits and hyphens, a letter first",
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": "made of letters, digits, dots, hyphens and underscores, no sign first",
    r'^[^"\r\n]$': "one character, no quotation mark and no line break",
}


def suggest(word: str, known: Collection[str]) -> str:
    """A hint for a word that isn't among the known ones: the nearest, else all of them."""
    lowered = {name.lower().replace("_", "-"): name for name in known}
    # A word that is far longer than any name is like none, and comparing it takes long.
    near = difflib.get_close_matches(word[:200].lower().replace("_", "-"), list(lowered), n=1, cutoff=0.7)
    return f"did you mean `{lowered[near[0]]}`?" if near else f"known here: {listed(known, most=30)}"


def explain(error: ValidationError, data: Mapping[str, Any], tree: Node) -> list[Problem]:
    """One problem for each place of `data` that `error` complains about, in the order of the recipe's fields."""
    found: dict[Keys, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_path(detail, data), []).append(detail)
    # Of a choice of types, the one that fits best complains deepest: its complaint is the useful one.
    above = {path[:length] for path in found for length in range(len(path))}
    problems = []
    for path, details in found.items():
        if path not in above:
            message, hint = _describe(path, details, data)
            dotted = ".".join(path)
            problems.append(problem_at(place_of(tree, dotted), message, path=dotted, hint=hint))
    return problems


def _path(detail: ErrorDetails, data: Any) -> Keys:
    """The path in `data`: pydantic's own path also holds the names of the types it tried."""
    path: list[str] = []
    for position, part in enumerate(detail["loc"]):
        if _holds(data, part):
            data = data[part]
        elif not (detail["type"] == "missing" and position == len(detail["loc"]) - 1):
            continue
        path.append(str(part))
    if detail["type"] == "union_tag_invalid":
        path.append(_tag(detail))
    return tuple(path)


def _tag(detail: ErrorDetails) -> str:
    """The key that tells the kinds of a choice apart."""
    return str(detail["ctx"]["discriminator"]).strip("'")


def _holds(data: Any, part: int | str) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _describe(path: Keys, details: list[ErrorDetails], data: Mapping[str, Any]) -> tuple[str, str | None]:
    """What is wrong at `path`, and a hint."""
    detail = details[0]
    kind, value = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return "is not a known key", _hint_for_key(path, data)
    if kind == "missing":
        choices = _tags(path[:-1], data, path[-1])
        return "is missing", f"one of: {', '.join(choices)}" if choices else _description(path, data)
    if kind == "union_tag_not_found":
        return f"needs the key `{_tag(detail)}`", f"one of: {', '.join(_tags(path, data, _tag(detail)))}"
    if kind == "union_tag_invalid":
        tag, word = path[-1], value[path[-1]]
        return f"there is no {tag} {shortened(repr(word))}", suggest(str(word), _tags(path[:-1], data, tag))
    if kind == "gate":
        return detail["msg"], None
    expected = list(dict.fromkeys(words for each in details for words in _expectations(each)))
    if len(expected) > 1 and "null" in expected:
        expected.remove("null")
    choices = [choice for each in details if each["type"] == "literal_error" for choice in _choices(each)]
    if choices and isinstance(value, str):
        as_number = (_hint_for_value(value, each) for each in details)
        hint: str | None = next(filter(None, as_number), None) or suggest(value, choices)
    else:
        hint = _hint_for_value(value, detail) if len(details) == 1 else _description(path, data)
    return f"must be {' or '.join(expected)}, and is {_shown(value)}", hint


def _expectations(detail: ErrorDetails) -> Iterator[str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _EXPECTED:
        yield _EXPECTED[kind]
    elif kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        yield words.format(str(context[name]).removesuffix(".0"))
    elif kind == "literal_error":
        yield from _choices(detail)
    elif kind == "string_pattern_mismatch":
        yield PATTERNS.get(context["pattern"], f"of the form {context['pattern']}")
    elif kind == "too_short":
        yield f"a {'mapping' if context['field_type'] == 'Dictionary' else 'list'} of at least {context['min_length']}"
    elif kind == "too_long":
        yield f"a list of at most {context['max_length']}"
    else:
        yield f"otherwise ({detail['msg']})"


def _choices(detail: ErrorDetails) -> list[str]:
    return re.findall(r"'([^']*)'", detail.get("ctx", {})["expected"])


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return f"the text {value[:60]!r}" if isinstance(value, str) else f"the number {shortened(str(value))}"


def _hint_for_value(value: Any, detail: ErrorDetails) -> str | None:
    if detail["type"] == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotation marks to make it a text"
    wants_number = detail["type"] in ("float_type", "int_type")
    if wants_number and isinstance(value, str) and re.fullmatch(r"[-+.\deE]*\d[-+.\deE]*", value):
        return "leave out the quotation marks"
    return None


def _hint_for_key(path: Keys, data: Mapping[str, Any]) -> str:
    """Where an unknown key may belong: here under another spelling, else one section further down."""
    key = path[-1]
    if key == "<<":
        return "YAML's merge keys are not read; use `extends`"
    models = _models_at(path[:-1], data)
    known = [name for model in models for name in model.model_fields]
    for model in models:
        for name, field in model.model_fields.items():
            if key not in known and any(key in inner.model_fields for inner in _models_in(field.annotation)):
                return f"it belongs in `{'.'.join((*path[:-1], name))}`"
    return suggest(key, known)


def _description(path: Keys, data: Mapping[str, Any]) -> str | None:
    for model in _models_at(path[:-1], data):
        if path[-1] in model.model_fields:
            return model.model_fields[path[-1]].description
    return None


def _tags(path: Keys, data: Mapping[str, Any], tag: str) -> list[str]:
    """What the key `tag` of the section at `path` may be, where it is one of a few words."""
    fields = [model.model_fields[tag] for model in _models_at(path, data) if tag in model.model_fields]
    return [
        str(name) for field in fields if get_origin(field.annotation) is Literal for name in get_args(field.annotation)
    ]


def _models_at(path: Keys, data: Any) -> list[type[BaseModel]]:
    """The sections the value at `path` may be: more than one where its kind isn't told."""
    models: list[type[BaseModel]] = [Recipe]
    for part in path:
        data = data[int(part)] if isinstance(data, list) else data.get(part) if isinstance(data, dict) else None
        if not part.isdecimal():
            fields = [model.model_fields[part] for model in models if part in model.model_fields]
            models = [inner for field in fields for inner in _models_in(field.annotation)]
        if isinstance(data, dict):
            models = [model for model in models if _is_kind(model, data)] or models
    return models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    components = [argument for argument in get_args(annotation) if isinstance(argument, OneOf)]
    for one_of in components:
        yield from one_of.configs().values()
    if not components:
        for argument in get_args(annotation):
            yield from _models_in(argument)


def _is_kind(model: type[BaseModel], data: Mapping[str, Any]) -> bool:
    """Whether every key that tells kinds apart has the value this model wants."""
    return all(
        data.get(name) in get_args(field.annotation)
        for name, field in model.model_fields.items()
        if field.is_required() and get_origin(field.annotation) is Literal
    )
