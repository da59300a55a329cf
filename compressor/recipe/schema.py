"""The recipe language as JSON schema, for editors and other programs."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from compressor.recipe.platforms import PLATFORMS
from compressor.recipe.recipe import Recipe

__all__ = ["json_schema", "schema_text"]

_EXTENDS = {
    "type": "string",
    "description": "A file, seen from this one, or the name of a shipped recipe. What stands here is merged on top: "
    "mappings key by key, everything else replaces; a section set to null is left out.",
}


class _WithoutTitles(GenerateJsonSchema):
    """Titles would only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a recipe file.

    A recipe that extends another may leave out what the other one holds: keys are required only without `extends`.
    """
    schema = Recipe.model_json_schema(schema_generator=_WithoutTitles)
    definitions = schema.pop("$defs")
    _add_platforms(schema["properties"]["quantize"], definitions)
    needed: dict[str, Any] = {"required": schema.pop("required"), "properties": {}}
    properties: dict[str, Any] = {"extends": _EXTENDS}
    for name, field in schema.pop("properties").items():
        for reference in _references(field):
            if required := definitions[reference].pop("required", None):
                needed["properties"][name] = {"required": required}
        properties[name] = _or_null(field) if name not in needed["required"] else field
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "compressor recipe",
        "properties": properties,
        "if": {"not": {"required": ["extends"]}},
        "then": needed,
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as it is committed in `recipes/schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _add_platforms(quantize: dict[str, Any], definitions: dict[str, Any]) -> None:
    """What a recipe may write among its variants, which loading replaces by variants."""
    platforms = []
    for kind in PLATFORMS.all().values():
        definitions[kind.__name__] = kind.model_json_schema(schema_generator=_WithoutTitles)
        platforms.append({"$ref": f"#/$defs/{kind.__name__}"})
    quantize["items"] = {"anyOf": [quantize["items"], *platforms]}


def _references(field: dict[str, Any]) -> list[str]:
    """Names of the sections a top-level key holds directly, not in a list."""
    choices = [field, *field.get("anyOf", [])]
    return [choice["$ref"].rpartition("/")[2] for choice in choices if "$ref" in choice]


def _or_null(field: dict[str, Any]) -> dict[str, Any]:
    if {"type": "null"} in field.get("anyOf", []):
        return field
    outer: dict[str, Any] = {key: field[key] for key in ("description", "default") if key in field}
    inner = {key: value for key, value in field.items() if key not in outer}
    return {**outer, "anyOf": [inner, {"type": "null"}]}
