"""The exported graph as a bundle wants it: one file, plain names, and nothing in it about where it was made."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import compressor
from compressor.errors import StageError
from compressor.runtime.session import open_session

if TYPE_CHECKING:
    import onnx
    import onnx_ir

__all__ = [
    "MODEL_FILE",
    "check_size",
    "copy_beside",
    "executed_operators",
    "initializer",
    "operators",
    "save",
    "size_mb",
    "tidy",
]

MODEL_FILE = "model.onnx"

LIMIT_BYTES = 2**31 - 1
"""Largest protobuf message, and so the largest ONNX model in one file."""
_GRAPH_ROOM_BYTES = 2**24


def check_size(weight_bytes: int) -> None:
    """Refuse a model that can't be one file, before minutes are spent on it.

    Raises:
        StageError: its weights are more than a protobuf message holds.
    """
    if weight_bytes > LIMIT_BYTES - _GRAPH_ROOM_BYTES:
        raise StageError(
            f"The model's weights are {weight_bytes / 1e6:,.0f} MB in fp32; one ONNX file holds at most "
            f"{LIMIT_BYTES / 1e6:,.0f} MB.",
            hint="Take a smaller student: fewer layers (student.layers), or another student.init.",
        )


def tidy(model: onnx_ir.Model, outputs: Sequence[str]) -> None:
    """Name outputs and dynamic dimensions, share equal weights, and drop other outputs and where the graph came from.

    It changes the model in place.

    Inputs are [batch, sequence]; the first dimension of each output is `batch`, and one that is as long as the inputs
    is `sequence`. Metadata goes because the exporter writes stack traces there, with paths of this machine.

    Raises:
        StageError: the graph was traced for one fixed shape, or lacks outputs of the task.
    """
    from onnx_ir.passes import common

    named = {value.name: value for value in model.graph.outputs}
    if len(named) > len(outputs) and named.keys() >= set(outputs):
        # What a bare model computes beside: the state of a pooler.
        model.graph.outputs[:] = [named[name] for name in outputs]
    if len(model.graph.outputs) != len(outputs):
        found = ", ".join(str(value.name) for value in model.graph.outputs)
        raise StageError(f"The exported graph has the outputs {found}; expected {', '.join(outputs)}.")
    _name_dimensions(model.graph)
    for value, name in zip(model.graph.outputs, outputs, strict=True):
        value.name = name
    common.RemoveUnusedNodesPass()(model)
    _share_weights(model)
    common.ClearMetadataAndDocStringPass()(model)
    model.metadata_props.clear()
    model.doc_string = None
    model.graph.name = "model"
    model.producer_name, model.producer_version = "compressor", compressor.__version__


def save(model: onnx_ir.Model, path: Path) -> onnx.ModelProto:
    """Check the graph and write it to one file, the same bytes for the same graph.

    Shapes of intermediate values (`value_info`) are left out on purpose. With them, onnxruntime merges `Add` and
    `LayerNormalization` into `SkipLayerNormalization` at load, whose CPU kernel is slower: docs/export.md.

    Raises:
        StageError: the graph isn't valid ONNX, or too large for one file.
    """
    import onnx
    import onnx_ir

    check_size(sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value))
    proto = onnx_ir.to_proto(model)
    del proto.graph.value_info[:]
    try:
        onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise StageError(f"The graph for {path.name} isn't valid ONNX: {error}") from error
    path.write_bytes(proto.SerializeToString(deterministic=True))
    return proto


def initializer(graph: onnx_ir.Graph, name: str, array: npt.NDArray[np.generic]) -> onnx_ir.Value:
    """A new constant of the graph."""
    import onnx_ir

    value = onnx_ir.Value(
        name=name,
        shape=onnx_ir.Shape(array.shape),
        type=onnx_ir.TensorType(onnx_ir.DataType.from_numpy(array.dtype)),
        const_value=onnx_ir.tensor(array, name=name),
    )
    graph.register_initializer(value)
    return value


def copy_beside(source: Path, out: Path) -> None:
    """Copy what lies beside a model: its config, its tokenizer, the options of its answers."""
    for file in source.iterdir():
        if file.is_file() and file.name not in (MODEL_FILE, "artifact.json"):
            shutil.copyfile(file, out / file.name)


def operators(proto: onnx.ModelProto) -> dict[str, int]:
    """How often each operator occurs, in branches too, the most frequent first."""
    counts = Counter(_operators(proto.graph))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def executed_operators(path: Path) -> dict[str, int]:
    """How often each operator occurs in the graph that onnxruntime makes of a file when it opens it.

    Raises:
        BundleError: onnxruntime can't open it.
    """
    import onnx

    with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
        optimized = Path(scratch) / MODEL_FILE
        open_session(path, optimized=optimized)
        return operators(onnx.load(optimized))


def _operators(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _operators(attribute.g)


def size_mb(path: Path) -> float:
    """Size of a file in megabytes (10^6 bytes)."""
    return round(path.stat().st_size / 1e6, 3)


def _name_dimensions(graph: onnx_ir.Graph) -> None:
    import onnx_ir

    names: dict[str, str] = {}
    for value in graph.inputs:
        shape = value.shape
        if shape is None or len(shape) != 2 or any(isinstance(dimension, int) for dimension in shape):
            raise StageError(
                f"The exported graph has the input {value.name!r} with shape {shape}; expected [batch, sequence].",
                hint="The exporter fixed a dimension: try export.attention: sdpa, or another architecture.",
            )
        names |= {str(shape[0].value): "batch", str(shape[1].value): "sequence"}
        value.shape = onnx_ir.Shape(["batch", "sequence"])
    for value in graph.outputs:
        shape = value.shape
        if shape is None or len(shape) == 0 or isinstance(shape[0], int):
            raise StageError(f"The exported graph has the output {value.name!r} with shape {shape}: no batch.")
        rest = [size if isinstance(size, int) else names.get(str(size.value), size.value) for size in shape[1:]]
        value.shape = onnx_ir.Shape(["batch", *rest])


def _share_weights(model: onnx_ir.Model) -> None:
    """Store equal weights once: layers that share them (ALBERT) come out of the tracer as copies."""
    import onnx_ir
    from onnx_ir.passes import common

    for value in model.graph.initializers.values():
        array = value.const_value.numpy()
        if not array.flags.c_contiguous:  # The pass hashes memory as it lies; transposed weights are views.
            value.const_value = onnx_ir.tensor(np.ascontiguousarray(array), name=value.name)
    common.DeduplicateHashedInitializersPass()(model)
