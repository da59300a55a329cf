from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from compressor.bench import Subject, subjects_from
from compressor.bench.subject import position_limit
from compressor.errors import BundleError
from compressor.runtime import Manifest


@pytest.fixture
def bundle(tmp_path: Path, onnx_folder: Path) -> Path:
    (tmp_path / "onnx").mkdir()
    for name in ("model.onnx", "model_quantized.onnx"):
        shutil.copy(onnx_folder / "model.onnx", tmp_path / "onnx" / name)
    Manifest(
        name="reviews",
        task="text-classification",
        labels=("bad", "good"),
        max_length=48,
        pairs=False,
        variants={"fp32": "onnx/model.onnx", "int8": "onnx/model_quantized.onnx"},
        default="int8",
        files={},
    ).write(tmp_path)
    return tmp_path


def test_a_bundle_has_a_subject_for_each_variant(bundle: Path) -> None:
    fp32, int8 = subjects_from(bundle)

    assert (fp32.name, fp32.folder, fp32.file, fp32.max_length) == ("fp32", bundle, "onnx/model.onnx", 48)
    assert (int8.name, int8.file) == ("int8", "onnx/model_quantized.onnx")
    assert int8.size.model_mb == (bundle / int8.file).stat().st_size / 1e6 > 0


def test_variants_can_be_chosen(bundle: Path) -> None:
    assert [subject.name for subject in subjects_from(bundle, ["int8"])] == ["int8"]
    with pytest.raises(BundleError, match="int4") as caught:
        subjects_from(bundle, ["int4"])
    assert "fp32, int8" in str(caught.value)


def test_an_onnx_file_is_measured_with_the_tokenizer_beside_it(onnx_folder: Path) -> None:
    (subject,) = subjects_from(onnx_folder / "model.onnx")

    assert (subject.folder, subject.file, subject.max_length) == (onnx_folder, "model.onnx", 64)
    assert subjects_from(onnx_folder) == [subject]


def test_the_tokenizer_may_be_one_folder_up(onnx_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    shutil.copy(onnx_folder / "model.onnx", tmp_path / "onnx" / "model_fp16.onnx")
    shutil.copy(onnx_folder / "tokenizer.json", tmp_path)
    (subject,) = subjects_from(tmp_path / "onnx" / "model_fp16.onnx")

    assert (subject.name, subject.folder, subject.file) == ("model_fp16", tmp_path, "onnx/model_fp16.onnx")


def test_what_is_neither_is_refused_with_what_to_give_instead(tmp_path: Path, onnx_folder: Path) -> None:
    with pytest.raises(BundleError, match="neither a bundle nor an ONNX file"):
        subjects_from(tmp_path)
    with pytest.raises(BundleError, match="is not there"):
        subjects_from(tmp_path / "absent")
    with pytest.raises(BundleError, match="it is one model"):
        subjects_from(onnx_folder, ["int8"])
    shutil.copy(onnx_folder / "model.onnx", tmp_path / "alone.onnx")
    with pytest.raises(BundleError, match=r"no tokenizer\.json beside"):
        subjects_from(tmp_path / "alone.onnx")


def test_size_counts_the_weights_wherever_they_are(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x" * 1000)
    (tmp_path / "model.onnx.data").write_bytes(b"x" * 9_000)
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"x" * 3000)
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(b"x" * 4000)
    (tmp_path / "tokenizer.json").write_bytes(b"x" * 500)

    assert Subject("a", "onnxruntime", tmp_path, 32, "text-classification").size.model_mb == 0.01
    found = Subject("a", "torch", tmp_path, 32, "text-classification", parameters=7).size
    assert (found.model_mb, found.parameters) == (0.007, 7)


def test_what_a_device_needs_is_the_variant_and_what_lies_around_it(bundle: Path) -> None:
    for name, size in (("tokenizer.json", 3000), ("config.json", 500), ("README.md", 10_000), ("golden.json", 10_000)):
        (bundle / name).write_bytes(b"x" * size)
    fp32, _ = subjects_from(bundle)
    files = [bundle / fp32.file, bundle / "manifest.json"]

    expected = 3500 + sum(file.stat().st_size for file in files)
    assert fp32.size.deployed_mb == pytest.approx(expected / 1e6), "one variant, no model card, no self-test"


def test_positions_limit_the_length_however_the_model_calls_them(decoder_folder: Path) -> None:
    assert subjects_from(decoder_folder)[0].max_length == 64


@pytest.mark.parametrize(("kind", "limit"), [("bert", 514), ("roberta", 512), ("mpnet", 512)])
def test_positions_before_the_first_token_hold_no_text(tmp_path: Path, kind: str, limit: int) -> None:
    config = {"model_type": kind, "max_position_embeddings": 514, "pad_token_id": 1}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")

    assert position_limit(tmp_path) == limit


def test_a_pytorch_model_folder_is_a_subject_with_a_precision(classifier_folder: Path, tmp_path: Path) -> None:
    (subject,) = subjects_from(classifier_folder, precision="bf16")

    assert (subject.engine, subject.precision, subject.max_length) == ("torch", "bf16", 64)
    assert subjects_from(classifier_folder)[0].precision == "fp32"
    shutil.copy(classifier_folder / "model.safetensors", tmp_path)
    with pytest.raises(BundleError, match=r"no config\.json"):
        subjects_from(tmp_path)


def test_an_onnx_file_has_its_own_precision(onnx_folder: Path, bundle: Path) -> None:
    for path in (onnx_folder, bundle):
        with pytest.raises(BundleError, match="precision of its own"):
            subjects_from(path, precision="bf16")
