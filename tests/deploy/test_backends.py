"""Graphs that a backend would compute in pieces are told from those that it computes whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import helper

from compressor.deploy.backends import assert_kernels, interrupting_operators
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.deploy.quantize.float16 import Float16Quantization
from compressor.deploy.quantize.weights import WeightQuantization
from compressor.errors import StageError
from compressor.events import Silent


def graph(*nodes: tuple[str, str, str]) -> onnx.ModelProto:
    """Operators as (name, what it reads, what it gives)."""
    made = [helper.make_node(name, given.split(), output.split()) for name, given, output in nodes]
    return helper.make_model(helper.make_graph(made, "g", [], []))


def test_an_operator_without_kernels_between_two_products_interrupts() -> None:
    found = graph(("MatMul", "x a", "y"), ("Round", "y", "z"), ("Relu", "z", "u"), ("Gemm", "u b", "out"))
    assert interrupting_operators(found, "webgpu") == ["Round"]


def test_before_the_first_product_and_behind_the_last_the_processor_may_compute() -> None:
    found = graph(("Round", "x", "y"), ("MatMul", "y a", "z"), ("MatMul", "z b", "u"), ("IsNaN", "u", "out"))
    assert interrupting_operators(found, "webgpu") == []


def test_what_follows_from_a_shape_interrupts_nothing() -> None:
    found = graph(
        ("MatMul", "x a", "y"),
        ("Shape", "y", "s"),
        ("Mod", "s two", "t"),
        ("Reshape", "y t", "z"),
        ("MatMul", "z b", "u"),
    )
    assert interrupting_operators(found, "webgpu") == []


@pytest.mark.parametrize(
    "config",
    [Float16Quantization(method="float16"), WeightQuantization(method="weights", bits=8)],
    ids=["fp16", "weights"],
)
def test_what_is_meant_for_webgpu_runs_there_whole(config: Any, large: Path, tmp_path: Path) -> None:
    quantize(config.model_copy(update={"backend": "webgpu"}), source=large, out=tmp_path, events=Silent())


def test_dynamic_int8_is_refused_there(large: Path, tmp_path: Path) -> None:
    quantize(DynamicQuantization(method="dynamic"), source=large, out=tmp_path, events=Silent())
    with pytest.raises(
        StageError, match="slow on webgpu, which has no kernels for DynamicQuantizeLinear, MatMulInteger"
    ):
        assert_kernels(tmp_path / "model.onnx", "webgpu")
