"""Weight-only quantization: small files in the bits that were asked for, and answers that no batch changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.deploy.quantize.weights import WeightQuantization
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.quantize import QuantizeSection
from compressor.runtime.encoder import Encoder
from compressor.runtime.session import open_session
from tests import tiny

TABLE = "bert.embeddings.word_embeddings.weight"
Array = np.ndarray[Any, Any]


def run(source: Path, out: Path, **settings: Any) -> tuple[dict[str, Any], onnx.ModelProto]:
    facts = quantize(WeightQuantization(method="weights", **settings), source=source, out=out, events=Silent())
    return facts, onnx.load(out / "model.onnx")


def tensors(proto: onnx.ModelProto) -> dict[str, Array]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


def products(proto: onnx.ModelProto) -> list[dict[str, Any]]:
    """Attributes of each product with quantized weights."""
    return [
        {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        for node in proto.graph.node
        if node.op_type == "MatMulNBits"
    ]


@pytest.mark.parametrize(("bits", "ratio"), [(8, 0.29), (4, 0.18), (2, 0.15)])
def test_every_constant_matrix_has_the_bits_that_were_asked_for(
    bits: int, ratio: float, large: Path, tmp_path: Path
) -> None:
    facts, proto = run(large, tmp_path, bits=bits, embedding_bits=8 if bits == 8 else 4)
    # Query, key, value, output, two feed-forward matrices; pooler and classifier, which are `Gemm`.
    assert facts["matrices"] == 8 == len(products(proto))
    assert {(found["bits"], found["block_size"], found["accuracy_level"]) for found in products(proto)} == {
        (bits, 32, 4)
    }
    assert facts["operators"]["MatMul"] == 2  # attention's own products
    assert "Gemm" not in facts["operators"]
    assert (facts["source_operators"]["MatMul"], facts["source_operators"]["Gemm"]) == (8, 2)
    assert facts["tables"] == 1
    assert facts["size_ratio"] < ratio
    assert not proto.graph.value_info
    json.dumps(facts)


def test_two_bits_are_smaller_than_four_and_four_than_eight(large: Path, tmp_path: Path) -> None:
    sizes = [run(large, tmp_path / str(bits), bits=bits)[0]["size_mb"] for bits in (2, 4, 8)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("symmetric", [True, False])
def test_answers_are_those_of_the_weights_that_the_codes_stand_for(
    symmetric: bool, large: Path, tmp_path: Path
) -> None:
    """`accuracy_level: 1` multiplies in fp32, so that only the weights differ."""
    _, proto = run(large, tmp_path, bits=4, symmetric=symmetric, accuracy_level=1, embeddings=False)
    found, plain = tensors(proto), onnx.load(large / "model.onnx")
    for node in proto.graph.node:
        if node.op_type == "MatMulNBits":
            name = node.input[1].removesuffix("_Q4")
            want = dequantized(*(found[given] for given in node.input[1:]))
            for tensor in plain.graph.initializer:
                if tensor.name == name or f"{tensor.name}_Transposed" == name:
                    old = numpy_helper.to_array(tensor)
                    new = want if tensor.name == name else want.T
                    assert np.sqrt(np.mean((new - old) ** 2)) < 0.15 * old.std()
                    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(new, np.float32), tensor.name))
    onnx.save(plain, tmp_path / "plain.onnx")
    inputs = Encoder.from_folder(tmp_path, 24).encode([text for text, _ in tiny.reviews(8)])
    (got,), (same,) = (open_session(tmp_path / name).run(inputs) for name in ("model.onnx", "plain.onnx"))
    np.testing.assert_allclose(got, same, atol=1e-3 * same.std())


def dequantized(packed: Array, scales: Array, zero_points: Array | None = None) -> Array:
    """[inputs, outputs] of 4-bit codes [outputs, blocks, bytes], as the documentation of MatMulNBits says it."""
    outputs, blocks, half = packed.shape
    weights = np.zeros((2 * half * blocks, outputs), np.float32)
    for output in range(outputs):
        for block in range(blocks):
            zero = 8
            if zero_points is not None:
                byte = int(zero_points.reshape(outputs, -1)[output, block // 2])
                zero = byte // 16 if block % 2 else byte % 16
            codes = [code for byte in packed[output, block] for code in (int(byte) % 16, int(byte) // 16)]
            for place, code in enumerate(codes):
                weights[2 * half * block + place, output] = (code - zero) * scales.reshape(outputs, -1)[output, block]
    return weights


def moved_by_the_batch(folder: Path) -> Array:
    """How far each answer of a batch is from the one that the text gets alone, in spreads of the answers."""
    texts = [text for text, _ in tiny.reviews(40)]
    encoder, session = Encoder.from_folder(folder, 24), open_session(folder / "model.onnx")
    (together,) = session.run(encoder.encode(texts))
    alone = np.concatenate([session.run(encoder.encode([text]))[0] for text in texts])
    found: Array = np.abs(together - alone).max(axis=-1) / together.std()
    return found


def test_an_answer_does_not_depend_on_its_batch(large: Path, tmp_path: Path) -> None:
    run(large, tmp_path / "weights", bits=8, accuracy_level=4)
    dynamic = DynamicQuantization(method="dynamic")
    quantize(dynamic, source=large, out=tmp_path / "dynamic", events=Silent())
    # An activation on the edge of two codes may fall to either side, where a sum is added up in another order.
    assert np.mean(moved_by_the_batch(tmp_path / "weights") < 1e-4) >= 0.95
    assert np.mean(moved_by_the_batch(tmp_path / "dynamic") < 1e-4) < 0.5


def test_two_products_with_the_same_matrix_share_it_still(tmp_path: Path) -> None:
    write_graph(tmp_path / "model.onnx", [["MatMul", "x", "weight", "y"], ["MatMul", "y", "weight", "logits"]])
    section = WeightQuantization(method="weights", bits=8)
    facts = section.make(tmp_path / "model.onnx", tmp_path / "small.onnx", None, Silent())
    assert facts["matrices"] == 2
    assert facts["operators"] == {"MatMulNBits": 2, "Cast": 1}
    assert (tmp_path / "small.onnx").stat().st_size < 0.35 * (tmp_path / "model.onnx").stat().st_size


def test_a_graph_with_nothing_to_quantize_is_refused(tmp_path: Path) -> None:
    write_graph(tmp_path / "model.onnx", [["MatMul", "x", "x", "logits"]])
    section = WeightQuantization(method="weights")
    with pytest.raises(StageError, match="Nothing could be quantized"):
        section.make(tmp_path / "model.onnx", tmp_path / "small.onnx", None, Silent())


def write_graph(path: Path, nodes: list[list[str]]) -> None:
    proto = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Cast", ["input_ids"], ["x"], to=TensorProto.FLOAT),
                *(helper.make_node(kind, given, [output]) for kind, *given, output in nodes),
            ],
            "model",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence"])],
            [numpy_helper.from_array(np.random.default_rng(0).standard_normal((128, 128), np.float32), "weight")],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    onnx.save(proto, path)


def test_a_variant_is_named_by_its_bits_unless_it_has_a_name() -> None:
    sections: list[QuantizeSection] = [WeightQuantization(method="weights", bits=bits) for bits in (8, 4, 2)]
    sections += [WeightQuantization(method="weights"), WeightQuantization(method="weights", bits=8, name="small")]
    assert [section.name for section in sections] == [
        *("int8-weights", "int4-weights", "int2-weights"),
        *("int4-weights", "small"),
    ]
    assert [section.precision for section in sections] == ["int8", "int4", "int2", "int4", "int8"]
