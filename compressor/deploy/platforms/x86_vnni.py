"""x86 CPUs that add up products of 8 bits in 32 (VNNI): Intel since Ice Lake, AMD since Zen 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from compressor.recipe.platforms import PlatformSection

__all__ = ["COMPONENT", "X86Vnni"]


class X86Vnni(PlatformSection):
    """Dynamic int8 with all 8 bits: nothing can saturate."""

    platform: Literal["x86-vnni"] = Field(description="x86 CPUs with VNNI: servers and laptops since about 2020.")

    def variants(self) -> Sequence[Mapping[str, Any]]:
        return [{"name": "int8", "method": "dynamic"}]


COMPONENT = X86Vnni
