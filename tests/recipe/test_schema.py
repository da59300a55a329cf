from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from compressor.recipe import json_schema, resolve, schema_text
from compressor.recipe.recipe import Recipe
from compressor.recipe.shipped import shipped
from tests.recipe.write import write

COMMITTED = Path(__file__).parents[2] / "recipes" / "schema.json"


def errors(recipe: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(json_schema()).iter_errors(recipe)]


def test_the_committed_schema_is_fresh() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == schema_text(), "run: compressor schema > recipes/schema.json"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_recipe_satisfies_the_committed_schema(name: str) -> None:
    Draft202012Validator(json.loads(COMMITTED.read_text(encoding="utf-8"))).validate(resolve(name))


def test_every_key_is_described() -> None:
    schema = json_schema()
    sections = {"the recipe": schema, **schema["$defs"]}
    bare = [
        f"{name}.{key}"
        for name, section in sections.items()
        for key, field in section["properties"].items()
        if not field.get("description")
    ]
    assert not bare


@pytest.mark.parametrize(
    "change",
    [
        {"nme": "x"},
        {"name": None},
        {"distill": {"epochs": 0}},
        {"distill": {"objectives": [{"kind": "soft-target"}]}},
        {"gates": {"speedup": "=> 3"}},
        {"teacher": {"model": "there", "finetune": {"epoch": 2}}},
        {"data": {"colums": {}}},
        {"quantize": [{"name": "int8"}]},
    ],
)
def test_an_editor_sees_the_mistake(change: dict[str, Any]) -> None:
    assert not errors({"name": "x"})
    assert errors({"name": "x"} | change)


def test_a_recipe_that_extends_another_may_be_partial(tmp_path: Path) -> None:
    write(tmp_path, "name: x\n", "base.yaml")
    text = "extends: base.yaml\nteacher: {finetune: {epochs: 1}}\ndata: {limit: 100}\ngates: null\nquantize: null\n"
    assert not errors(yaml.safe_load(text))
    assert errors(yaml.safe_load(text.replace("limit: 100", "limits: 100")))


def test_the_schema_leaves_the_models_alone() -> None:
    assert json_schema() == json_schema()
    assert Recipe.model_json_schema()["required"] == ["name"]
