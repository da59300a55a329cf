"""A variant in ONNX Runtime's own format: it opens, answers as the ONNX file does, and its operators are listed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from compressor import runtime
from compressor.deploy.bundle import BundlePlan, write_bundle
from compressor.deploy.graph import executed_operators
from compressor.deploy.ort_format import convert, files_of
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.errors import BundleError, StageError, VerificationFailed
from compressor.events import Silent
from tests import tiny
from tests.deploy.models import LABELS, MAX_LENGTH
from tests.runtime.bundles import seal_again

TEXTS = [text for text, _ in tiny.reviews(4)]


@pytest.fixture(scope="module")
def int8(large: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    out = tmp_path_factory.mktemp("int8")
    quantize(DynamicQuantization(method="dynamic"), source=large, out=out, events=Silent())
    return out


@pytest.fixture(scope="module")
def written(large: Path, int8: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A bundle with int8 as `.ort` too, and its facts. Read only."""
    plan = BundlePlan(
        name="tiny",
        task="text-classification",
        labels=LABELS,
        max_length=MAX_LENGTH,
        variants={"fp32": large, "int8": int8},
        chosen="int8",
        ort_format=["int8"],
        examples=[{"text": text} for text in TEXTS],
        recipe="name: tiny\n",
    )
    out = tmp_path_factory.mktemp("written") / "bundle"
    return out, write_bundle(plan, out, card="# tiny\n")


def listed(config: Path) -> set[str]:
    """Operators of a list as a build of ONNX Runtime reads it: `domain;version;names`."""
    lines = [line for line in config.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {name for line in lines for name in line.split(";")[2].split(",")}


def test_the_operators_that_run_are_listed_and_no_folder_of_this_machine(int8: Path, tmp_path: Path) -> None:
    model = tmp_path / "model_quantized.onnx"
    shutil.copyfile(int8 / "model.onnx", model)
    convert(model)
    config = tmp_path / "model_quantized.required_operators.config"
    assert {path.name for path in tmp_path.iterdir()} == {model.name, "model_quantized.ort", config.name}
    assert listed(config) == executed_operators(model).keys()
    assert tempfile.gettempdir() not in config.read_text(encoding="utf-8")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(StageError, match=r"can't be written as \.ort"):
        convert(tmp_path / "model.onnx")


def test_a_bundle_seals_it_with_its_list(written: tuple[Path, dict[str, Any]]) -> None:
    bundle, facts = written
    manifest = runtime.Manifest.read(bundle)
    file, config = files_of(manifest.variants["int8"])
    assert manifest.ort_files == {"int8": file} == {"int8": "onnx/model_quantized.ort"}
    assert {file, config} <= manifest.files.keys()
    assert {file, config} <= facts["files"].keys()


def test_it_answers_as_the_onnx_file_does(written: tuple[Path, dict[str, Any]]) -> None:
    bundle, _ = written
    inputs = runtime.Encoder.from_folder(bundle, MAX_LENGTH).encode(TEXTS[:1])
    one, other = (
        runtime.open_session(bundle / "onnx" / f"model_quantized.{suffix}").run(inputs)[0] for suffix in ("onnx", "ort")
    )
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_verify_asks_it_too(written: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """Sealed again around another model, as a careless copy would leave it."""
    bundle = Path(shutil.copytree(written[0], tmp_path / "bundle"))
    assert runtime.verify(bundle).variants.keys() == {"fp32", "int8"}
    other = onnx.load(bundle / "onnx" / "model.onnx")
    bias = next(tensor for tensor in other.graph.initializer if tensor.name == "classifier.bias")
    bias.CopyFrom(numpy_helper.from_array(np.array([9, -9], np.float32), bias.name))
    onnx.save(other, tmp_path / "model.onnx")
    convert(tmp_path / "model.onnx")
    shutil.copyfile(tmp_path / "model.ort", bundle / "onnx" / "model_quantized.ort")
    seal_again(bundle)
    with pytest.raises(VerificationFailed, match="variant int8"):
        runtime.verify(bundle)


def test_one_of_a_variant_that_is_not_there_is_refused(written: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(written[0], tmp_path / "bundle"))
    text = (bundle / "manifest.json").read_text(encoding="utf-8")
    (bundle / "manifest.json").write_text(text.replace('"int8": "onnx/model_quantized.ort"', '"int9": "onnx/x.ort"'))
    with pytest.raises(BundleError, match="int9"):
        runtime.Manifest.read(bundle)
