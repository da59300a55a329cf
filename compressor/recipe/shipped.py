"""The recipes that come with compressor."""

from __future__ import annotations

from pathlib import Path

from compressor.errors import RecipeError
from compressor.overwrite import claim_file
from compressor.recipe.problems import suggest

__all__ = ["copy", "shipped", "show"]


def shipped() -> dict[str, Path]:
    """Names and files of the shipped recipes: beside this file once installed, in `recipes/` of a checkout."""
    installed = Path(__file__).parent / "shipped_recipes"
    folder = installed if installed.is_dir() else Path(__file__).parents[2] / "recipes"
    return {file.stem: file for file in sorted(folder.glob("*.yaml"), key=lambda file: file.stem)}


def show(name: str) -> str:
    """The text of a shipped recipe, comments and all.

    Raises:
        RecipeError: no recipe of that name is shipped.
    """
    recipes = shipped()
    if name not in recipes:
        raise RecipeError(f"There is no shipped recipe {name!r}.", hint=suggest(name, list(recipes)))
    return recipes[name].read_text(encoding="utf-8")


def copy(name: str, destination: Path, *, overwrite: bool = False) -> Path:
    """Write a shipped recipe to a file, or under its own name into a folder; returns the file.

    Shipped recipes extend nothing, so the copy stands alone. The editor's line is left out where it would point to
    a schema that isn't there.

    Raises:
        RecipeError: no recipe of that name is shipped, the file is there already, or it can't be written.
    """
    text = show(name)
    file = destination / f"{name}.yaml" if destination.is_dir() else destination
    claim_file(file, overwrite=overwrite)
    first, _, rest = text.partition("\n")
    if first.startswith("# yaml-language-server") and not (file.parent / "schema.json").is_file():
        text = rest
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{file} can't be written: {error.strerror}.") from error
    return file
