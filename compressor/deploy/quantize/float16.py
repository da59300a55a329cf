"""fp16: half of the file, for GPUs that compute in it; inputs and outputs stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from compressor.deploy.quantize.base import QuantizerConfig
from compressor.errors import StageError
from compressor.events import Events

if TYPE_CHECKING:
    import onnx

    from compressor.deploy.calibration import Calibration
    from compressor.deploy.named_weights import Weight

__all__ = ["COMPONENT", "Float16Quantization"]

LARGEST = 65504.0
"""Of fp16."""
MASK = 1e9
"""No activation is as large: a number from here on stands for infinity, to leave out what is masked."""
SOFT_MASK = 1e4
"""What takes its place: far enough for a softmax to give 0, and added to a score still a number of fp16."""

# Sums over a row, and squares: a tenth of fp16's digits would be left of them on a device that adds up in fp16.
_FP32_OPERATORS = ("Pow", "ReduceMean", "ReduceSum", "Sqrt", "Reciprocal")
_ANGLES = ("Sin", "Cos")


class Float16Quantization(QuantizerConfig):
    """Weights and arithmetic in fp16, but for what fp16 can't hold; inputs and outputs stay as they are."""

    keeps_float: ClassVar[bool] = True
    tries_texts: ClassVar[bool] = True

    name: str = Field("fp16", pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the variant in reports.")
    method: Literal["float16"] = Field(description="fp16, for GPUs: a CPU without it converts back and forth.")

    @property
    def precision(self) -> str:
        return "fp16"

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """Convert the graph, through onnxruntime's converter.

        In fp32 stay weights that the recipe names, sums over a row, angles of rotary embeddings, whose digits fp16
        doesn't have, and all operators that read or give a value above 65504 for one of the texts.

        Returns how often each operator occurs before and after, `too_large`, the operators that fp16 would overflow,
        and `kept_float`.

        Raises:
            StageError: there is nothing in fp32, or a weight is larger than fp16 holds.
        """
        import onnx
        import onnx_ir
        from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

        from compressor.deploy import graph
        from compressor.deploy.named_weights import chosen_weights

        proto = onnx.load(source)
        kept = chosen_weights(proto, self.keep_float)
        before, outputs = graph.operators(proto), [output.name for output in proto.graph.output]
        _prepare_constants(proto, source.name)
        too_large = _overflowing(proto, source, calibration, events) if calibration else []
        converted = convert_float_to_float16(
            proto,
            keep_io_types=True,
            op_block_list=[*DEFAULT_OP_BLOCK_LIST, *_FP32_OPERATORS],
            node_block_list=[*too_large, *_before(proto, _ANGLES), *_readers(proto, kept)],
        )
        _stay_in_fp32(converted)
        model = onnx_ir.from_proto(converted)
        model.graph.sort()  # The converter puts what it adds behind everything else.
        graph.tidy(model, outputs=outputs)
        after = graph.operators(graph.save(model, target))
        facts = {"operators": after, "source_operators": before, "too_large": too_large}
        return facts | ({"kept_float": [one.name for one in kept]} if kept else {})


def _prepare_constants(proto: onnx.ModelProto, file: str) -> None:
    """Masks become numbers that fp16 can add to; the converter would cut them to its largest."""
    from onnx import TensorProto, numpy_helper

    found = [tensor for tensor in proto.graph.initializer if tensor.data_type == TensorProto.FLOAT]
    if not found:
        raise StageError(
            f"Nothing could be converted: {file} has no fp32 weights.", hint="Take this variant out of quantize."
        )
    for tensor in found:
        array = numpy_helper.to_array(tensor)
        largest = np.abs(array)
        masks = largest >= MASK
        if (largest[~masks] > LARGEST).any():
            raise StageError(
                f"{tensor.name} holds weights above {LARGEST:g}, the largest number of fp16.",
                hint="Take this variant out of quantize.",
            )
        if masks.any():
            softer = np.where(masks, np.sign(array) * np.float32(SOFT_MASK), array).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(softer, tensor.name))


def _overflowing(proto: onnx.ModelProto, source: Path, calibration: Calibration, events: Events) -> list[str]:
    """Names of the nodes that read or give a value that fp16 can't hold, for one of the texts."""
    from onnx import TensorProto, shape_inference

    from compressor.deploy.ranges import largest

    given = {name for node in proto.graph.node for name in node.output}
    known = shape_inference.infer_shapes(proto).graph.value_info
    floats = [value.name for value in known if value.type.tensor_type.elem_type == TensorProto.FLOAT]
    watched = [name for name in floats if name in given]
    found = largest(proto, watched, lambda: calibration.feeds(source), events, below=MASK)
    beyond = {name for name, value in found.items() if value > LARGEST}
    return [node.name for node in proto.graph.node if beyond & {*node.input, *node.output}]


def _stay_in_fp32(proto: onnx.ModelProto) -> None:
    """Let operators in fp32 that follow each other hand on what they have; the converter puts fp16 between them."""
    makers = {name: node for node in proto.graph.node for name in node.output}
    rounded = {
        node.output[0]: makers[node.input[0]].input[0]
        for node in proto.graph.node
        if node.name.endswith("_cast_to_fp32_node") and node.input[0] in makers
        if makers[node.input[0]].name.endswith("_cast_to_fp16_node")
    }
    for node in proto.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = rounded.get(name, name)


def _before(proto: onnx.ModelProto, operators: tuple[str, ...]) -> Iterator[str]:
    """Names of these operators' nodes and of all that they depend on."""
    makers = {name: node for node in proto.graph.node for name in node.output}
    waiting = [node for node in proto.graph.node if node.op_type in operators]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node.name not in seen:
            seen.add(node.name)
            yield node.name
            waiting += [makers[name] for name in node.input if name in makers]


def _readers(proto: onnx.ModelProto, weights: list[Weight]) -> list[str]:
    """Names of the nodes that compute with these weights; of a table only the table's name is known."""
    named = {weight.node for weight in weights}
    return [node.name for node in proto.graph.node if node.name in named or named & set(node.input)]


COMPONENT = Float16Quantization
