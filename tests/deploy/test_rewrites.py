"""Graphs that compute less and answer the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir
import onnxruntime
import pytest
from onnx import TensorProto, helper

from compressor.deploy.export import export
from compressor.deploy.rewrites.read_positions import keep_read_positions
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.tasks import get_task
from tests import tiny
from tests.deploy.models import MAX_LENGTH, write_classifier

READS_FIRST = ("bert", "distilbert", "mpnet")
MORE: dict[str, dict[str, Any]] = {"distilbert": {"n_layers": 2}}
RANDOM = np.random.default_rng(0)


def exported(model: Path, out: Path, task: str, optimize: str) -> tuple[Path, dict[str, Any]]:
    facts = export(
        ExportSection.model_validate({"optimize": optimize}),
        task=get_task(task),
        model_folder=model,
        examples=[],
        max_length=MAX_LENGTH,
        out=out,
        events=Silent(),
    )
    return out / "model.onnx", facts


def run(model: onnx.ModelProto, tokens: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> list[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    known = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
    return list(session.run(None, {one.name: known[one.name] for one in session.get_inputs()}))


def answers(path: Path, tokens: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Any:
    return run(onnx.load(path), tokens, mask)[0]


def products_of_one_position(path: Path) -> int:
    """How many matrix products of vectors give one position alone, of a text of seven tokens."""
    model = onnx.load(path)
    products = [node.output[0] for node in model.graph.node if node.op_type == "MatMul"]
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in products)
    tokens = np.full((2, 7), 5)
    return sum(found.ndim == 3 and found.shape[1] == 1 for found in run(model, tokens, np.ones_like(tokens)))


@pytest.mark.parametrize("architecture", READS_FIRST)
def test_a_classifiers_last_layer_is_computed_for_the_token_that_is_read(architecture: str, tmp_path: Path) -> None:
    """Queries, the output of attention and the feed-forward layer; keys and values are of all tokens."""
    model = write_classifier(tmp_path / "model", architecture, **MORE.get(architecture, {"num_hidden_layers": 2}))
    plain, before = exported(model, tmp_path / "plain", "text-classification", "none")
    fast, after = exported(model, tmp_path / "fast", "text-classification", "fast")
    assert before["rewritten"] == {} and after["rewritten"]["read-positions"] >= 15
    assert (products_of_one_position(plain), products_of_one_position(fast)) == (0, 4)
    for rows, length in ((1, 1), (1, 7), (3, 12)):
        tokens = RANDOM.integers(5, 40, size=(rows, length))
        mask = np.ones_like(tokens)
        mask[1:, length // 2 :] = 0
        assert answers(fast, tokens, mask) == pytest.approx(answers(plain, tokens, mask), abs=1e-5)


def test_a_model_of_one_layer_is_computed_for_the_token_that_is_read(tmp_path: Path) -> None:
    model = write_classifier(tmp_path / "model", "bert")
    fast, _ = exported(model, tmp_path / "fast", "text-classification", "fast")
    assert products_of_one_position(fast) == 4


def test_decoders_and_taggers_which_read_every_position_stay_as_they_are(tmp_path: Path) -> None:
    decoder = write_classifier(tmp_path / "decoder", "qwen2")
    tagger = tiny.write_name_encoder(tmp_path / "tagger", tags=["O", "B-PER"])
    for model, task in ((decoder, "text-classification"), (tagger, "token-classification")):
        _, facts = exported(model, tmp_path / task, task, "fast")
        assert facts["rewritten"] == {"read-positions": 0}


def by_hand(*nodes: onnx.NodeProto, outputs: dict[str, list[Any]], index: int = 0) -> onnx_ir.Model:
    """A graph that multiplies `x` [batch, sequence, 4] by `w`, and what stands behind that."""
    weights = {"w": RANDOM.normal(size=(4, 4)).astype(np.float32), "index": np.array(index, dtype=np.int64)}
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"]), *nodes],
        "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "sequence", 4])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return onnx_ir.from_proto(onnx.shape_inference.infer_shapes(proto))


GATHER = helper.make_node("Gather", ["y", "index"], ["read"], axis=1)


def run_both(model: onnx_ir.Model) -> tuple[int, list[Any], list[Any]]:
    inputs = {"x": RANDOM.normal(size=(2, 5, 4)).astype(np.float32)}
    before = onnxruntime.InferenceSession(onnx_ir.to_proto(model).SerializeToString()).run(None, inputs)
    changed = keep_read_positions(model)
    after = onnxruntime.InferenceSession(onnx_ir.to_proto(model).SerializeToString()).run(None, inputs)
    return changed, list(before), list(after)


@pytest.mark.parametrize("index", [0, 2, -1, -2])
def test_whichever_position_is_read(index: int) -> None:
    changed, before, after = run_both(by_hand(GATHER, outputs={"read": ["batch", 4]}, index=index))
    assert changed == 1 and after[0] == pytest.approx(before[0], abs=1e-6)


@pytest.mark.parametrize(
    "other",
    [
        helper.make_node("ReduceMean", ["y"], ["other"], keepdims=0),
        helper.make_node("Identity", ["y"], ["other"]),
    ],
)
def test_positions_that_something_else_reads_are_computed(other: onnx.NodeProto) -> None:
    shape = [] if other.op_type == "ReduceMean" else ["batch", "sequence", 4]
    changed, before, after = run_both(by_hand(GATHER, other, outputs={"read": ["batch", 4], "other": shape}))
    assert changed == 0
    assert all(np.array_equal(first, second) for first, second in zip(before, after, strict=True))


def test_what_mixes_positions_ends_it() -> None:
    """A softmax along the positions needs all of them; what stands behind it doesn't."""
    nodes = (
        helper.make_node("Softmax", ["y"], ["shares"], axis=1),
        helper.make_node("Relu", ["shares"], ["positive"]),
        helper.make_node("Gather", ["positive", "index"], ["read"], axis=1),
    )
    changed, before, after = run_both(by_hand(*nodes, outputs={"read": ["batch", 4]}))
    assert changed == 1 and after[0] == pytest.approx(before[0], abs=1e-6)


def test_a_value_that_is_the_same_for_every_position_stays_whole() -> None:
    nodes = (
        helper.make_node("ReduceMean", ["y", "axis"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["y", "mean"], ["apart"]),
        helper.make_node("Gather", ["apart", "index"], ["read"], axis=1),
    )
    model = by_hand(
        helper.make_node("Constant", [], ["axis"], value=onnx.numpy_helper.from_array(np.array([1]), "one")),
        *nodes,
        outputs={"read": ["batch", 4]},
    )
    changed, before, after = run_both(model)
    assert changed == 1 and after[0] == pytest.approx(before[0], abs=1e-6)
