"""A recipe as YAML that reads back as the same recipe."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import yaml

from compressor.recipe.environment import escape, hide_secrets
from compressor.recipe.recipe import Recipe
from compressor.recipe.tree import Reader

__all__ = ["dump_recipe"]


class _Writer(yaml.SafeDumper):
    """Quotes whatever YAML 1.1 or 1.2 would read as something other than text."""

    # On the class, as PyYAML keeps it, though its stubs say otherwise; None holds rules for any first character.
    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {  # type: ignore[misc]
        **{first: list(rules) for first, rules in yaml.SafeDumper.yaml_implicit_resolvers.items()},
        None: list(Reader.yaml_implicit_resolvers[None]),
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # PyYAML writes some line separators raw and reads them as spaces; between double quotes it escapes them.
        node = super().represent_str(data)
        node.style = None if data.isprintable() else '"'
        return node


_Writer.add_representer(str, _Writer.represent_str)


def dump_recipe(recipe: Recipe, environment: Mapping[str, str] | None = None) -> str:
    """YAML with every setting spelt out, the defaults too: what `recipe.resolved.yaml` holds.

    A secret of the environment (`os.environ` unless given) stays a reference, `${HF_TOKEN}`.
    """
    data = hide_secrets(escape(recipe.model_dump(mode="json")), os.environ if environment is None else environment)
    return yaml.dump(data, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=120)
