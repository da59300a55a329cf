"""How fast this machine multiplies matrices of 8 bits, and what part of a model's time its products would take then.

    python -m benchmarks.products                                      MiniLM's matrices, in fp32 and in int8
    python -m benchmarks.products BUNDLE/onnx/model_quantized.onnx     and what is left of this file's time

Each product is an ONNX file of one node with constant weights, run by onnxruntime with one thread: what a model's
products come to if everything between them took no time. The highest rate found is called the peak. Let nothing else
run.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compressor.bench import Subject, subjects_from
from compressor.bench.graph import multiply_adds, profile_runs
from compressor.bench.placement import Placement
from compressor.compare.inputs import parse_shape
from compressor.runtime.session import open_session

MATRICES = ((384, 384), (384, 1536), (1536, 384))
"""Inputs and outputs of MiniLM's: attention, and both of the feed-forward block."""
LARGE = 1024
"""Rows, inputs and outputs of one product more, which no overhead of a call slows down."""
INTEGER = ("DynamicQuantizeMatMul", "MatMulInteger", "MatMulIntegerToFloat", "QGemm", "QLinearMatMul")
"""Products of 8 bits, as onnxruntime calls them once it has fused what it fuses."""


class Product(NamedTuple):
    """[rows, inner] times [inner, columns]."""

    rows: int
    inner: int
    columns: int

    @property
    def operations(self) -> int:
        """A multiplication and an addition count as two."""
        return 2 * math.prod(self)


KINDS = {
    "fp32": "(float[rows, inner] a) => (float[rows, columns] y) { y = MatMul(a, b) }",
    "int8": "(uint8[rows, inner] a) => (int32[rows, columns] y) { y = MatMulInteger(a, b, zero, zeros) }",
    "int8, static": """(uint8[rows, inner] a) => (uint8[rows, columns] y) {
        y = QLinearMatMul(a, scale, zero, b, scales, zeros, scale, zero)
    }""",
    "int8, dynamic": """(float[rows, inner] a) => (float[rows, columns] y) {
        codes, step, offset = DynamicQuantizeLinear(a)
        sums = MatMulInteger(codes, b, offset, zeros)
        numbers = Cast<to = 1>(sums)
        steps = Mul(step, scales)
        y = Mul(numbers, steps)
    }""",
}
"""The product alone in fp32 and in 8 bits; as a `static` graph has it; as a `dynamic` one, which finds the codes."""


def write_product(kind: str, product: Product, file: Path) -> dict[str, Any]:
    """An ONNX file of one product with constant weights `b`, and an input for it."""
    random = np.random.default_rng(0)
    graph = onnx.parser.parse_graph("product" + KINDS[kind])
    rows, inner, columns = product
    real = kind == "fp32"
    weights = random.normal(size=(inner, columns)) if real else random.integers(-127, 128, (inner, columns))
    constants = {
        "b": weights.astype(np.float32 if real else np.int8),
        "zero": np.array(128, np.uint8),
        "zeros": np.zeros(columns, np.int8),
        "scale": np.array(1.0, np.float32),
        "scales": np.full(columns, 0.01, np.float32),
    }
    read = {name for node in graph.node for name in node.input}
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items() if name in read)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), file)
    if graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
        return {"a": random.normal(size=(rows, inner)).astype(np.float32)}
    return {"a": random.integers(0, 256, (rows, inner), dtype=np.uint8)}


def median_ms(call: Callable[[], Any], seconds: float) -> float:
    """Median time of a call in ms, over at least five and as many as these seconds hold, after two that don't count."""
    call(), call()
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken) < 5:
        begin = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - begin))
    return median(taken)


def product_ms(kind: str, product: Product, seconds: float) -> float:
    """What one product takes."""
    with tempfile.TemporaryDirectory(prefix="compressor-products-") as folder:
        file = Path(folder) / "product.onnx"
        fed = write_product(kind, product, file)
        session = open_session(file)
        return median_ms(lambda: session.run(fed), seconds)


def integer_products(events: Sequence[Mapping[str, Any]]) -> Counter[Product]:
    """Products of 8 bits that a run executed, by its profile, and how often each."""
    found: Counter[Product] = Counter()
    for args in (event["args"] for event in events if event["args"]["op_name"] in INTEGER):
        (output, *_) = (shape for value in args["output_type_shape"] for shape in value.values())
        rows, columns = math.prod(output[:-1]), output[-1]
        found[Product(rows, multiply_adds(args) // (rows * columns), columns)] += 1
    return found


@dataclass(frozen=True)
class Left:
    """A model with one kind of input: what it takes, and what its products of 8 bits would take alone."""

    ms: float
    operations: int
    """Of its products of 8 bits."""
    alone_ms: float
    """The same products as files of one node each."""

    def row(self, name: str, shape: str, peak: float) -> str:
        """Of the table; `peak` in GOP/s."""
        at_peak = self.operations / peak / 1e6
        parts = (f"{ms:.2f} ({ms / self.ms:.0%})" for ms in (self.alone_ms, at_peak))
        return f"| {name} | {shape} | {self.ms:.2f} | {self.operations / 1e9:.2f} | {' | '.join(parts)} |"


def left_of(subject: Subject, shape: str, seconds: float) -> Left:
    """Raises RecipeError: the shape isn't one."""
    fixed = parse_shape(shape)
    assert fixed is not None
    ids = np.random.default_rng(0).integers(5, 20, fixed)
    fed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    products = integer_products(profile_runs(subject, Placement(), fed)[-1])
    alone = sum(count * product_ms("int8", product, seconds) for product, count in products.items())
    session = open_session(subject.folder / subject.file)
    whole = median_ms(lambda: session.run(fed), 5 * seconds)
    return Left(whole, sum(count * product.operations for product, count in products.items()), alone)


def rates(products: Sequence[Product], seconds: float) -> dict[Product, dict[str, float]]:
    """Product -> kind -> GOP/s."""
    return {
        product: {kind: product.operations / product_ms(kind, product, seconds) / 1e6 for kind in KINDS}
        for product in products
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, help="bundles or ONNX files with their tokenizer")
    parser.add_argument("--shapes", nargs="+", default=["1x32", "1x128", "8x64"], metavar="SHAPE")
    parser.add_argument("--large", type=int, default=LARGE, help="rows, inputs and outputs of one product more")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each product; five times that for each model")
    options = parser.parse_args()
    rows = [math.prod(map(int, shape.split("x"))) for shape in options.shapes]
    products = [Product(count, *matrix) for count in dict.fromkeys(rows) for matrix in MATRICES]
    found = rates([*products, Product(options.large, options.large, options.large)], options.seconds)
    lines = [f"| rows x inputs x outputs, GOP/s | {' | '.join(KINDS)} |", f"|---|{'---|' * len(KINDS)}"]
    for product, known in found.items():
        lines.append(f"| {' x '.join(map(str, product))} | {' | '.join(f'{known[kind]:.0f}' for kind in KINDS)} |")
    peak = max(known["int8"] for known in found.values())
    lines += ["", f"The peak of int8: {peak:.0f} GOP/s."]
    if subjects := [(path, subject) for path in options.models for subject in subjects_from(path)]:
        lines += ["", "| model | input | ms | int8 products, GOP | the same alone, ms | at the peak, ms |"]
        lines.append("|---|---|---|---|---|---|")
    for path, subject in subjects:
        for shape in options.shapes:
            lines.append(left_of(subject, shape, options.seconds).row(f"{path.name}, {subject.name}", shape, peak))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
