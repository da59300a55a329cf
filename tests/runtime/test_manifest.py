from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compressor.errors import BundleError
from compressor.runtime import Manifest
from compressor.runtime.manifest import MANIFEST, SCHEMA_VERSION, FileDigest
from tests.runtime.bundles import edit

ONE = Manifest(
    name="reviews",
    task="text-classification",
    labels=("rotten", "fräsch"),
    max_length=96,
    pairs=False,
    variants={"fp32": "onnx/model.onnx"},
    default="fp32",
    files={"onnx/model.onnx": FileDigest(5, "ab" * 32)},
    versions={"onnxruntime": "1.32.0"},
    gates=({"name": "size_mb", "expression": "<= 12", "value": 11.5, "passed": True, "reason": ""},),
    passed=True,
    created="2026-11-24T08:00:00+00:00",
)


def test_it_reads_back_as_it_was_written(tmp_path: Path) -> None:
    ONE.write(tmp_path)
    assert Manifest.read(tmp_path) == ONE


def test_one_of_before_there_was_a_temperature_has_none(tmp_path: Path) -> None:
    replace(ONE, calibration={"applied": True, "temperature": 1.8}).write(tmp_path)
    assert Manifest.read(tmp_path).calibration == {"applied": True, "temperature": 1.8}
    edit(tmp_path / MANIFEST, lambda manifest: manifest.pop("calibration"))
    assert Manifest.read(tmp_path) == ONE


def test_a_folder_without_one_is_not_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is not a bundle"):
        Manifest.read(tmp_path)


def test_a_newer_version_says_to_upgrade(tmp_path: Path) -> None:
    replace(ONE, schema_version=SCHEMA_VERSION + 1).write(tmp_path)
    with pytest.raises(BundleError, match=f"version {SCHEMA_VERSION + 1}") as caught:
        Manifest.read(tmp_path)
    assert "--upgrade" in str(caught.value)


def test_what_another_writer_adds_is_no_obstacle(tmp_path: Path) -> None:
    ONE.write(tmp_path)
    edit(tmp_path / MANIFEST, lambda manifest: manifest.update(signed_by="someone"))
    assert Manifest.read(tmp_path) == ONE


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema_version": "new"}', '{"schema_version": 1}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match=r"manifest\.json can't be read"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.pop("labels"),
        lambda manifest: manifest.update(labels=[]),
        lambda manifest: manifest.update(labels=7),
        lambda manifest: manifest.update(max_length=0),
        lambda manifest: manifest.update(max_length="long"),
        lambda manifest: manifest.update(variants=[]),
        lambda manifest: manifest.update(default="int8"),
        lambda manifest: manifest.update(files={"onnx/model.onnx": "ab"}),
    ],
)
def test_what_no_bundle_says_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    ONE.write(tmp_path)
    edit(tmp_path / MANIFEST, lambda manifest: (change(manifest), None)[1])
    with pytest.raises(BundleError, match=r"manifest\.json"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../model.onnx", "onnx/../../model.onnx", "C:\\model.onnx", "..\\model.onnx", "\\\\host\\x", ""],
)
@pytest.mark.parametrize("key", ["files", "variants"])
def test_files_outside_the_bundle_are_refused(tmp_path: Path, name: str, key: str) -> None:
    ONE.write(tmp_path)
    content = {name: {"size": 1, "sha256": ""}} if key == "files" else {"fp32": name}
    edit(tmp_path / MANIFEST, lambda manifest: manifest.update({key: content}))
    with pytest.raises(BundleError, match="outside the bundle"):
        Manifest.read(tmp_path)


def test_an_unknown_variant_comes_with_those_there_are() -> None:
    assert ONE.file_of(None) == ONE.file_of("fp32") == "onnx/model.onnx"
    with pytest.raises(BundleError, match="'int8'") as caught:
        ONE.file_of("int8")
    assert "fp32" in str(caught.value)


def test_it_is_plain_json(tmp_path: Path) -> None:
    ONE.write(tmp_path)
    content = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    assert content["schema_version"] == SCHEMA_VERSION
    assert content["labels"] == ["rotten", "fräsch"]
