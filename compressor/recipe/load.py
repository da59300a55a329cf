"""From a recipe file to a `Recipe`, or to a list of everything that is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from compressor.errors import Problem, RecipeError, shortened
from compressor.recipe.checks import check
from compressor.recipe.environment import substitute
from compressor.recipe.override import apply_overrides
from compressor.recipe.platforms import expand_platforms
from compressor.recipe.problems import explain, suggest
from compressor.recipe.recipe import Recipe
from compressor.recipe.shipped import shipped
from compressor.recipe.tree import Node, Place, merge, parse, place_of, plain, problem_at

__all__ = ["load_recipe", "recipe_from", "resolve"]

_MOST_BYTES = 1 << 20
"""Of one file. The longest recipes have some KiB; reading YAML takes seconds for each MiB."""


def load_recipe(
    path: Path | str, overrides: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Recipe:
    """Read the recipe at `path`, or the shipped recipe of that name.

    What it `extends` comes first, then the file, then `overrides` ("distill.epochs=1"), then `${NAME}` from the
    environment (`os.environ` unless given).

    Raises:
        RecipeError: with every problem of the files, the overrides and the recipe they make.
    """
    tree, problems = _assemble(path, overrides, environment)
    recipe = None if tree is None else _validate(tree, problems)
    if recipe is None or problems:
        raise RecipeError(_sorted(problems))
    return recipe


def recipe_from(data: Mapping[str, Any]) -> Recipe:
    """The recipe that plain data describe, checked as one from a file is.

    Raises:
        RecipeError: with every problem found.
    """
    problems: list[Problem] = []
    tree = parse(yaml.safe_dump(dict(data), sort_keys=False), Place(None, 1), problems)
    recipe = None if tree is None else _validate(tree, problems)
    if recipe is None or problems:
        raise RecipeError(_sorted(problems))
    return recipe


def resolve(
    path: Path | str, overrides: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The merged recipe as plain data: nothing checked, nothing added.

    Raises:
        RecipeError: a file can't be read, an override or a reference to the environment can't be followed.
    """
    tree, problems = _assemble(path, overrides, environment)
    if tree is None or problems:
        raise RecipeError(_sorted(problems))
    data: dict[str, Any] = plain(tree)
    return data


def _assemble(
    path: Path | str, overrides: Sequence[str], environment: Mapping[str, str] | None
) -> tuple[Node | None, list[Problem]]:
    problems: list[Problem] = []
    environment = os.environ if environment is None else environment
    file = _locate(str(path), Path())
    if file is None:
        return None, [Problem(_absent(str(path)), hint=suggest(str(path), list(shipped())))]
    tree = _read(file, (), environment, problems)
    changed = apply_overrides(tree or Node({}, Place(file)), overrides, problems)
    return (None if tree is None else substitute(changed, environment, problems)), problems


def _locate(reference: str, folder: Path) -> Path | None:
    """A file, seen from `folder`, or a shipped recipe."""
    file = folder / reference
    # os.path.isfile, because Path.is_file raises for a name that is too long or may not be looked at.
    return file if os.path.isfile(file) else shipped().get(reference)  # noqa: PTH113


def _absent(reference: str) -> str:
    return f"there is no file and no shipped recipe {shortened(reference)!r}"


