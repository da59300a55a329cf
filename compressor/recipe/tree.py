"""YAML text as a tree in which every value remembers where it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from compressor.errors import Problem

__all__ = ["Node", "Place", "Reader", "merge", "parse", "place_of", "plain", "problem_at", "read_value"]

# Far above any recipe. Aliases of aliases can grow a few lines into billions of values.
_MOST_VALUES = 20_000
_DEEPEST = 30

_NULL = r"~|null|Null|NULL"
_BOOLEAN = r"true|True|TRUE|false|False|FALSE"
_INTEGER = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_FLOAT = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_HINTS = {
    "expected chomping or indentation indicators": 'put comparisons in quotation marks: ">= 0.97"',
    "'\\t' that cannot start any token": "indent with spaces, not with tabs",
    "but got '{'": "inside { } or [ ], put ${NAME} in quotation marks",
    "but found another document": "one file holds one recipe: leave out the lines `---` and `...`",
    "found undefined alias": "put texts that begin with `*` in quotation marks",
    "mapping values are not allowed here": "put texts that hold ': ' in quotation marks",
}
_LOOK_THERE = "look there and in the lines before for indentation, brackets, colons and quotation marks"
_NOT_SO_DEEP = f"no setting is {_DEEPEST} levels deep: look for a bracket too many"


@dataclass(frozen=True)
class Place:
    """Where a value comes from: a line of a file, or a `--set`."""

    file: Path | None = None
    line: int | None = None
    override: str | None = None


@dataclass(frozen=True)
class Node:
    """A value and its place; for a value of a mapping, the place of its key."""

    value: str | int | float | bool | dict[str, Node] | list[Node] | None
    place: Place


class Reader(yaml.SafeLoader):
    """Reads scalars as YAML 1.2 does, as editors and the JSON schema do.

    PyYAML alone reads YAML 1.1, where `no` is false, `3e-5` a text and `1:30` ninety.
    Source: YAML 1.2.2, section 10.3.2 (core schema).
    """

    # On the class, as PyYAML keeps it, though its stubs say otherwise.
    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {}  # type: ignore[misc]


# Integers before floats: every integer also looks like a float.
for _tag, _pattern in (("null", _NULL + "|"), ("bool", _BOOLEAN), ("int", _INTEGER), ("float", _FLOAT)):
    Reader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None)


def problem_at(place: Place, message: str, *, path: str = "", hint: str | None = None) -> Problem:
    """A problem that stands at this place."""
    return Problem(message, path, place.file, place.line, hint, place.override)


def parse(text: str, place: Place, problems: list[Problem], path: tuple[str, ...] = ()) -> Node | None:
    """Read YAML that came from `place` and stands at `path` of the recipe.

    What is wrong joins `problems`; None when nothing could be read.
    """
    dotted = ".".join(path)
    try:
        root = Reader(text).get_single_node()
        return None if root is None else _Converter(place, problems).convert(root, place, path)
    except _TooMany:
        message = f"holds more than {_MOST_VALUES} values, counting those behind aliases"
        hint = "`data.labels` may be left out: labels are then found in the data"
        problems.append(problem_at(place, message, path=dotted, hint=hint))
    except yaml.reader.ReaderError as error:
        message = f"not YAML: the character #x{error.character:04x} is not allowed"
        hint = "leave it out, or write it as \\x.. or \\u.... in double quotation marks"
        problems.append(problem_at(place, message, path=dotted, hint=hint))
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax_problem(error, place, dotted))
    except RecursionError:
        problems.append(problem_at(place, "is nested too deeply", path=dotted, hint=_NOT_SO_DEEP))
    return None


def read_value(text: str, place: Place, problems: list[Problem], path: tuple[str, ...] = ()) -> Node | None:
    """Read one value given outside a file: a number, true, false, null, a `[list]`, a `{mapping}`, a "quoted text".

    Anything else is the text as it stands, so that paths and model names need no care.
    """
    if text.lstrip().startswith(("[", "{", '"', "'")):
        return parse(text, place, problems, path)
    tag = next((tag for tag, pattern in Reader.yaml_implicit_resolvers[None] if pattern.match(text)), "str")
    try:
        return Node(_scalar(tag, text), place)
    except ValueError:
        hint = "put it in quotation marks if it is a text"
        problems.append(problem_at(place, f"can't read the number {text[:40]}", path=".".join(path), hint=hint))
        return None


def merge(base: Node, over: Node) -> Node:
    """`over` on top of `base`: mappings merge key by key, everything else is replaced."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        merged[key] = merge(merged[key], node) if key in merged else node
    return Node(merged, over.place)


