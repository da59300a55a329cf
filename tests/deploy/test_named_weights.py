"""Weights have the names that people know, and stay in float when they are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from compressor.deploy.calibration import Calibration
from compressor.deploy.named_weights import chosen_weights, weights_of
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.quantize import QUANTIZERS
from tests import tiny
from tests.deploy.models import MAX_LENGTH

LAYER = "bert.encoder.layer.0."


def test_weights_are_called_as_in_pytorch(large: Path) -> None:
    names = [weight.name for weight in weights_of(onnx.load(large / "model.onnx"))]
    assert names == [
        "bert.embeddings.word_embeddings",
        *(f"{LAYER}attention.self.{part}" for part in ("query", "key", "value")),
        f"{LAYER}attention.output.dense",
        f"{LAYER}intermediate.dense",
        f"{LAYER}output.dense",
        "bert.pooler.dense",
        "classifier",
    ]


def test_their_sizes_are_those_of_the_matrices(large: Path) -> None:
    elements = {weight.name: weight.elements for weight in weights_of(onnx.load(large / "model.onnx"))}
    assert elements["bert.embeddings.word_embeddings"] == 4000 * 128
    assert elements[f"{LAYER}output.dense"] == 512 * 128
    assert elements["classifier"] == 128 * 2


@pytest.mark.parametrize(
    ("pattern", "count"), [("*attention.self*", 3), ("classifier", 1), ("*pooler*", 1), (f"{LAYER}output.dense", 1)]
)
def test_named_weights_stay_in_float(large: Path, tmp_path: Path, pattern: str, count: int) -> None:
    facts = quantize(
        DynamicQuantization(method="dynamic", keep_float=[pattern]),
        source=large,
        out=tmp_path / "out",
        events=Silent(),
    )
    proto = onnx.load(tmp_path / "out" / "model.onnx")
    constant = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    products = [node for node in proto.graph.node if node.op_type in ("MatMul", "Gemm") and node.input[1] in constant]
    assert len(products) == count == len(facts["kept_float"])
    assert all(constant[node.input[1]].dtype == np.float32 for node in products)
    assert facts["matrices"] == 8 - count


@pytest.mark.parametrize("method", ["static", "weights"])
def test_every_method_leaves_them(large: Path, tmp_path: Path, method: str) -> None:
    section = QUANTIZERS.get(method).model_validate({"method": method, "keep_float": ["*output.dense", "classifier"]})
    texts = Calibration([{"text": text} for text, _ in tiny.reviews(8)], MAX_LENGTH)
    facts = quantize(section, source=large, out=tmp_path / "out", events=Silent(), calibration=texts)
    proto = onnx.load(tmp_path / "out" / "model.onnx")
    constant = {tensor.name: numpy_helper.to_array(tensor).dtype for tensor in proto.graph.initializer}
    floats = [node for node in proto.graph.node if constant.get((*node.input, "", "")[1]) == np.float32]
    assert len([node for node in floats if node.op_type in ("MatMul", "Gemm")]) == 3 == len(facts["kept_float"])
    assert facts["matrices"] == 5


def test_an_embedding_table_stays_in_float(large: Path, tmp_path: Path) -> None:
    section = DynamicQuantization(method="dynamic", keep_float=["*word_embeddings"])
    facts = quantize(section, source=large, out=tmp_path / "out", events=Silent())
    assert facts["tables"] == 0 and facts["matrices"] == 8


def test_a_name_that_no_weight_has_is_refused_with_those_there_are(large: Path) -> None:
    with pytest.raises(StageError, match=r"called 'encoder\.output'") as refused:
        chosen_weights(onnx.load(large / "model.onnx"), ["encoder.output"])
    assert "bert.pooler.dense" in str(refused.value)
