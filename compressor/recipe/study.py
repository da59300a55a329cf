"""Keys `seeds` and `variants`: one recipe as several runs that are compared."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from compressor.recipe.section import Section

__all__ = ["BASE", "Seed", "VariantSection"]

BASE = "base"
"""What the recipe as it stands is called among its variants."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class VariantSection(Section):
    """The recipe with some keys changed."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$", description=f"Names the variant in reports and folders; not `{BASE}`."
    )
    set: dict[str, Any] = Field(
        description="Dotted key -> value, as `--set` takes them: {distill.epochs: 6}. A list or mapping replaces what "
        "was there.",
        min_length=1,
    )