def plain(node: Node) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def place_of(node: Node, path: str) -> Place:
    """Where the value at a dotted path was written, or the nearest one around it that was."""
    parts = path.split(".")
    while parts:
        if isinstance(node.value, list) and parts[0].isdecimal() and int(parts[0]) < len(node.value):
            node, parts = node.value[int(parts[0])], parts[1:]
            continue
        # Keys that somebody made up may hold dots too.
        keys = {count: ".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        count = next((count for count, key in keys.items() if isinstance(node.value, dict) and key in node.value), 0)
        if not count:
            break
        assert isinstance(node.value, dict)
        node, parts = node.value[keys[count]], parts[count:]
    return node.place


def _syntax_problem(error: yaml.MarkedYAMLError, place: Place, path: str) -> Problem:
    said = error.problem or "syntax error"
    hint = next((hint for part, hint in _HINTS.items() if part in said), _LOOK_THERE)
    mark = error.problem_mark or error.context_mark
    if mark and place.override is None:
        place = Place(place.file, mark.line + 1)
    return problem_at(place, f"not YAML: {said}", path=path, hint=hint)


def _scalar(tag: str, text: str) -> str | int | float | bool | None:
    """The value of a scalar with this tag. Raises ValueError for a text that isn't of it, KeyError for other tags."""
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind == "null":
        return None
    if kind == "bool":
        return {"true": True, "false": False}[text.lower()]
    if kind == "int":
        return int(text, 0 if text.startswith(("0o", "0x")) else 10)
    if kind == "float":
        return float(re.sub(r"\.(?=[a-zA-Z])", "", text))  # .inf and .nan
    return {"str": text}[kind]


class _TooMany(ValueError):
    """The rest isn't looked at."""


class _Converter:
    """Turns PyYAML's nodes into ours."""

    def __init__(self, origin: Place, problems: list[Problem]) -> None:
        self.origin = origin
        self.problems = problems
        self.values = 0
        self.open: set[int] = set()

    def convert(self, node: yaml.Node, place: Place, path: tuple[str, ...]) -> Node:
        self.values += 1
        if self.values > _MOST_VALUES:
            raise _TooMany
        if len(path) > _DEEPEST:
            self.complain(place, path[:3], "is nested too deeply", hint=_NOT_SO_DEEP)
            return Node(None, place)
        if id(node) in self.open:
            self.complain(place, path, "refers to itself through an alias", hint="leave the alias out")
            return Node(None, place)
        if isinstance(node, yaml.ScalarNode):
            return Node(self.scalar(node, place, path), place)
        self.open.add(id(node))
        converted: dict[str, Node] | list[Node]
        if isinstance(node, yaml.MappingNode):
            converted = self.mapping(node, path)
        else:
            converted = [
                self.convert(item, self.place(item), (*path, str(index))) for index, item in enumerate(node.value)
            ]
        self.open.remove(id(node))
        return Node(converted, place)

    def mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> dict[str, Node]:
        converted: dict[str, Node] = {}
        for key_node, value_node in node.value:
            place = self.place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.complain(place, path, "a key must be a single word or number")
                continue
            key = str(key_node.value)
            if key in converted:
                first = converted[key].place.line
                message = f"the key is given twice; first in line {first}"
                self.complain(place, (*path, key), message, hint="leave one of the two out")
                continue
            converted[key] = self.convert(value_node, place, (*path, key))
        return converted

    def scalar(self, node: yaml.ScalarNode, place: Place, path: tuple[str, ...]) -> str | int | float | bool | None:
        if not node.value and node.style is None:
            self.complain(place, path, "has no value", hint="write `null` to leave it out, `{}` for its defaults")
            return None
        try:
            return _scalar(node.tag, str(node.value))
        except (KeyError, ValueError):
            self.complain(place, path, f"can't read {str(node.value)[:40]!r} as {node.tag}", hint="leave out the tag")
            return None

    def place(self, node: yaml.Node) -> Place:
        return self.origin if self.origin.override else Place(self.origin.file, node.start_mark.line + 1)

    def complain(self, place: Place, path: tuple[str, ...], message: str, hint: str | None = None) -> None:
        self.problems.append(problem_at(place, message, path=".".join(path), hint=hint))
