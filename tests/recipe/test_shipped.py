from __future__ import annotations

import re
from pathlib import Path

import pytest

from compressor.errors import RecipeError
from compressor.recipe import load_recipe, resolve
from compressor.recipe import shipped as module
from compressor.recipe.shipped import copy, shipped, show

NAMES = sorted(file.stem for file in (Path(__file__).resolve().parents[2] / "recipes").glob("*.yaml"))


def test_the_recipes_are_found() -> None:
    assert list(shipped()) == NAMES
    assert {"export-only", "quickstart", "reviews-mpnet", "sst2-bert"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_recipe_loads_with_nothing_set_and_can_be_copied(name: str) -> None:
    """Wherever a copy lies: what it extends is called by its name, and shipped too."""
    recipe = load_recipe(name, environment={})
    assert recipe.name == name
    extended = re.findall(r"^extends: (.*)$", show(name), re.MULTILINE)
    assert set(extended) <= set(NAMES)
    assert show(name).startswith("# yaml-language-server: $schema=schema.json\n")


def test_an_installed_package_finds_them_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shipped_recipes").mkdir()
    (tmp_path / "shipped_recipes" / "mine.yaml").write_text("name: mine\n", encoding="utf-8")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "shipped.py"))
    assert list(shipped()) == ["mine"]


def test_show_gives_the_comments_too_and_refuses_unknown_names() -> None:
    assert "# plot summaries are not reviews" in show("reviews-mpnet")
    with pytest.raises(RecipeError, match="did you mean `quickstart`"):
        show("quick-start")


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_the_same_recipe(name: str, tmp_path: Path) -> None:
    file = copy(name, tmp_path / "new" / "mine.yaml")
    assert resolve(file) == resolve(name)
    assert copy(name, tmp_path) == tmp_path / f"{name}.yaml"


def test_a_copy_points_to_a_schema_only_where_there_is_one(tmp_path: Path) -> None:
    assert "schema.json" not in copy("quickstart", tmp_path).read_text(encoding="utf-8")
    (tmp_path / "schema.json").write_text("{}", encoding="utf-8")
    assert copy("quickstart", tmp_path, overwrite=True).read_text(encoding="utf-8") == show("quickstart")


def test_a_copy_overwrites_only_when_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("precious", encoding="utf-8")
    with pytest.raises(RecipeError, match="is there already"):
        copy("quickstart", file)
    assert file.read_text(encoding="utf-8") == "precious"
    copy("quickstart", file, overwrite=True)
    assert "quickstart" in file.read_text(encoding="utf-8")


def test_a_copy_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RecipeError, match="can't be written"):
        copy("quickstart", tmp_path / "file" / "mine.yaml")
