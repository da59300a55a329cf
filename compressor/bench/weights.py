"""What a model weighs: on disk, and in parameters."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

__all__ = ["megabytes", "onnx_files", "onnx_parameters", "safetensors_parameters"]


def megabytes(files: Iterable[Path]) -> float:
    """Size on disk."""
    return sum(file.stat().st_size for file in files) / 1e6


def onnx_files(file: Path) -> list[Path]:
    """The ONNX file, and the weights beside it where they have a file of their own."""
    return [path for path in (file, file.with_name(f"{file.name}.data")) if path.exists()]


def onnx_parameters(file: Path) -> int | None:
    """Numbers in the weights, scales and zero points of quantization left out; None without the package onnx, or where
    it can't read the file.

    Whole numbers of 16 bits and more are shapes and indices. Of weights in 4 bits and less the operator tells how many
    they are (com.microsoft's MatMulNBits: K x N), or the name (`deploy/four_bits.py`: two a byte).
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs in the package
    except ImportError:
        return None
    try:
        whole = onnx.load(str(file), load_external_data=False).graph
    except (DecodeError, OSError):
        return None
    return sum(_parameters(graph) for graph in _with_branches(whole))


def _with_branches(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph, and those within it: the branches of an `If`."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _with_branches(attribute.g)


def _parameters(graph: onnx.GraphProto) -> int:
    import onnx

    kinds = onnx.TensorProto
    weights = {kinds.FLOAT, kinds.FLOAT16, kinds.BFLOAT16, kinds.DOUBLE, kinds.INT8, kinds.UINT8}
    packed = {name for node in graph.node if node.op_type == "MatMulNBits" for name in node.input[1:]}
    found: int = sum(
        math.prod(value.dims) * (2 if value.name.endswith("_in_4_bits") else 1)
        for value in graph.initializer
        if value.data_type in weights
        and value.name not in packed
        and not value.name.endswith(("_scale", "_zero_point"))  # as onnxruntime's quantizer calls them
    )
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            sizes = {attribute.name: attribute.i for attribute in node.attribute}
            found += sizes["K"] * sizes["N"]
    return found


def safetensors_parameters(files: Sequence[Path]) -> int | None:
    """Floating-point numbers, from the headers alone: 8 bytes with its length, then JSON with the shape of each tensor.
    None where one can't be read. Source: https://huggingface.co/docs/safetensors, format."""
    found = 0
    try:
        for path in files:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header = json.loads(file.read(min(length, path.stat().st_size)))
            tensors = [value for name, value in header.items() if name != "__metadata__"]
            found += sum(math.prod(tensor["shape"]) for tensor in tensors if tensor["dtype"].startswith(("F", "BF")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        return None
    return found
