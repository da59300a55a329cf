"""Values that a program may not have thought of, and ways to change a tree of values."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["ODD_TEXTS", "odd_value", "spoil_tree"]

ODD_TEXTS = (
    "",
    " ",
    "\0",
    "\t\n",
    "\x1b[31mred\x1b[0m",
    "\u202eright to left",
    "e\u0301\u200d\ufeff",
    "\U0001f600" * 3,
    "ﬁ\u2028\u2029",
    "../../precious.txt",
    "/etc/passwd",
    "C:\\Windows\\system.ini",
    "file:///etc/passwd",
    "-1",
    "1e999",
    "0x10",
    "null",
    "~",
    "${HOME}",
    "${",
    "$$",
    "%s %d {0} {name}",
    "__class__",
    "a" * 300,
    "nan",
    "teacher",
    "int8",
    ">= 0.9",
    "<= -inf",
    "*",
    "wheel://x==1/../../y",
    "sdist://x==1/",
    "hub://a/b@c",
    "org/name",
    "[UNK]",
)
ODD_NUMBERS: tuple[int | float, ...] = (
    0,
    -1,
    1,
    2,
    3,
    7,
    0.5,
    -0.0,
    1e-300,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    2**31,
    2**63,
    2**64 + 1,
    10**30,
    -(10**400),
    100_000,
)
Path = tuple[str | int, ...]


def odd_value(chance: random.Random) -> Any:
    """Any value of YAML or JSON."""
    simple: tuple[Callable[[], Any], ...] = (
        lambda: None,
        lambda: chance.choice([True, False]),
        lambda: chance.choice(ODD_NUMBERS),
        lambda: chance.choice(ODD_TEXTS),
    )
    some: tuple[Callable[[], Any], ...] = (
        *simple,
        *simple,
        lambda: [],
        lambda: {},
        lambda: _many(chance),
        lambda: _deep(chance),
    )
    return chance.choice(some)()


def spoil_tree(chance: random.Random, tree: Any, grafts: tuple[Any, ...] = (), words: tuple[str, ...] = ()) -> str:
    """Change one place of a tree of dictionaries and lists; tells how.

    Args:
        grafts: trees that values may be taken from.
        words: keys that may mean something.
    """
    paths = [path for path, _ in _walk(tree) if path]
    if not paths:
        return "nothing to change"
    path = chance.choice(paths)
    holder = _at(tree, path[:-1])
    ways = (_remove, _replace, _replace, _replace, _rename, _wrap, _double, _move, _add, _add, _graft, _stretch)
    how = chance.choice(ways)
    told = how(chance, holder, path[-1], _Stock(tree, grafts, words))
    return f"{'.'.join(map(str, path))[:80]}: {told[:120]}"


class _Stock:
    """Where values and keys are taken from."""

    def __init__(self, tree: Any, grafts: tuple[Any, ...], words: tuple[str, ...]) -> None:
        self.tree = tree
        self.grafts = grafts or (tree,)
        self.words = words or ODD_TEXTS


def _remove(chance: random.Random, holder: Any, key: Any, _: _Stock) -> str:
    del holder[key]
    return "removed"


def _replace(chance: random.Random, holder: Any, key: Any, _: _Stock) -> str:
    holder[key] = odd_value(chance)
    return f"set to {holder[key]!r}"


def _rename(chance: random.Random, holder: Any, key: Any, stock: _Stock) -> str:
    if not isinstance(holder, dict):
        return _replace(chance, holder, key, stock)
    text = str(key)
    place = chance.randrange(len(text) + 1)
    names = (text[:place] + text[place + 1 :], text[:place] + "_" + text[place:], text.upper())
    new = chance.choice((*names, chance.choice(stock.words), chance.choice(ODD_TEXTS)))
    holder[new] = holder.pop(key)
    return f"renamed to {new!r}"


def _wrap(chance: random.Random, holder: Any, key: Any, _: _Stock) -> str:
    value = holder[key]
    holder[key] = chance.choice([[value], {"a": value}, str(value), [value, value], {str(value)[:50]: value}])
    return f"wrapped: {str(holder[key])[:60]}"


def _double(chance: random.Random, holder: Any, key: Any, stock: _Stock) -> str:
    value = holder[key]
    if isinstance(value, list) and value:
        value.append(copy.deepcopy(chance.choice(value)))
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(value))
    else:
        holder[chance.choice(stock.words)] = copy.deepcopy(value)
    return "doubled"


def _move(chance: random.Random, holder: Any, key: Any, stock: _Stock) -> str:
    value = holder[key]
    del holder[key]
    homes = [home for _, home in _walk(stock.tree) if isinstance(home, dict)]
    chance.choice(homes or [{}])[str(key)] = value
    return "moved"


def _add(chance: random.Random, holder: Any, key: Any, stock: _Stock) -> str:
    word = chance.choice(stock.words)
    home = holder[key] if isinstance(holder[key], dict) else holder
    if isinstance(home, dict):
        home[word] = odd_value(chance)
        return f"{word!r} added: {str(home[word])[:60]}"
    home.insert(chance.randrange(len(home) + 1), odd_value(chance))
    return "an item added"


def _graft(chance: random.Random, holder: Any, key: Any, stock: _Stock) -> str:
    """A value of another tree: where that has one of this name, often that one."""
    everything = [(path, value) for path, value in _walk(chance.choice(stock.grafts)) if path]
    alike = [value for path, value in everything if path[-1] == key]
    if not everything:
        return "nothing to graft"
    holder[key] = copy.deepcopy(chance.choice(alike if alike and chance.random() < 0.5 else [v for _, v in everything]))
    return f"grafted: {str(holder[key])[:80]}"


def _stretch(chance: random.Random, holder: Any, key: Any, _: _Stock) -> str:
    value, times = holder[key], chance.choice([10, 1_000])
    if isinstance(value, bool) or value is None:
        holder[key] = [value] * times
    elif isinstance(value, int | float):
        holder[key] = value * chance.choice([-1, 0, 10, 10**6, 10**12])
    elif isinstance(value, str):
        holder[key] = value * times
    elif isinstance(value, list):
        holder[key] = value * times if len(value) < 100 else value[:1]
    elif isinstance(value, dict):
        holder[key] = {**value, **{f"k{number}": number for number in range(times)}}
    return f"stretched: {str(holder[key])[:60]}"


def _many(chance: random.Random) -> list[Any]:
    return [chance.choice((*ODD_NUMBERS[:12], *ODD_TEXTS)) for _ in range(chance.randint(1, 5))]


def _deep(chance: random.Random) -> Any:
    value: Any = 1
    for _ in range(chance.choice([3, 40, 200])):
        value = [value] if chance.random() < 0.5 else {"a": value}
    return value


def _walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place of a tree, as deep as people go."""
    yield path, value
    if len(path) > 12:
        return
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(inner):
        yield from _walk(child, (*path, key))


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree
