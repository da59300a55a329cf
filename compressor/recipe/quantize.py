"""Section `quantize`: a list of variants made from the exported graph."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from compressor.recipe.section import Section

__all__ = ["DynamicQuantization", "QuantizeConfig"]


class DynamicQuantization(Section):
    """Weights stored in 8 bits, activations quantized on the fly: no calibration data needed."""

    name: str = Field("int8", pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the variant in reports.")
    method: Literal["dynamic"] = Field(description="Activations are quantized on the fly.")
    weights: Literal["int8", "uint8"] = Field("int8", description="Storage type of the weights.")
    per_channel: bool = Field(True, description="One scale for each output channel instead of one a matrix.")
    reduce_range: bool = Field(
        False, description="Use 7 bits: needed on x86 CPUs without VNNI, where 8 bits can saturate."
    )
    embeddings: bool = Field(True, description="Quantize the embedding table too; it is half of a small model.")

    @property
    def precision(self) -> str:
        """What the variant's weights are, whatever its name."""
        return "int8"


# More methods join as a union discriminated by `method`.
QuantizeConfig = DynamicQuantization
