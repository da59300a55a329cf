"""Backends of ONNX Runtime that have kernels for a part of its operators, and whether a graph fits one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from compressor.errors import StageError

if TYPE_CHECKING:
    import onnx

__all__ = ["KERNELS", "assert_kernels", "interrupting_operators", "lacking_kernels"]

# Of the operators that text models are made of, those for which onnxruntime-web 1.31.0-dev.20260914 had a kernel in
# Chromium when it was asked for each alone, with float inputs: docs/platforms.md says how. The last two lines are those
# of com.microsoft.
_WEBGPU = """
Abs Acos Add ArgMax ArgMin Cast Ceil Clip Concat Cos CumSum DequantizeLinear Div Einsum Elu Equal Erf Exp
Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm Greater GreaterOrEqual HardSigmoid HardSwish
Identity LayerNormalization LeakyRelu Less LessOrEqual Log MatMul Max Min Mul Neg PRelu Pad Pow
RMSNormalization Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
Relu Reshape ScatterElements ScatterND Shape Sigmoid Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Tan
Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where
Attention BiasGelu FastGelu GatherBlockQuantized MatMulNBits MultiHeadAttention QuickGelu
SkipLayerNormalization
"""

KERNELS: Mapping[str, frozenset[str]] = MappingProxyType({"webgpu": frozenset(_WEBGPU.split())})
"""Backend -> operators of ONNX and of com.microsoft that it has kernels for."""

_PRODUCTS = frozenset(
    {"Attention", "FusedMatMul", "Gemm", "MatMul", "MatMulInteger", "MatMulNBits", "MultiHeadAttention"}
)
_SHAPES = frozenset({"Shape", "Size"})
"""What they read stays where it is: a shape is known without the numbers."""


def lacking_kernels(operators: Iterable[str], backend: str) -> list[str]:
    """Those of `operators` that a backend has no kernels for."""
    return [name for name in operators if name not in KERNELS[backend]]


def interrupting_operators(proto: onnx.ModelProto, backend: str) -> list[str]:
    """Operators without kernels on the backend whose data come from a matrix product and go into one.

    ONNX Runtime computes them on the CPU, and copies what they read and give each time. What comes before the first
    product, such as the look-up of embeddings in 8 bits, or behind the last, is one copy an answer and not meant.
    """
    nodes = list(proto.graph.node)
    computed: set[str] = set()
    """What is made of a matrix product."""
    for node in nodes:
        if node.op_type in _PRODUCTS or (computed & set(node.input) and node.op_type not in _SHAPES):
            computed.update(node.output)
    wanted: set[str] = set()
    """What a matrix product is made of."""
    between: set[str] = set()
    for node in reversed(nodes):
        if node.op_type in _PRODUCTS or wanted & set(node.output):
            if computed & set(node.input) and node.op_type not in _SHAPES:
                between.add(node.op_type)
            wanted.update(node.input)
    return sorted(lacking_kernels(between, backend))


def assert_kernels(file: Path, backend: str) -> None:
    """That a graph isn't slow on the backend.

    Raises:
        StageError: naming the operators between its matrix products that the backend has no kernels for.
    """
    import onnx

    if lacking := interrupting_operators(onnx.load(file, load_external_data=False), backend):
        raise StageError(
            f"The graph would be slow on {backend}, which has no kernels for {', '.join(lacking)}: the CPU computes "
            "them, between one matrix product and the next.",
            hint="Leave `backend` out, or make another variant: method: weights.",
        )
