from __future__ import annotations

import builtins
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.bench.weights import onnx_parameters, safetensors_parameters
from tests import tiny
from tests.bench.models import LABELS

EMBEDDINGS_AND_HEAD = len(tiny.VOCABULARY) * 8 + 8 * len(LABELS)


def test_weights_are_parameters_and_axes_are_not(onnx_folder: Path) -> None:
    assert onnx_parameters(onnx_folder / "model.onnx") == EMBEDDINGS_AND_HEAD


def test_quantized_weights_are_as_many(onnx_folder: Path, tmp_path: Path) -> None:
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(onnx_folder / "model.onnx", tmp_path / "int8.onnx", per_channel=True)

    assert onnx_parameters(tmp_path / "int8.onnx") == EMBEDDINGS_AND_HEAD


def test_weights_packed_in_four_bits_are_counted_one_by_one(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, numpy_helper, save

    node = helper.make_node(
        "MatMulNBits", ["x", "b", "scales"], ["y"], domain="com.microsoft", K=64, N=10, bits=4, block_size=32
    )
    graph = helper.make_graph(
        [node],
        "packed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        [
            numpy_helper.from_array(np.zeros((10, 2, 16), dtype=np.uint8), "b"),
            numpy_helper.from_array(np.ones(20, dtype=np.float32), "scales"),
        ],
    )
    save(helper.make_model(graph), tmp_path / "model.onnx")

    assert onnx_parameters(tmp_path / "model.onnx") == 640


def test_embeddings_packed_in_four_bits_are_counted_one_by_one(tmp_path: Path) -> None:
    import onnx_ir
    from onnx import TensorProto, helper, numpy_helper, save

    from compressor.deploy.embeddings import quantize_embeddings

    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["rows"]), helper.make_node("Identity", ["rows"], ["y"])],
        "packed",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 64])],
        [numpy_helper.from_array(np.ones((200, 64), dtype=np.float32), "table")],
    )
    model = onnx_ir.from_proto(helper.make_model(graph))
    assert quantize_embeddings(model, 4) == 1
    save(onnx_ir.to_proto(model), tmp_path / "model.onnx")

    assert onnx_parameters(tmp_path / "model.onnx") == 200 * 64 + len(["mask", "shift"])


def test_what_can_not_be_read_has_no_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{")
    (tmp_path / "short.safetensors").write_bytes(b"abc")

    assert onnx_parameters(tmp_path / "model.onnx") is None
    assert onnx_parameters(tmp_path / "absent.onnx") is None
    assert safetensors_parameters([tmp_path / "model.safetensors"]) is None
    assert safetensors_parameters([tmp_path / "short.safetensors"]) is None


def test_the_base_install_goes_without_the_count(onnx_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "onnx":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    monkeypatch.delitem(sys.modules, "onnx", raising=False)

    assert onnx_parameters(onnx_folder / "model.onnx") is None


def test_safetensors_are_counted_by_their_headers_over_all_files(classifier_folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    file = classifier_folder / "model.safetensors"
    shutil.copy(file, tmp_path / "other.safetensors")
    expected = AutoModelForSequenceClassification.from_pretrained(classifier_folder).num_parameters()

    assert safetensors_parameters([file]) == expected
    assert safetensors_parameters([file, tmp_path / "other.safetensors"]) == 2 * expected
