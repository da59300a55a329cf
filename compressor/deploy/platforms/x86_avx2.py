"""x86 CPUs without VNNI, and files for any x86 CPU: products of 8 bits are added up in 16, which cut off large sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from compressor.recipe.platforms import PlatformSection

__all__ = ["COMPONENT", "X86Avx2"]


class X86Avx2(PlatformSection):
    """Dynamic int8 with weights in 7 bits, of which no two products can leave 16 bits: 255 x (64 + 64) fits.

    Nothing saturates, so that CPUs with VNNI and without add up alike.
    """

    platform: Literal["x86-avx2"] = Field(description="x86 CPUs without VNNI, or any x86 CPU with one file.")

    def variants(self) -> Sequence[Mapping[str, Any]]:
        return [{"name": "int8-avx2", "method": "dynamic", "reduce_range": True}]


COMPONENT = X86Avx2
