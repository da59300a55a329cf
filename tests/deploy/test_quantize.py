"""Dynamic int8: really smaller, really int8, close to fp32, and nothing left lying about."""

from __future__ import annotations

import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from compressor.bench.host import cpu
from compressor.deploy.export import export
from compressor.deploy.graph import operators
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.deploy.smoke_test import smoke_test
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.runtime.encoder import Encoder
from compressor.runtime.session import open_session
from compressor.tasks import get_task
from tests import tiny
from tests.deploy.models import write_classifier

TABLE = "bert.embeddings.word_embeddings.weight"
LAYERS = 1


def run(source: Path, out: Path, **settings: Any) -> tuple[dict[str, Any], onnx.ModelProto]:
    facts = quantize(DynamicQuantization(method="dynamic", **settings), source=source, out=out, events=Silent())
    return facts, onnx.load(out / "model.onnx")


def tensors(proto: onnx.ModelProto) -> dict[str, np.ndarray[Any, Any]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


def codes(proto: onnx.ModelProto) -> list[np.ndarray[Any, Any]]:
    """The 8-bit matrices that `MatMulInteger` reads."""
    weights = tensors(proto)
    return [weights[node.input[1]] for node in proto.graph.node if node.op_type == "MatMulInteger"]


@pytest.fixture(scope="module")
def quantized(large: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], onnx.ModelProto]:
    out = tmp_path_factory.mktemp("int8")
    return out, *run(large, out)


def test_the_file_is_about_a_quarter(quantized: tuple[Path, dict[str, Any], onnx.ModelProto], large: Path) -> None:
    out, facts, _ = quantized
    ratio = (out / "model.onnx").stat().st_size / (large / "model.onnx").stat().st_size
    assert ratio <= 0.30
    assert facts["size_ratio"] == pytest.approx(ratio, abs=1e-4)
    json.dumps(facts)


def test_every_constant_matrix_and_table_became_int8(
    quantized: tuple[Path, dict[str, Any], onnx.ModelProto],
) -> None:
    _, facts, proto = quantized
    # Query, key, value, output, two feed-forward matrices a layer; pooler and classifier.
    assert facts["matrices"] == 6 * LAYERS + 2 == len(codes(proto))
    # Attention's own products have no constant weights.
    assert facts["operators"]["MatMul"] == 2 * LAYERS
    assert facts["source_operators"]["MatMul"] == 8 * LAYERS
    assert {matrix.dtype for matrix in codes(proto)} == {np.dtype(np.int8)}
    assert facts["tables"] == 1
    assert tensors(proto)[f"{TABLE}_quantized"].dtype == np.int8
    assert TABLE not in tensors(proto)


def test_answers_stay_close_at_several_shapes(large: Path, tmp_path: Path) -> None:
    """Without VNNI, x86 CPUs add products of 8 bits up in 16, which saturate. 7 bits don't, and are half as fine."""
    has_vnni = bool({"avx_vnni", "avx512_vnni"} & set(cpu().flags)) or platform.machine() not in ("x86_64", "AMD64")
    out = tmp_path / "out"
    facts, _ = run(large, out, reduce_range=not has_vnni)
    texts = [text for text, _ in tiny.reviews(40)]
    inputs = Encoder.from_folder(out, 24).encode(texts)
    (fp32,), (int8,) = (open_session(folder / "model.onnx").run(inputs) for folder in (large, out))
    assert np.sqrt(np.mean((fp32 - int8) ** 2)) < (0.15 if has_vnni else 0.30) * fp32.std()
    assert 0 < facts["smoke_test"]["max_abs_difference"] < fp32.std()


def test_the_folder_has_the_exports_layout(
    quantized: tuple[Path, dict[str, Any], onnx.ModelProto], large: Path
) -> None:
    out, _, proto = quantized
    names = {file.name for file in large.iterdir()} - {"artifact.json"}
    assert {file.name for file in out.iterdir()} == names
    assert all((out / name).read_bytes() == (large / name).read_bytes() for name in names - {"model.onnx"})
    source = onnx.load(large / "model.onnx")
    assert proto.graph.input == source.graph.input
    assert proto.graph.output == source.graph.output
    assert not proto.graph.value_info


