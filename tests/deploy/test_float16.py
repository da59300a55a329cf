"""fp16: half the file, the same answers, and nothing in fp16 that it can't hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compressor.deploy import graph
from compressor.deploy.calibration import Calibration
from compressor.deploy.export import export
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.float16 import Float16Quantization
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.runtime.encoder import Encoder
from compressor.runtime.session import open_session
from compressor.tasks import get_task
from tests import tiny
from tests.deploy.models import MAX_LENGTH, write_classifier

TEXTS = [text for text, _ in tiny.reviews(12)]
CALIBRATION = Calibration([{"text": text} for text in TEXTS], MAX_LENGTH)


def run(source: Path, out: Path, **settings: Any) -> tuple[dict[str, Any], onnx.ModelProto]:
    config = Float16Quantization(method="float16", **settings)
    facts = quantize(config, source=source, out=out, events=Silent(), calibration=CALIBRATION)
    return facts, onnx.load(out / "model.onnx")


def types(proto: onnx.ModelProto) -> dict[str, int]:
    return {tensor.name: tensor.data_type for tensor in proto.graph.initializer}


def answers(folder: Path, texts: list[str]) -> np.ndarray[Any, Any]:
    return open_session(folder / "model.onnx").run(Encoder.from_folder(folder, MAX_LENGTH).encode(texts))[0]


def test_the_file_is_half_and_clients_still_give_and_get_what_they_did(large: Path, tmp_path: Path) -> None:
    facts, proto = run(large, tmp_path)
    assert 0.5 <= facts["size_ratio"] < 0.51
    before = onnx.load(large / "model.onnx")
    assert [(value.name, value.type) for value in proto.graph.input] == [
        (value.name, value.type) for value in before.graph.input
    ]
    assert proto.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert TensorProto.FLOAT not in types(proto).values()
    assert facts["too_large"] == []
    assert not proto.graph.value_info
    json.dumps(facts)


def test_answers_are_those_of_fp32_within_what_fp16_rounds(large: Path, tmp_path: Path) -> None:
    run(large, tmp_path)
    expected = answers(large, TEXTS)
    np.testing.assert_allclose(answers(tmp_path, TEXTS), expected, atol=0.01 * np.abs(expected).max())


def test_padding_is_masked_as_in_fp32(large: Path, tmp_path: Path) -> None:
    """The mask is -3.4e38, which fp16 doesn't have: alone and in a padded batch the answer must be one."""
    run(large, tmp_path)
    long = " ".join(TEXTS[:3])
    together = answers(tmp_path, [TEXTS[0], long])[0]
    np.testing.assert_allclose(answers(tmp_path, [TEXTS[0]])[0], together, atol=2e-3)
    found = [numpy_helper.to_array(tensor) for tensor in onnx.load(tmp_path / "model.onnx").graph.initializer]
    assert max(float(np.abs(array).max(initial=0)) for array in found if array.dtype == np.float16) <= 1e4


def test_what_overflows_stays_in_fp32(large: Path, tmp_path: Path) -> None:
    """A product that fp16 would answer with infinity, undone behind it."""
    source = tmp_path / "source"
    source.mkdir()
    graph.copy_beside(large, source)
    proto = onnx.load(large / "model.onnx")
    last = next(node for node in proto.graph.node if node.output[0] == "logits")
    last.output[0] = "more-given"
    names = ("more", "up", "down")
    for name, factor, output in zip(
        names, (100, 60_000, 1 / 6_000_000), ("up-given", "down-given", "logits"), strict=True
    ):
        proto.graph.initializer.append(numpy_helper.from_array(np.float32(factor), f"{name}-factor"))
        proto.graph.node.append(helper.make_node("Mul", [f"{name}-given", f"{name}-factor"], [output], name=name))
    onnx.save(proto, source / "model.onnx")
    facts, _ = run(source, tmp_path / "out")
    assert facts["too_large"] == ["up", "down"]
    expected = answers(source, TEXTS)
    np.testing.assert_allclose(answers(tmp_path / "out", TEXTS), expected, atol=0.01 * np.abs(expected).max())


def test_weights_that_fp16_cannot_hold_are_refused(large: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    graph.copy_beside(large, source)
    proto = onnx.load(large / "model.onnx")
    tensor = next(tensor for tensor in proto.graph.initializer if tensor.name == "classifier.bias")
    tensor.CopyFrom(numpy_helper.from_array(np.array([1e5, 0], np.float32), tensor.name))
    onnx.save(proto, source / "model.onnx")
    with pytest.raises(StageError, match=r"classifier\.bias holds weights above 65504"):
        run(source, tmp_path / "out")


def test_weights_that_a_recipe_names_stay_in_fp32(large: Path, tmp_path: Path) -> None:
    facts, proto = run(large, tmp_path, keep_float=["classifier", "*word_embeddings"])
    assert facts["kept_float"] == ["bert.embeddings.word_embeddings", "classifier"]
    kept = {name for name, kind in types(proto).items() if kind == TensorProto.FLOAT}
    assert {"classifier.weight", "classifier.bias", "bert.embeddings.word_embeddings.weight"} <= kept
    assert facts["size_ratio"] > 0.6


def test_angles_of_rotary_embeddings_keep_their_digits(tmp_path: Path) -> None:
    """Near 60, fp16 knows every 1/32 of a radian."""
    model = write_classifier(tmp_path / "model", "qwen2")
    export(
        ExportSection(),
        task=get_task("text-classification"),
        model_folder=model,
        examples=[],
        max_length=MAX_LENGTH,
        out=tmp_path / "export",
        events=Silent(),
    )
    _, proto = run(tmp_path / "export", tmp_path / "out")
    makers = {name: node for node in proto.graph.node for name in node.output}
    casts = set()
    waiting = [node for node in proto.graph.node if node.op_type in ("Sin", "Cos")]
    assert waiting
    while waiting:
        node = waiting.pop()
        casts |= {attribute.i for attribute in node.attribute if node.op_type == "Cast" and attribute.name == "to"}
        waiting += [makers[name] for name in node.input if name in makers]
    assert TensorProto.FLOAT16 not in casts
    expected = answers(tmp_path / "export", TEXTS)
    np.testing.assert_allclose(answers(tmp_path / "out", TEXTS), expected, atol=0.02 * np.abs(expected).max())
