"""Section `bundle`: what goes into the folder that ships."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from compressor.recipe.gates import Gate
from compressor.recipe.section import Section, optional

__all__ = ["BundleSection", "UnsureSection"]


class UnsureSection(Section):
    """Which answers are called unsure: those below a probability that is chosen on the validation split. One of the two
    promises."""

    wrong: Gate | None = Field(
        None,
        description="Share of wrong ones among the answers that are left, '<= 0.05': as many texts as that allows are "
        "answered.",
    )
    answered: Gate | None = Field(
        None,
        description="Share of texts whose answers are left, '>= 0.9': the surest ones.",
    )

    @property
    def words(self) -> str:
        """`wrong <= 0.05`."""
        return f"wrong {self.wrong}" if self.wrong is not None else f"answered {self.answered}"


class BundleSection(Section):
    """What the bundle holds and which variant answers by default."""

    variant: str | None = Field(
        None,
        description="The variant that answers by default. Left out: the fastest on the first target among those that "
        "pass the gates.",
    )
    include: Literal["all", "chosen"] = Field("all", description="Put every variant's file in, or only the chosen one.")
    golden: int = Field(
        8, ge=1, le=256, description="Texts whose answers are sealed into golden.json for the self-test."
    )
    examples: bool = Field(
        True,
        description="Let texts of the data into the report and the bundle. `false`: the report shows none, and "
        "golden.json holds built-in sentences.",
    )
    tokenizer_in_graph: bool | Literal["close"] = optional(
        "Add an ONNX file of the default variant that takes texts in the place of tokens: its tokenizer is in the "
        "graph, as operators of onnxruntime-extensions. A thousand difficult strings are compared with the tokenizer "
        "itself: `true` fails where one of them becomes other tokens, `close` only says how many do. Needs the extra "
        "`extensions`.",
        False,
    )
    unsure: UnsureSection | None = optional(
        "Let the bundle say which answers it is unsure of: {wrong: '<= 0.05'} finds on the validation split the "
        "smallest probability at which at most 5% of the answers are wrong. For one label a text."
    )
    license: str | None = Field(None, description="License named on the model card, for example `apache-2.0`.")
