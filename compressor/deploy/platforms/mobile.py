"""Apps on phones, whose size counts: ONNX Runtime can be built with the operators of one model alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from compressor.recipe.platforms import PlatformSection

__all__ = ["COMPONENT", "Mobile"]


class Mobile(PlatformSection):
    """The variant of ARM CPUs, also as `.ort` with the list of its operators.

    A minimal build of ONNX Runtime reads `.ort` alone (https://onnxruntime.ai/docs/performance/model-optimizations
    /ort-format-models.html).
    """

    platform: Literal["mobile"] = Field(description="Apps on phones, with a small build of ONNX Runtime.")

    def variants(self) -> Sequence[Mapping[str, Any]]:
        return [{"name": "int8", "method": "dynamic", "ort_format": True}]


COMPONENT = Mobile