def test_nothing_is_left_behind_and_nothing_is_said(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = sorted(large.iterdir())
    run(large, tmp_path / "out")
    assert list(scratch.iterdir()) == []
    assert sorted(large.iterdir()) == before
    assert tuple(capfd.readouterr()) == ("", "")
    content = (tmp_path / "out" / "model.onnx").read_bytes()
    assert str(tmp_path).encode() not in content
    assert b"ort.quant" not in content


def test_the_same_source_gives_the_same_bytes(
    quantized: tuple[Path, dict[str, Any], onnx.ModelProto], large: Path, tmp_path: Path
) -> None:
    run(large, tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == (quantized[0] / "model.onnx").read_bytes()


def test_embeddings_stay_fp32_when_the_recipe_says_so(large: Path, tmp_path: Path) -> None:
    facts, proto = run(large, tmp_path, embeddings=False)
    assert facts["tables"] == 0
    assert tensors(proto)[TABLE].dtype == np.float32
    assert facts["size_ratio"] > 0.30


def test_weights_and_embeddings_stored_in_four_bits_are_the_int8_ones_in_half_of_the_file(
    quantized: tuple[Path, dict[str, Any], onnx.ModelProto], large: Path, tmp_path: Path
) -> None:
    eight = quantized[1]
    tables = run(large, tmp_path / "tables", embedding_bits=4)[0]
    facts, proto = run(large, tmp_path / "both", weight_bits=4, embedding_bits=4)
    assert (facts["matrices"], facts["tables"]) == (tables["matrices"], 1) == (eight["matrices"], 1)
    assert facts["size_ratio"] < tables["size_ratio"] - 0.02 < eight["size_ratio"] - 0.08
    assert {opset.domain for opset in proto.opset_import} == {""}
    packed = {name for name in tensors(proto) if name.endswith("_in_4_bits")}
    assert len(packed) == 6 * LAYERS + 2  # The pooler and the table too; the classifier is too small.


def test_weights_stored_in_four_bits_run_as_int8_ones_do(large: Path, tmp_path: Path) -> None:
    """onnxruntime unpacks them when it opens the file, once, and fuses what it fuses around int8."""
    executed = []
    for bits in (8, 4):
        run(large, tmp_path / str(bits), weight_bits=bits)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(tmp_path / f"{bits}.onnx")
        onnxruntime.InferenceSession(tmp_path / str(bits) / "model.onnx", options, providers=["CPUExecutionProvider"])
        executed.append(operators(onnx.load(tmp_path / f"{bits}.onnx")))
    assert executed[0] == executed[1]


def test_variants_are_called_by_their_bits_and_keys_of_earlier_versions_hold() -> None:
    plain = DynamicQuantization(method="dynamic")
    four = DynamicQuantization(method="dynamic", weight_bits=4)
    assert [(plain.name, plain.precision), (four.name, four.precision)] == [("int8", "int8"), ("int4", "int4")]
    assert not {"weight_bits", "embedding_bits"} & plain.model_dump().keys()
    assert four.model_dump()["weight_bits"] == 4


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"embeddings": False, "embedding_bits": 4}, "embedding_bits"),
        ({"weights": "uint8", "weight_bits": 4}, "weight_bits"),
    ],
)
def test_bits_that_nothing_would_be_stored_in_are_a_problem(settings: dict[str, Any], path: str) -> None:
    (problem,) = DynamicQuantization(method="dynamic", **settings).problems()
    assert problem.path == path


@pytest.mark.parametrize(("task", "matrices"), [("text-classification", 2), ("sentence-embedding", 0)])
def test_a_model_without_layers_is_little_but_its_table(task: str, matrices: int, tmp_path: Path) -> None:
    model = write_classifier(tmp_path / "model", "static-embeddings", vocab_size=4000, hidden_size=64)
    export(
        ExportSection(),
        task=get_task(task),
        model_folder=model,
        examples=[],
        max_length=24,
        out=tmp_path / "fp32",
        events=Silent(),
    )
    facts, proto = run(tmp_path / "fp32", tmp_path / "int8", reduce_range=True)  # exact on CPUs without VNNI too
    assert (facts["matrices"], facts["tables"]) == (matrices, 1)
    assert facts["size_ratio"] < 0.30
    assert [value.name for value in proto.graph.input] == ["input_ids", "attention_mask"]
    inputs = Encoder.from_folder(tmp_path / "int8", 24).encode(["a good film", "a very dull story of nothing"])
    (fp32,), (int8,) = (open_session(tmp_path / name / "model.onnx").run(inputs) for name in ("fp32", "int8"))
    assert 0 < np.sqrt(np.mean((fp32 - int8) ** 2)) < 0.1 * fp32.std()


def test_reduced_range_stays_within_seven_bits(large: Path, tmp_path: Path) -> None:
    _, proto = run(large, tmp_path, reduce_range=True, embeddings=False)
    assert max(np.abs(matrix.astype(int)).max() for matrix in codes(proto)) <= 64


def test_unsigned_weights_with_one_scale_a_matrix(large: Path, tmp_path: Path) -> None:
    _, proto = run(large, tmp_path, weights="uint8", per_channel=False, embeddings=False)
    assert {matrix.dtype for matrix in codes(proto)} == {np.dtype(np.uint8)}
    assert {tensor.size for name, tensor in tensors(proto).items() if name.endswith("_zero_point")} == {1}


def test_a_graph_with_nothing_to_quantize_is_refused(tmp_path: Path) -> None:
    proto = helper.make_model(
        helper.make_graph(
            [helper.make_node("Cast", ["input_ids"], ["logits"], to=TensorProto.FLOAT)],
            "model",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence"])],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    onnx.save(proto, tmp_path / "model.onnx")
    with pytest.raises(StageError, match="Nothing could be quantized"):
        run(tmp_path, tmp_path / "out")


def test_a_variant_that_answers_nan_is_refused(
    quantized: tuple[Path, dict[str, Any], onnx.ModelProto], large: Path, tmp_path: Path
) -> None:
    out, _, proto = quantized
    for file in out.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    broken = onnx.ModelProto()
    broken.CopyFrom(proto)
    bias = next(tensor for tensor in broken.graph.initializer if tensor.name == "classifier.bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(2, np.nan, np.float32), bias.name))
    onnx.save(broken, tmp_path / "model.onnx")
    with pytest.raises(StageError, match="NaN"):
        smoke_test(tmp_path / "model.onnx", reference=large / "model.onnx")


def test_a_variant_onnxruntime_cannot_open_is_refused(large: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(StageError, match="doesn't run"):
        smoke_test(tmp_path / "model.onnx", reference=large / "model.onnx")
