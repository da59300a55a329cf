"""Where a model will live, in place of variants: `quantize: [{platform: web}]` becomes the variants that fit there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from compressor.errors import Problem
from compressor.recipe.components import ComponentSection, component_registry
from compressor.recipe.problems import suggest
from compressor.recipe.tree import Node, Place, place_of, plain, problem_at

__all__ = ["PLATFORMS", "PlatformSection", "expand_platforms"]

_KEY = "platform"
_BESIDE = {"ort_format"}
"""What a variant may have more than an equal one without being another variant."""


class PlatformSection(ComponentSection):
    """Somewhere a model will live. The platforms themselves are in `deploy/platforms/`.

    A subclass declares `platform: Literal["its-name"]`, its options as fields, and `variants`.
    """

    platform: str

    def variants(self) -> Sequence[Mapping[str, Any]]:
        """What stands for it in `quantize`, as a recipe writes it: a `name` and settings that are single values."""
        raise NotImplementedError


PLATFORMS = component_registry("compressor.deploy.platforms", "compressor.platforms", PlatformSection, _KEY)


def expand_platforms(tree: Node, problems: list[Problem]) -> Node:
    """A recipe with variants in the place of each platform that `quantize` names; what is wrong joins `problems`.

    Two platforms that want the same variant share it, and so do a platform and a variant that is written out. Behind
    this, nothing knows of platforms: plans, keys and reports have variants.
    """
    quantize = tree.value.get("quantize") if isinstance(tree.value, dict) else None
    if quantize is None or not isinstance(quantize.value, list):
        return tree
    assert isinstance(tree.value, dict)
    items: list[_Item] = []
    for index, node in enumerate(quantize.value):
        if isinstance(node.value, dict) and _KEY in node.value:
            variants = _variants(node, f"quantize.{index}", problems)
            items += [_Item(_node(variant, node.place), True) for variant in variants]
        else:
            items.append(_Item(node, False))
    return Node({**tree.value, "quantize": Node(_shared(items), quantize.place)}, tree.place)


@dataclass(frozen=True)
class _Item:
    node: Node
    of_platform: bool

    def equals(self, other: _Item) -> bool:
        """Whether both are one variant, of which one that is written out may leave out its name."""
        one, two = plain(self.node), plain(other.node)
        if not (self.of_platform or other.of_platform) or not isinstance(one, dict) or not isinstance(two, dict):
            return False
        name = {"name": (one if self.of_platform else two)["name"]}
        return _essence({**name, **one}) == _essence({**name, **two})

    def joined(self, other: _Item) -> _Item:
        """What either has; what is written out counts."""
        first, second = (other, self) if other.of_platform else (self, other)
        assert isinstance(first.node.value, dict) and isinstance(second.node.value, dict)
        return _Item(Node({**first.node.value, **second.node.value}, second.node.place), second.of_platform)


def _shared(items: Iterable[_Item]) -> list[Node]:
    """Each variant once."""
    found: list[_Item] = []
    for item in items:
        place = next((place for place, other in enumerate(found) if item.equals(other)), None)
        if place is None:
            found.append(item)
        else:
            found[place] = found[place].joined(item)
    return [item.node for item in found]


def _variants(node: Node, path: str, problems: list[Problem]) -> Sequence[Mapping[str, Any]]:
    """Those of the platform that `node` names; none where that can't be read."""
    written = plain(node)
    name = written[_KEY]
    if name not in PLATFORMS.names:
        place = place_of(node, _KEY)
        message = f"there is no platform {str(name)[:60]!r}"
        problems.append(problem_at(place, message, path=f"{path}.{_KEY}", hint=suggest(str(name), PLATFORMS.names)))
        return ()
    kind = PLATFORMS.get(name)
    try:
        section = kind.model_validate_json(json.dumps(written).encode("utf-8", "replace"), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            key = ".".join(map(str, detail["loc"]))
            message, hint = _said(detail, key, kind)
            problems.append(problem_at(place_of(node, key), message, path=f"{path}.{key}", hint=hint))
        return ()
    own = list(section.problems())
    for one in own:
        place = place_of(node, one.path)
        problems.append(problem_at(place, one.message, path=f"{path}.{one.path}".rstrip("."), hint=one.hint))
    return () if own else section.variants()


def _said(detail: ErrorDetails, key: str, kind: type[PlatformSection]) -> tuple[str, str | None]:
    if detail["type"] == "extra_forbidden":
        hint = f"{suggest(key, kind.model_fields)}; for other settings, write the variants out with `method`"
        return "is not a known key", hint
    expected = detail.get("ctx", {}).get("expected")
    field = kind.model_fields.get(key)
    said = f"must be {expected}" if expected else f"can't be read: {detail['msg']}"
    return said, field.description if field else None


def _essence(variant: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in variant.items() if key not in _BESIDE}


def _node(variant: Mapping[str, Any], place: Place) -> Node:
    return Node({key: Node(value, place) for key, value in variant.items()}, place)
