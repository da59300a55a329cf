"""Weights in 8, 4 or 2 bits, a scale for each block of them: the smallest files, without calibration data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from compressor.deploy.quantize.base import MatrixQuantizerConfig
from compressor.events import Events

if TYPE_CHECKING:
    import onnx
    import onnx_ir
    import torch

    from compressor.deploy.calibration import Calibration

__all__ = ["COMPONENT", "WeightQuantization"]


class WeightQuantization(MatrixQuantizerConfig):
    """Weights in few bits, a scale for each block; an answer doesn't depend on the batch it is in."""

    unsimulated: ClassVar[str | None] = None

    name: str = Field(
        "int4-weights",
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        description="Name of the variant in reports; by its `bits` unless it is given.",
    )
    method: Literal["weights"] = Field(description="Each block of weights has a scale of its own.")
    bits: Literal[8, 4, 2] = Field(4, description="Bits of a weight.")
    block_size: Literal[16, 32, 64, 128, 256] = Field(
        32, description="Weights that share a scale: inputs of one output, side by side. A scale takes 32 bits."
    )
    symmetric: bool = Field(True, description="The middle code is 0; false gives each block a zero point of its own.")
    accuracy_level: Literal[1, 4] = Field(
        4,
        description="What the kernels multiply in: 4 is 8 bits, activations with a scale for each row and block; 1 is "
        "fp32, which is slower.",
    )

    @model_validator(mode="before")
    @classmethod
    def _named_by_bits(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("bits") in (8, 2):
            return {"name": f"int{given['bits']}-weights", **given}
        return given

    @property
    def precision(self) -> str:
        return f"int{self.bits}"

    def quantize_matrices(
        self,
        proto: onnx.ModelProto,
        floats: Collection[str],
        *,
        source: Path,
        calibration: Calibration | None,
        events: Events,
    ) -> tuple[onnx_ir.Model, int]:
        """`MatMulNBits` of onnxruntime's domain com.microsoft in place of `MatMul` and `Gemm`."""
        import onnx_ir

        from compressor.deploy.quiet import quiet

        with quiet():
            from onnxruntime.quantization.matmul_nbits_quantizer import (
                DefaultWeightOnlyQuantConfig,
                MatMulNBitsQuantizer,
            )

            config = DefaultWeightOnlyQuantConfig(
                bits=self.bits,
                block_size=self.block_size,
                is_symmetric=self.symmetric,
                accuracy_level=self.accuracy_level,
            )
            # A Gemm becomes a MatMul of this name before it is quantized.
            excluded = [name for node in floats for name in (node, f"{node}_MatMul")]
            quantizer = MatMulNBitsQuantizer(proto, nodes_to_exclude=excluded, algo_config=config)
            quantizer.model.replace_gemm_with_matmul()
            quantizer.process()
        model = onnx_ir.from_proto(quantizer.model.model)
        return model, sum(node.op_type == "MatMulNBits" for node in model.graph)

    def rounded_matrix(self, matrix: torch.Tensor) -> torch.Tensor:
        from compressor.deploy.rounding import by_blocks

        return by_blocks(matrix, self.bits, self.block_size, symmetric=self.symmetric)

    def rounded_inputs(self, values: torch.Tensor) -> torch.Tensor:
        from compressor.deploy.rounding import inputs_by_blocks

        return inputs_by_blocks(values, self.block_size) if self.accuracy_level == 4 else values


COMPONENT = WeightQuantization
