"""The graph file: plain names, one file, no trace of the machine, the same bytes twice."""

from __future__ import annotations

import getpass
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from compressor.deploy import graph
from compressor.errors import StageError


def product(*, batch: str | int = "s0", weights: int = 1) -> onnx_ir.Model:
    """`sum_i ids @ w` for `weights` equal matrices, with the exporter's kind of names and metadata."""
    nodes = [helper.make_node("Cast", ["input_ids"], ["x"], to=TensorProto.FLOAT)]
    matrices = []
    for i in range(weights):
        matrices.append(numpy_helper.from_array(np.ones((3, 2), np.float32), f"w{i}"))
        nodes.append(helper.make_node("MatMul", ["x", f"w{i}"], [f"y{i}"]))
    nodes.append(helper.make_node("Sum", [f"y{i}" for i in range(weights)], ["sum_1"]))
    for node in nodes:
        node.doc_string = "/home/someone/model.py"
        node.metadata_props.add(key="stack_trace", value='File "/home/someone/model.py"')
    proto = helper.make_model(
        helper.make_graph(
            nodes,
            "main_graph",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [batch, "s1"])],
            [helper.make_tensor_value_info("sum_1", TensorProto.FLOAT, [batch, 2])],
            matrices,
            value_info=[helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, "s1"])],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        doc_string="/home/someone",
    )
    return onnx_ir.from_proto(proto)


def shapes(values: Any) -> dict[str, list[str | int]]:
    return {
        value.name: [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in values
    }


def test_names_are_the_ones_clients_expect(exported: tuple[Path, dict[str, Any]]) -> None:
    proto = onnx.load(exported[0] / "model.onnx")
    dynamic = ["batch", "sequence"]
    assert shapes(proto.graph.input) == dict.fromkeys(("input_ids", "attention_mask", "token_type_ids"), dynamic)
    assert shapes(proto.graph.output) == {"logits": ["batch", 2]}


def test_onnxruntime_keeps_layer_normalization_apart(exported: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """Shapes in the file would let it merge the additions in: slower (docs/export.md)."""
    import onnxruntime

    assert not onnx.load(exported[0] / "model.onnx").graph.value_info
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(exported[0] / "model.onnx", options, providers=["CPUExecutionProvider"])
    found = graph.operators(onnx.load(tmp_path / "optimized.onnx"))
    assert found["LayerNormalization"] == 3
    assert "SkipLayerNormalization" not in found


def test_weights_lie_in_the_file_itself(exported: tuple[Path, dict[str, Any]]) -> None:
    proto = onnx.load(exported[0] / "model.onnx", load_external_data=False)
    assert not any(tensor.external_data for tensor in proto.graph.initializer)


def test_nothing_in_the_file_tells_where_it_was_made(exported: tuple[Path, dict[str, Any]]) -> None:
    traces = {sys.prefix, sysconfig.get_path("purelib"), str(Path.cwd()), "site-packages", ".py", "/tmp/"}
    if len(getpass.getuser()) > 4:
        traces.add(f"/{getpass.getuser()}/")
    for file in exported[0].iterdir():
        content = file.read_bytes()
        assert [trace for trace in traces if trace.encode() in content] == [], file.name
    proto = onnx.load(exported[0] / "model.onnx")
    assert (proto.producer_name, list(proto.metadata_props), proto.doc_string) == ("compressor", [], "")


def test_tidy_names_shares_and_forgets(tmp_path: Path) -> None:
    model = product(weights=3)
    graph.tidy(model, outputs=["logits"])
    proto = graph.save(model, tmp_path / "model.onnx")
    assert shapes(proto.graph.input) == {"input_ids": ["batch", "sequence"]}
    assert shapes(proto.graph.output) == {"logits": ["batch", 2]}
    assert len(proto.graph.initializer) == 1
    assert not proto.graph.value_info
    assert b"someone" not in (tmp_path / "model.onnx").read_bytes()
    assert graph.operators(proto) == {"MatMul": 3, "Cast": 1, "Sum": 1}


def test_a_fixed_dimension_is_refused() -> None:
    with pytest.raises(StageError, match="input_ids"):
        graph.tidy(product(batch=2), outputs=["logits"])


def test_outputs_other_than_the_tasks_are_refused() -> None:
    with pytest.raises(StageError, match=r"sum_1.*start_logits, end_logits"):
        graph.tidy(product(), outputs=["start_logits", "end_logits"])


def test_an_invalid_graph_is_not_saved(tmp_path: Path) -> None:
    model = product()
    list(model.graph)[1].op_type = "NoSuchOperator"
    with pytest.raises(StageError, match="NoSuchOperator"):
        graph.save(model, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_a_model_too_large_for_one_file_is_refused() -> None:
    graph.check_size(2_000_000_000)
    with pytest.raises(StageError, match=r"4,000 MB.*2,147 MB") as caught:
        graph.check_size(4_000_000_000)
    assert "student.layers" in str(caught.value.hint)
