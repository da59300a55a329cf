"""Dynamic int8: weights in 8 bits, or stored in 4, activations quantized on the fly, no calibration data."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from compressor.deploy.quantize.base import MatrixQuantizerConfig
from compressor.errors import Problem
from compressor.events import Events
from compressor.recipe.section import optional

if TYPE_CHECKING:
    import onnx
    import onnx_ir
    import torch

    from compressor.deploy.calibration import Calibration

__all__ = ["COMPONENT", "DynamicQuantization"]


class DynamicQuantization(MatrixQuantizerConfig):
    """Weights in 8 bits, activations quantized on the fly: no calibration data needed."""

    unsimulated: ClassVar[str | None] = None
    multiplies_by: ClassVar[tuple[str, ...]] = ("DynamicQuantizeLinear", "MatMulInteger")

    name: str = Field(
        "int8", pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the variant in reports; `int4` in 4 bits."
    )
    method: Literal["dynamic"] = Field(description="Activations are quantized on the fly.")
    weights: Literal["int8", "uint8"] = Field("int8", description="Storage type of the weights.")
    per_channel: bool = Field(True, description="One scale for each output channel instead of one a matrix.")
    reduce_range: bool = Field(
        False, description="Use 7 bits: needed on x86 CPUs without VNNI, where 8 bits can saturate."
    )

    weight_bits: Literal[8, 4] = optional(
        "Bits that a weight is stored in: 4 is half of the file, and becomes int8 when the file is opened.", 8
    )

    @model_validator(mode="before")
    @classmethod
    def _named_by_bits(cls, given: Any) -> Any:
        return {"name": "int4", **given} if isinstance(given, Mapping) and given.get("weight_bits") == 4 else given

    @property
    def precision(self) -> str:
        return f"int{self.weight_bits}"

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.weight_bits == 4 and self.weights != "int8":
            yield Problem("weights of 4 bits become int8: take weights: int8", "weight_bits")

    def quantize_matrices(
        self,
        proto: onnx.ModelProto,
        floats: Collection[str],
        *,
        source: Path,
        calibration: Calibration | None,
        events: Events,
    ) -> tuple[onnx_ir.Model, int]:
        import onnx
        import onnx_ir
        from onnxruntime.quantization import QuantType, quantize_dynamic

        from compressor.deploy import graph
        from compressor.deploy.four_bits import pack_matrices
        from compressor.deploy.quiet import quiet

        with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
            file = Path(scratch) / graph.MODEL_FILE
            with quiet():
                quantize_dynamic(
                    proto,  # Not its path: onnxruntime writes a file beside it, and artifacts are read-only.
                    file,
                    # Gemm counts as MatMul here. Embeddings are done apart, with less loss than onnxruntime's Gather.
                    op_types_to_quantize=["MatMul"],
                    per_channel=self.per_channel,
                    reduce_range=self.reduce_range,
                    weight_type=QuantType.from_string("QInt8" if self.weights == "int8" else "QUInt8"),
                    # A Gemm becomes a MatMul of this name before it is quantized.
                    nodes_to_exclude=[name for node in floats for name in (node, f"{node}_MatMul")],
                    # Behind operators of onnxruntime's own, no shape inference tells types: they are 1, float.
                    extra_options={"MatMulConstBOnly": True, "DefaultTensorType": 1},
                )
            model = onnx_ir.from_proto(onnx.load(file))
        if self.weight_bits == 4:
            pack_matrices(model)
        return model, sum(node.op_type == "MatMulInteger" for node in model.graph)

    def rounded_matrix(self, matrix: torch.Tensor) -> torch.Tensor:
        from compressor.deploy.four_bits import block_of_matrix
        from compressor.deploy.rounding import in_8_bits, in_steps, symmetric

        dims = (1,) if self.per_channel else (0, 1)
        if self.weights == "uint8":
            return in_8_bits(matrix, dims, 127 if self.reduce_range else 255)
        numbers, scales = symmetric(matrix, 64 if self.reduce_range else 127, dims)
        block = block_of_matrix(matrix.shape[1], matrix.shape[0]) if self.weight_bits == 4 else None
        if block is not None:
            codes, steps = in_steps(numbers, block)
            numbers = (codes * steps).reshape(matrix.shape)
        return numbers * scales

    def rounded_inputs(self, values: torch.Tensor) -> torch.Tensor:
        from compressor.deploy.rounding import in_8_bits

        return in_8_bits(values, tuple(range(1, values.ndim)))


COMPONENT = DynamicQuantization
