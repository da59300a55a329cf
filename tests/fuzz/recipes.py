"""Spoilt recipes: those that are shipped, and some on local data, with places of their trees or their text changed."""

from __future__ import annotations

import copy
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.command import ROOT
from tests.fuzz.case import Case, randomness
from tests.fuzz.raw import spoil_bytes, spoil_lines
from tests.fuzz.values import ODD_TEXTS, odd_value, spoil_tree

__all__ = ["make", "prepare"]

_LOCAL = {"name": "local", "data": {"source": "rows.csv", "max_length": 32}, "student": {"init": "folder"}}


def prepare(bases: Path) -> None:
    """Nothing: the recipes are there."""


def make(seed: int, bases: Path, folder: Path) -> Case:
    """A spoilt recipe, or a good one with spoilt `--set`."""
    chance = randomness("recipes", seed)
    file = folder / "recipe.yaml"
    number = chance.randrange(len(_texts()))
    name, text = _texts()[number]
    told: list[str] = [name]
    sets: list[str] = []
    way = chance.random()
    if way < 0.55:
        tree = copy.deepcopy(_trees()[number])
        times = chance.choice([1, 1, 1, 2, 4])
        told += [spoil_tree(chance, tree, _trees(), _words()) for _ in range(times)]
        content = _dumped(chance, tree).encode("utf-8", "surrogatepass")
    elif way < 0.85:
        for _ in range(chance.choice([1, 1, 2, 5])):
            text, how = spoil_lines(chance, text)
            told.append(how)
        content = _encoded(chance, text)
    elif way < 0.93:
        content, how = spoil_bytes(chance, text.encode())
        told.append(how)
    else:
        content = text.encode()
        sets = [_override(chance, _trees()[number]) for _ in range(chance.choice([1, 2]))]
        told.append(f"--set {sets}")
    file.write_bytes(content)
    options = [option for one in sets for option in ("--set", one)]
    plans = chance.random() < 0.2
    # A recipe that is sound may name what isn't there: then the source is the place, in quotation marks.
    # What it extends may be told by its own name.
    names = ("recipe.yaml", "--set", str(ROOT / "recipes"), *(["'"] if plans else []))
    return Case("; ".join(told), names, (("plan" if plans else "validate", file, *options),))


def _dumped(chance: random.Random, tree: Any) -> str:
    """As YAML in one of its styles, or as JSON, which is YAML too."""
    if chance.random() < 0.1:
        return json.dumps(tree, ensure_ascii=chance.random() < 0.5)
    flow, unicode_ = chance.choice([None, None, False, True]), chance.random() < 0.5
    return yaml.safe_dump(tree, sort_keys=False, default_flow_style=flow, allow_unicode=unicode_, width=200)


def _encoded(chance: random.Random, text: str) -> bytes:
    return text.encode(chance.choice(["utf-8"] * 12 + ["utf-8-sig", "utf-16", "latin-1"]), "replace")


def _override(chance: random.Random, tree: Any) -> str:
    """What `--set` may be given, sense or none."""
    parts: list[str] = []
    while isinstance(tree, dict | list) and tree and chance.random() < 0.8:
        key = chance.choice(list(tree)) if isinstance(tree, dict) else chance.randrange(len(tree) + 1)
        tree = tree[key] if isinstance(tree, dict) or key < len(tree) else None
        parts.append(str(key))
    if chance.random() < 0.4:
        parts.append(chance.choice((*_words(), *ODD_TEXTS)))
    value = odd_value(chance)
    shown = value if isinstance(value, str) and chance.random() < 0.7 else json.dumps(value)
    return f"{'.'.join(parts)}{chance.choice(['=', '=', '=', '=', '', '=='])}{shown}".replace("\0", "")


@cache
def _texts() -> tuple[tuple[str, str], ...]:
    shipped = [(path.name, path.read_text(encoding="utf-8")) for path in sorted((ROOT / "recipes").glob("*.yaml"))]
    return (*shipped, *[("local", yaml.safe_dump(_LOCAL, sort_keys=False))] * 3)


@cache
def _trees() -> tuple[Any, ...]:
    return tuple(yaml.safe_load(text) for _, text in _texts())


@cache
def _words() -> tuple[str, ...]:
    """Every key that a recipe may have somewhere, and every word that a value may be."""
    words: set[str] = set()
    waiting = [json.loads((ROOT / "recipes" / "schema.json").read_text(encoding="utf-8"))]
    while waiting:
        schema = waiting.pop()
        if isinstance(schema, dict):
            words |= set(schema.get("properties", {})) | {word for word in schema.get("enum", ()) if word}
            waiting += schema.values()
        elif isinstance(schema, list):
            waiting += schema
    return tuple(sorted(map(str, words)))
