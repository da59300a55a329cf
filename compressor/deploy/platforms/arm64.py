"""64-bit ARM CPUs: Graviton, Ampere, Apple, Raspberry Pi 4 and 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from compressor.recipe.platforms import PlatformSection

__all__ = ["COMPONENT", "Arm64"]


class Arm64(PlatformSection):
    """Dynamic int8 with all 8 bits, signed weights and a scale for each output.

    ARM adds up products in 32 bits, so that nothing saturates and `reduce_range` would only cost digits
    (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html, "Data type selection").
    """

    platform: Literal["arm64"] = Field(description="64-bit ARM CPUs: servers, Apple, Raspberry Pi.")

    def variants(self) -> Sequence[Mapping[str, Any]]:
        return [{"name": "int8", "method": "dynamic"}]


COMPONENT = Arm64
