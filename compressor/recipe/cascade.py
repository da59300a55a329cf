"""Section `cascade`: a faster student in front of this recipe's."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from compressor.recipe.section import Fraction, Section

__all__ = ["CascadeSection"]


class CascadeSection(Section):
    """A faster student answers what it is sure of, and this recipe's student the rest: one more variant, one file."""

    run: str = Field(
        description="The recipe whose student answers first: a file, seen from this recipe's folder, or a shipped one."
    )
    set: dict[str, Any] = Field({}, description="Changes of that recipe: dotted key -> value.")
    variant: str = Field(
        "fp32",
        description="The variant of both students that is joined: `fp32`, or one that `quantize` of both makes.",
    )
    agreement: Fraction = Field(
        0.98,
        description="Share of the validation texts that must be answered as this recipe's student alone answers them; "
        "the first student answers as many as that allows.",
    )
    name: str = Field("cascade", pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the variant in reports.")
