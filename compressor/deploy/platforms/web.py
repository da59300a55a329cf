"""Pages in a browser: WebAssembly, which every browser has, and WebGPU where there is a GPU for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from compressor.recipe.platforms import PlatformSection

__all__ = ["COMPONENT", "Web"]

# Products in fp32 (`accuracy_level: 1`): WebAssembly multiplies so whatever the file says, and both then give the
# answers that were sealed.
_FOR_GPU: Mapping[str, Mapping[str, Any]] = {
    "int8": {"name": "int8-weights", "method": "weights", "bits": 8, "accuracy_level": 1},
    "int4": {"name": "int4-weights", "method": "weights", "bits": 4, "accuracy_level": 1},
    "fp16": {"name": "fp16", "method": "float16"},
}


class Web(PlatformSection):
    """Dynamic int8 for WebAssembly, which has kernels for it, and a second file for WebGPU, which has none.

    There, each product of dynamic int8 would wait for the CPU, so the second file has `MatMulNBits` or fp16, and is
    refused where another operator would interrupt it.
    """

    platform: Literal["web"] = Field(description="Browsers: one file for WebAssembly, one for WebGPU.")
    webgpu: Literal["int8", "int4", "fp16"] | None = Field(
        "int8",
        description="The file for WebGPU: weights in 8 or 4 bits, which any adapter computes with, or fp16, which "
        "takes one with `shader-f16`; null for none.",
    )

    def variants(self) -> Sequence[Mapping[str, Any]]:
        for_gpu = [{**_FOR_GPU[self.webgpu], "backend": "webgpu"}] if self.webgpu else []
        return [{"name": "int8", "method": "dynamic"}, *for_gpu]


COMPONENT = Web
