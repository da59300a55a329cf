"""Parity: passes for the graph that was exported, fails for one that is a little wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from transformers import PreTrainedModel

from compressor.deploy.inputs import Inputs, input_names
from compressor.deploy.parity import Parity, check_parity
from compressor.errors import ParityError
from compressor.tasks import get_task, load_tokenizer
from tests import tiny
from tests.deploy.models import LABELS, MAX_LENGTH

Check = Callable[[onnx.ModelProto], Parity]


@pytest.fixture
def model(bert: Path) -> PreTrainedModel:
    return get_task("text-classification").load_model(bert, LABELS)


@pytest.fixture
def check(bert: Path, model: PreTrainedModel, tmp_path: Path) -> Check:
    """Compares a changed graph with the PyTorch model."""
    task = get_task("text-classification")
    tokenizer = load_tokenizer(bert)
    rows = [{"text": text} for text, _ in tiny.reviews(5)]
    inputs = Inputs(task, tokenizer, rows, max_length=MAX_LENGTH, names=input_names(model, tokenizer))

    def run(proto: onnx.ModelProto) -> Parity:
        onnx.save(proto, tmp_path / "model.onnx")
        return check_parity(tmp_path / "model.onnx", model, inputs.compared(), outputs=["logits"], tolerance=1e-4)

    return run


@pytest.fixture
def proto(exported: tuple[Path, dict[str, Any]]) -> onnx.ModelProto:
    return onnx.load(exported[0] / "model.onnx")


def change(proto: onnx.ModelProto, name: str, edit: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> None:
    tensor = next(tensor for tensor in proto.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(edit(numpy_helper.to_array(tensor).copy()), name))


def bump(index: int | tuple[int, int]) -> Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    """Adds to one element: a constant over all of them, layer normalization would take out again."""

    def edit(weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        weights[index] += 1
        return weights

    return edit


def test_few_examples_fill_every_shape(check: Check, proto: onnx.ModelProto) -> None:
    parity = check(proto)
    assert len(parity.shapes) == 9
    assert parity.examples == 3 * (1 + 3 + 8)
    assert 0 < parity.max_abs_difference < 1e-4


def test_pairs_of_texts_are_compared_as_pairs(bert: Path, model: PreTrainedModel) -> None:
    tokenizer = load_tokenizer(bert)
    rows = [{"text": "good film", "text_pair": "dull plot"}]
    names = input_names(model, tokenizer)
    batches = list(Inputs(get_task("text-classification"), tokenizer, rows, max_length=9, names=names).compared())
    assert {tuple(batch["input_ids"].shape) for batch in batches} == {
        (size, length) for size in (1, 3, 8) for length in (6, 7, 9)
    }
    assert all(batch["token_type_ids"].any(dim=1).all() for batch in batches)


def test_a_changed_weight_fails_and_the_message_says_where_and_how_much(check: Check, proto: onnx.ModelProto) -> None:
    change(proto, "bert.encoder.layer.0.output.dense.bias", bump(0))
    with pytest.raises(ParityError, match=r"differs from PyTorch by [\d.e-]+ in logits for inputs \[1, 6\]") as caught:
        check(proto)
    assert "0.0001" in str(caught.value)
    assert caught.value.hint


def test_a_graph_that_ignores_the_mask_fails(check: Check, proto: onnx.ModelProto) -> None:
    for node in proto.graph.node:
        node.input[:] = ["ones" if name == "attention_mask" else name for name in node.input]
    one = helper.make_tensor("value", onnx.TensorProto.INT64, [1], [1])
    proto.graph.node.insert(0, helper.make_node("ConstantOfShape", ["shape"], ["ones"], value=one))
    proto.graph.node.insert(0, helper.make_node("Shape", ["input_ids"], ["shape"]))
    with pytest.raises(ParityError, match=r"\[3, "):
        check(proto)


def test_a_position_only_long_texts_reach_is_checked(check: Check, proto: onnx.ModelProto) -> None:
    change(proto, "bert.embeddings.position_embeddings.weight", bump((MAX_LENGTH - 1, 0)))
    with pytest.raises(ParityError, match=rf"\[1, {MAX_LENGTH}\]"):
        check(proto)


def test_not_a_number_fails(check: Check, proto: onnx.ModelProto) -> None:
    change(proto, "classifier.bias", lambda bias: bias * np.float32("nan"))
    with pytest.raises(ParityError, match="exported graph gives NaN"):
        check(proto)


def test_a_diverged_model_fails_though_the_graph_agrees_with_it(
    check: Check, proto: onnx.ModelProto, model: PreTrainedModel
) -> None:
    model.classifier.bias.data[0] = float("nan")
    change(proto, "classifier.bias", lambda bias: bias * np.float32("nan"))
    with pytest.raises(ParityError, match="PyTorch gives NaN"):
        check(proto)
