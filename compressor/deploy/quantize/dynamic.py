"""Dynamic int8: weights in 8 bits, activations quantized on the fly, no calibration data."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from compressor.deploy.quantize.base import QuantizerConfig
from compressor.errors import StageError
from compressor.events import Events

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration

__all__ = ["COMPONENT", "DynamicQuantization"]


class DynamicQuantization(QuantizerConfig):
    """Weights stored in 8 bits, activations quantized on the fly: no calibration data needed."""

    keeps_float: ClassVar[bool] = True

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
        return "int8"

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """Quantize the matrix products with constant weights, and the embedding tables where the recipe says so.

        Returns how often each operator occurs before and after, and how many matrices and tables became 8-bit.

        Raises:
            StageError: the graph has no matrix product with constant weights, and no embedding table to quantize.
        """
        import onnx
        import onnx_ir
        from onnxruntime.quantization import QuantType, quantize_dynamic

        from compressor.deploy import graph
        from compressor.deploy.embeddings import quantize_embeddings
        from compressor.deploy.named_weights import chosen_weights
        from compressor.deploy.quiet import quiet

        proto = onnx.load(source)
        kept = chosen_weights(proto, self.keep_float)
        before = graph.operators(proto)
        outputs = [output.name for output in proto.graph.output]
        with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
            file = Path(scratch) / graph.MODEL_FILE
            with quiet():
                quantize_dynamic(
                    proto,  # Not its path: onnxruntime writes a file beside it, and artifacts are read-only.
                    file,
                    # Gemm counts as MatMul here. Embeddings are done below, with less loss than onnxruntime's Gather.
                    op_types_to_quantize=["MatMul"],
                    per_channel=self.per_channel,
                    reduce_range=self.reduce_range,
                    weight_type=QuantType.from_string("QInt8" if self.weights == "int8" else "QUInt8"),
                    # A Gemm becomes a MatMul of this name before it is quantized.
                    nodes_to_exclude=[name for one in kept for name in (one.node, f"{one.node}_MatMul")],
                    extra_options={"MatMulConstBOnly": True},
                )
            model = onnx_ir.from_proto(onnx.load(file))
        tables = quantize_embeddings(model, keep={one.node for one in kept}) if self.embeddings else 0
        graph.tidy(model, outputs=outputs)
        after = graph.operators(graph.save(model, target))
        matrices = after.get("MatMulInteger", 0)
        if not (matrices or tables):
            raise StageError(
                f"Nothing could be quantized: {source.name} has no matrix product with constant weights and no large "
                "embedding table.",
                hint="Take this variant out of quantize; the fp32 file is the smallest there is.",
            )
        facts = {"matrices": matrices, "tables": tables, "operators": after, "source_operators": before}
        return facts | ({"kept_float": [one.name for one in kept]} if kept else {})


COMPONENT = DynamicQuantization
