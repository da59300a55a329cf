from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compressor.bench import Subject, subjects_from
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
