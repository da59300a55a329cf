"""Dynamic int8: weights in 8 bits, activations quantized on the fly, no calibration data."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from compressor.deploy import graph
from compressor.deploy.quantize.embeddings import quantize_embeddings
from compressor.deploy.quiet import quiet
from compressor.errors import StageError
from compressor.recipe.quantize import DynamicQuantization

__all__ = ["quantize"]


def quantize(config: DynamicQuantization, source: Path, target: Path) -> dict[str, Any]:
    """Quantize the matrix products with constant weights, and the embedding tables where the recipe says so.

    Returns how often each operator occurs before and after, and how many matrices and tables became 8-bit.

    Raises:
        StageError: the graph has no matrix product with constant weights.
    """
    import onnx
    import onnx_ir
    from onnxruntime.quantization import QuantType, quantize_dynamic

    proto = onnx.load(source)
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
                per_channel=config.per_channel,
                reduce_range=config.reduce_range,
                weight_type=QuantType.from_string("QInt8" if config.weights == "int8" else "QUInt8"),
                extra_options={"MatMulConstBOnly": True},
            )
        model = onnx_ir.from_proto(onnx.load(file))
    tables = quantize_embeddings(model) if config.embeddings else 0
    graph.tidy(model, outputs=outputs)
    after = graph.operators(graph.save(model, target))
    matrices = after.get("MatMulInteger", 0)
    if not matrices:
        raise StageError(
            f"Nothing could be quantized: {source.name} has no matrix product with constant weights.",
            hint="Take this variant out of quantize; the fp32 file is the smallest there is.",
        )
    return {"matrices": matrices, "tables": tables, "operators": after, "source_operators": before}
