"""What is said of an int8 file for CPUs without VNNI: of a real quantized model, on texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

from compressor.deploy import saturation as module
from compressor.deploy.calibration import Calibration
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.deploy.saturation import saturation
from compressor.events import Silent
from tests import tiny
from tests.deploy.models import MAX_LENGTH

TEXTS = Calibration([{"text": text} for text, _ in tiny.reviews(24)], MAX_LENGTH)


def made(source: Path, out: Path, **settings: Any) -> Path:
    quantize(DynamicQuantization(method="dynamic", **settings), source=source, out=out, events=Silent())
    return out / "model.onnx"


@pytest.fixture(scope="module")
def int8(large: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(large, tmp_path_factory.mktemp("int8"))


def extreme(file: Path, target: Path) -> Path:
    """The model with the largest weights of their sign in every product, in the order of its columns' scales."""
    proto = onnx.load(file)
    names = {node.input[1] for node in proto.graph.node if node.op_type == "MatMulInteger"}
    for tensor in proto.graph.initializer:
        if tensor.name in names:
            weights = numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(np.where(weights < 0, -127, 127).astype(np.int8), tensor.name))
    for beside in file.parent.iterdir():
        (target / beside.name).write_bytes(beside.read_bytes())
    onnx.save(proto, target / "model.onnx")
    return target / "model.onnx"


def test_extreme_weights_saturate_and_change_what_the_model_says(int8: Path, tmp_path: Path) -> None:
    found = saturation(extreme(int8, tmp_path), TEXTS, Silent())

    assert found["products"] == found["possible"] == 8
    assert 1 <= found["saturating"] <= 8
    assert found["texts"] == 24
    assert 0 < found["share"] <= found["largest_share"] <= 1
    assert found["largest_share"] == max(found["by_product"].values())
    assert len(found["by_product"]) == found["saturating"]
    assert found["largest"] >= found["mean"] > 0
    assert 0 <= found["changed"] <= 1
    json.dumps(found)


def test_the_count_is_that_of_a_loop_over_what_enters_each_product(int8: Path, tmp_path: Path) -> None:
    few = Calibration(TEXTS.examples[:2], MAX_LENGTH)
    file = extreme(int8, tmp_path)
    found = saturation(file, few, Silent())

    proto = onnx.load(file)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    product = next(node for node in proto.graph.node if node.op_type == "MatMulInteger")
    codes = entering(proto, product.input[0], few, file)
    hits = []
    for row in codes.astype(int):
        for column in weights[product.input[1]].T.astype(int):
            sums = [row[k] * column[k] + row[k + 1] * column[k + 1] for k in range(0, len(row), 2)]
            hits.append(any(not -32768 <= one <= 32767 for one in sums))
    assert found["tokens"] == len(codes)
    assert found["by_product"].get(product.input[1], 0.0) == pytest.approx(np.mean(hits))


def entering(proto: onnx.ModelProto, name: str, texts: Calibration, file: Path) -> npt.NDArray[Any]:
    import onnxruntime

    shown = onnx.ModelProto()
    shown.CopyFrom(proto)
    shown.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(shown.SerializeToString(), options)
    found = [session.run([name], feed)[0] for feed in texts.feeds(file)]
    return np.concatenate([values.reshape(-1, values.shape[-1]) for values in found])


def test_7_bits_are_safe_for_every_text_and_none_is_run(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made(large, tmp_path, reduce_range=True)
    monkeypatch.setattr(module, "_Tried", None)
    assert saturation(file, TEXTS, Silent()) == {"products": 8, "possible": 0, "saturating": 0}


def test_8_bits_can_saturate_whether_or_not_they_do(int8: Path) -> None:
    found = saturation(int8, TEXTS, Silent())
    assert found["possible"] > 0
    assert found["saturating"] <= found["possible"]
    assert ("changed" in found) == (found["saturating"] > 0)


def test_weights_that_are_stored_in_4_bits_are_looked_at_as_int8(large: Path, tmp_path: Path) -> None:
    found = saturation(made(large, tmp_path / "int4", weight_bits=4), TEXTS, Silent())
    assert found["products"] == 8 and found["possible"] > 2


def test_unsigned_weights_are_none_of_them(large: Path, tmp_path: Path) -> None:
    assert saturation(made(large, tmp_path, weights="uint8"), TEXTS, Silent()) == {}
    assert saturation(large / "model.onnx", TEXTS, Silent()) == {}


def test_long_texts_are_bounded_by_their_tokens(int8: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOKENS", 30)
    found = saturation(int8, TEXTS, Silent())
    assert 1 < found["texts"] < 24
    assert 30 <= found["tokens"] < 30 + MAX_LENGTH