def _read(file: Path, above: tuple[Path, ...], environment: Mapping[str, str], problems: list[Problem]) -> Node | None:
    """The file on top of what it extends; `above` are the files that led here. None if any of them is unreadable."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem("is not UTF-8 text", file=file, hint="save it as UTF-8"))
        return None
    except OSError as error:
        problems.append(Problem(f"can't be read: {error.strerror}", file=file, hint="give a file that may be read"))
        return None
    if len(content) > _MOST_BYTES:
        hint = "lists of thousands of labels may be left out: labels are found in the data"
        problems.append(Problem(f"is larger than {_MOST_BYTES >> 10:,} KiB, which no recipe is", file=file, hint=hint))
        return None
    before = len(problems)
    tree = parse(text, Place(file, 1), problems)
    if tree is None or not isinstance(tree.value, dict):
        if len(problems) == before:
            message = "is empty" if tree is None else "must be a mapping of sections, such as `name: reviews`"
            hint = "`compressor recipes cp quickstart FILE` makes one to begin with"
            problems.append(Problem(message, file=file, hint=hint))
        return None
    for section in ("teacher", "student", "cascade"):
        _locate_other(section, tree.value, file, environment, problems)
    if "extends" not in tree.value:
        return tree
    extends = substitute(tree.value["extends"], environment, problems, ("extends",))
    if extends.value is None and len(problems) > before:
        return None
    own = Node({key: node for key, node in tree.value.items() if key != "extends"}, tree.place)
    if extends.value is None:
        return own
    base = _read_base(extends, file, above, environment, problems)
    return None if base is None else merge(base, own)


def _locate_other(
    section: str, sections: dict[str, Node], file: Path, environment: Mapping[str, str], problems: list[Problem]
) -> None:
    """The recipe that `run` of a section names is seen from the file that names it, wherever that is extended."""
    named = sections.get(section)
    if named is None or not isinstance(named.value, dict) or "run" not in named.value:
        return
    path = f"{section}.run"
    run = substitute(named.value["run"], environment, problems, (section, "run"))
    if not isinstance(run.value, str):
        return
    found = _locate(run.value, file.parent)
    if found is None:
        hint = suggest(run.value, list(shipped()))
        problems.append(problem_at(run.place, _absent(run.value), path=path, hint=hint))
    elif file.samefile(found):
        problems.append(problem_at(run.place, "is this recipe itself", path=path, hint="name another recipe"))
    else:
        named.value["run"] = Node(str(found), run.place)


def _read_base(
    extends: Node, file: Path, above: tuple[Path, ...], environment: Mapping[str, str], problems: list[Problem]
) -> Node | None:
    if not isinstance(extends.value, str):
        problems.append(problem_at(extends.place, "must be the name of one file or shipped recipe", path="extends"))
        return None
    base = _locate(extends.value, file.parent)
    chain = (*above, file)
    if base is None:
        hint = suggest(extends.value, list(shipped()))
        problems.append(problem_at(extends.place, _absent(extends.value), path="extends", hint=hint))
        return None
    if any(base.samefile(one) for one in chain):
        circle = shortened(" -> ".join(str(one) for one in (*chain, base)), 300)
        hint = "leave `extends` out of one of them"
        problems.append(problem_at(extends.place, f"goes round in a circle: {circle}", path="extends", hint=hint))
        return None
    return _read(base, chain, environment, problems)


def _validate(tree: Node, problems: list[Problem]) -> Recipe | None:
    """The recipe, or None; adds what is wrong with it, except where something is reported already."""
    tree = expand_platforms(tree, problems)
    # A section set to null is left out: that is how a recipe drops a section of the one it extends.
    data = {key: value for key, value in plain(tree).items() if value is not None}
    reported = {problem.path for problem in problems if problem.path}
    recipe = None
    found: list[Problem] = []
    try:
        recipe = _parse(data)
    except ValidationError as error:
        found = explain(error, data, tree)
    unknown = [key for key in data if key not in Recipe.model_fields]
    broken = {path.split(".")[0] for path in reported} | {problem.path.split(".")[0] for problem in found}
    broken |= {name for key in unknown for name in _meant(key)} | set(unknown)
    sound = recipe or _parse({"name": "unnamed"} | {key: data[key] for key in data if key not in broken})
    for problem in check(sound, broken):
        place = place_of(tree, problem.path)
        found.append(problem_at(place, problem.message, path=problem.path, hint=problem.hint))
    problems += [problem for problem in found if not reported & set(_paths_to(problem.path))]
    return recipe


def _paths_to(path: str) -> list[str]:
    """`a`, `a.b` and `a.b.c` for `a.b.c`."""
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _parse(data: Mapping[str, Any]) -> Recipe:
    # Strict, so that `epochs: true` is not 1; and as JSON, where strictness allows what YAML can write.
    return Recipe.model_validate_json(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"), strict=True)


def _meant(key: str) -> list[str]:
    """The section a misspelt key stands for, whose absence must not be reported too."""
    return [name for name in Recipe.model_fields if suggest(key, [name]).startswith("did you mean")]


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (str(problem.file or ""), problem.line or 0))
