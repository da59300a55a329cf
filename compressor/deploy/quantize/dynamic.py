"""Dynamic int8: weights in 8 bits, or stored in 4, activations quantized on the fly, no calibration data."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from compressor.deploy.quantize.base import EmbeddingQuantizerConfig
from compressor.errors import Problem, StageError
from compressor.events import Events
from compressor.recipe.section import optional

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration

__all__ = ["COMPONENT", "DynamicQuantization"]


class DynamicQuantization(EmbeddingQuantizerConfig):
    """Weights in 8 bits, activations quantized on the fly: no calibration data needed."""

    keeps_float: ClassVar[bool] = True

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
        from compressor.deploy.four_bits import pack_matrices
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
        if self.weight_bits == 4:
            pack_matrices(model)
        tables = self.quantize_embeddings(model, keep={one.node for one in kept})
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
