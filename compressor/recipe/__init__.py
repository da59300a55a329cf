"""The recipe language: frozen section models, loading, overrides, explained errors, the JSON schema."""

from __future__ import annotations

from compressor.recipe.dump import dump_recipe
from compressor.recipe.load import load_recipe, resolve
from compressor.recipe.recipe import Recipe
from compressor.recipe.schema import json_schema, schema_text

__all__ = ["Recipe", "dump_recipe", "json_schema", "load_recipe", "resolve", "schema_text"]
