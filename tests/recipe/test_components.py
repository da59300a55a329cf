from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import pytest
from pydantic import ValidationError

from compressor.errors import RecipeError
from compressor.recipe.components import ComponentSection, OneOf, component_registry
from compressor.recipe.section import Section
from compressor.registry import Registry


class Base(ComponentSection):
    kind: str


class Round(Base):
    kind: Literal["round"]
    radius: int = 1


class Square(Base):
    kind: Literal["square"]
    side: int = 1


def registry_of(**components: Any) -> Registry[type[Base]]:
    """A registry whose modules hold these under the name `COMPONENT`."""
    found = component_registry("compressor.runtime.tasks", "compressor.none", Base, "kind")

    def module(name: str) -> ModuleType:
        made = ModuleType(f"shapes.{name}")
        made.__dict__["COMPONENT"] = components[name]
        return made

    found.__dict__["_files"] = {name: f"shapes.{name}" for name in components}
    found._module = module  # type: ignore[method-assign]
    return found


SHAPES = registry_of(round=Round, square=Square)


class Drawing(Section):
    shapes: tuple[Annotated[Base, OneOf(SHAPES)], ...] = ()


def test_each_entry_becomes_the_config_of_its_component() -> None:
    drawing = Drawing.model_validate_json('{"shapes": [{"kind": "square", "side": 3}, {"kind": "round"}]}', strict=True)
    assert drawing.shapes == (Square(kind="square", side=3), Round(kind="round"))
    assert drawing.model_dump(mode="json") == {
        "shapes": [{"kind": "square", "side": 3}, {"kind": "round", "radius": 1}]
    }


@pytest.mark.parametrize("entry", ['{"kind": "oval"}', '{"side": 1}', '{"kind": "round", "side": 1}'])
def test_an_unknown_component_or_option_is_refused(entry: str) -> None:
    with pytest.raises(ValidationError):
        Drawing.model_validate_json(f'{{"shapes": [{entry}]}}')


def test_one_component_alone_is_told_by_its_tag_too() -> None:
    class Lonely(Section):
        shapes: tuple[Annotated[Base, OneOf(registry_of(round=Round))], ...]

    schema = Lonely.model_json_schema()
    assert schema["$defs"]["Round"]["properties"]["kind"]["const"] == "round"
    with pytest.raises(ValidationError, match="'round'"):
        Lonely.model_validate({"shapes": ({"kind": "square"},)})


class Nameless(Base):
    pass


@pytest.mark.parametrize(
    ("component", "message"),
    [(None, "must be a subclass of Base"), (Path, "must be a subclass of Base"), (Nameless, "needs the field `kind")],
)
def test_a_module_without_a_component_is_named(component: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        registry_of(broken=component).get("broken")
    assert "shapes.broken" in str(caught.value)


def test_a_component_that_calls_itself_otherwise_than_its_entry_point_is_named() -> None:
    with pytest.raises(RecipeError, match=r"'ring'.*calls itself 'round'"):
        OneOf(registry_of(ring=Round)).configs()
