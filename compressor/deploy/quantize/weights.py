"""Weights in 8, 4 or 2 bits, a scale for each block of them: the smallest files, without calibration data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from compressor.deploy.quantize.base import EmbeddingQuantizerConfig
from compressor.errors import StageError
from compressor.events import Events

if TYPE_CHECKING:
    import onnx

    from compressor.deploy.calibration import Calibration

__all__ = ["COMPONENT", "WeightQuantization"]


class WeightQuantization(EmbeddingQuantizerConfig):
    """Weights in few bits, a scale for each block; an answer doesn't depend on the batch it is in."""

    keeps_float: ClassVar[bool] = True

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

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """Quantize the matrix products with constant weights, and the embedding tables where the recipe says so.

        Returns how often each operator occurs before and after, and how many matrices and tables were quantized.

        Raises:
            StageError: the graph has no matrix product with constant weights, and no embedding table to quantize.
        """
        import onnx
        import onnx_ir

        from compressor.deploy import graph
        from compressor.deploy.named_weights import chosen_weights

        proto = onnx.load(source)
        kept = chosen_weights(proto, self.keep_float)
        before = graph.operators(proto)
        outputs = [output.name for output in proto.graph.output]
        model = onnx_ir.from_proto(self._quantize_matrices(proto, {one.node for one in kept}))
        tables = self.quantize_embeddings(model, keep={one.node for one in kept})
        graph.tidy(model, outputs=outputs)
        after = graph.operators(graph.save(model, target))
        matrices = after.get("MatMulNBits", 0)
        if not (matrices or tables):
            raise StageError(
                f"Nothing could be quantized: {source.name} has no matrix product with constant weights and no large "
                "embedding table.",
                hint="Take this variant out of quantize; the fp32 file is the smallest there is.",
            )
        facts = {"matrices": matrices, "tables": tables, "operators": after, "source_operators": before}
        return facts | ({"kept_float": [one.name for one in kept]} if kept else {})

    def _quantize_matrices(self, proto: onnx.ModelProto, keep: Collection[str]) -> onnx.ModelProto:
        """`MatMulNBits` of onnxruntime's domain com.microsoft in place of `MatMul` and `Gemm`, but for these nodes."""
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
            excluded = [name for node in keep for name in (node, f"{node}_MatMul")]
            quantizer = MatMulNBitsQuantizer(proto, nodes_to_exclude=excluded, algo_config=config)
            quantizer.model.replace_gemm_with_matmul()
            quantizer.process()
        return quantizer.model.model


COMPONENT = WeightQuantization
