"""Parts of a recipe that are components: each in a file of its own, built in or brought by an installed package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from compressor.errors import Problem, RecipeError
from compressor.recipe.section import Section
from compressor.registry import Registry

__all__ = ["ComponentSection", "OneOf", "component_registry"]


class ComponentSection(Section):
    """The base of every component's config.

    One of its fields is a `Literal` with the component's name, which tells it from the others: `kind`, or `method`.
    """

    def problems(self) -> Iterator[Problem]:
        """Problems that types can't express, found before anything runs. Paths start at the component's own keys."""
        yield from ()


C = TypeVar("C", bound=ComponentSection)


def component_registry(package: str, group: str, base: type[C], tag: str) -> Registry[type[C]]:
    """The components of one kind: the name `COMPONENT` of each module, a subclass of `base` told by the field `tag`.

    Raises, when one is looked up:
        RecipeError: the module of another package has no such component.
    """

    def take(module: ModuleType) -> type[C]:
        component = getattr(module, "COMPONENT", None)
        if not (isinstance(component, type) and issubclass(component, base)):
            raise RecipeError(
                f"{module.__name__} is no component of {group}: its COMPONENT must be a subclass of {base.__name__}.",
                hint="Mend or uninstall the package that brings it.",
            )
        field = component.model_fields.get(tag)
        if field is None or get_origin(field.annotation) is not Literal:
            raise RecipeError(
                f"{module.__name__} is no component of {group}: {component.__name__} needs the field "
                f'`{tag}: Literal["<its name>"]`.',
                hint="Mend or uninstall the package that brings it.",
            )
        return component

    return Registry(package, group, take)


@dataclass(frozen=True)
class OneOf:
    """Annotates a field that holds the config of one component: `Annotated[ObjectiveSection, OneOf(OBJECTIVES)]`.

    The recipe's schema and messages list every component that is built in or installed.
    """

    registry: Registry[Any]
    tag: str = "kind"

    def configs(self) -> dict[str, type[ComponentSection]]:
        """Every component's config, by the component's name.

        Raises:
            MissingExtra: a package that brings one can't be imported. RecipeError: what it brings is no component.
        """
        found = self.registry.all()
        for name, config in found.items():
            if (called := get_args(config.model_fields[self.tag].annotation)) != (name,):
                raise RecipeError(
                    f"The component {name!r} of {self.registry.group} calls itself {' or '.join(map(repr, called))} in "
                    f"its field `{self.tag}`.",
                    hint="The name of the file or entry point and that field must agree.",
                )
        return found

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(config) for name, config in self.configs().items()}
        return core_schema.tagged_union_schema(choices, discriminator=self.tag)
