from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compressor.errors import BundleError, GatesFailed, VerificationFailed
from compressor.push import make_upload
from compressor.push.scan import find_paths, find_secrets
from compressor.runtime.manifest import MANIFEST, SIGNATURE
from compressor.runtime.tasks import runtime_task
from tests.runtime.bundles import edit, seal_again

TOKEN = "hf_" + "aB3" * 12


def add(bundle: Path, name: str, text: str) -> None:
    """Write text behind a file of the bundle, and seal it."""
    with (bundle / name).open("a", encoding="utf-8") as file:
        file.write(text)
    seal_again(bundle)


def test_every_file_of_the_bundle_goes_and_no_other(bundle: Path) -> None:
    (bundle / ".env").write_text("KEY=1", encoding="utf-8")
    upload = make_upload(bundle)
    assert list(upload.files)[-1] == "manifest.json"
    assert {*upload.files} == {
        path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file() and path.name != ".env"
    }
    assert upload.left == (".env",)
    assert upload.sizes["onnx/model.onnx"] == (bundle / "onnx" / "model.onnx").stat().st_size


def test_a_signature_goes_with_what_it_signs(bundle: Path) -> None:
    (bundle / SIGNATURE).write_text("{}", encoding="utf-8")
    upload = make_upload(bundle)
    assert list(upload.files)[-2:] == [MANIFEST, SIGNATURE]
    assert upload.left == ()


def test_a_changed_bundle_is_refused(bundle: Path) -> None:
    (bundle / "README.md").write_text("# better than measured\n", encoding="utf-8")
    with pytest.raises(VerificationFailed, match=r"README\.md has changed"):
        make_upload(bundle)


def test_a_bundle_with_planted_texts_is_refused_unless_forced(bundle: Path) -> None:
    edit(bundle / MANIFEST, lambda manifest: manifest.update(planted=20))
    with pytest.raises(BundleError, match=r"20 random texts were planted") as caught:
        make_upload(bundle)
    assert "audit.canaries" in str(caught.value.hint)
    assert any("20 planted random texts" in said for said in make_upload(bundle, force=True).carries)


def test_a_bundle_whose_gates_failed_is_refused_unless_forced(bundle: Path) -> None:
    gates = [
        {"name": "speedup", "expression": ">= 9", "value": 3.0, "passed": False},
        {"name": "size_mb", "expression": "<= 20", "value": 3.0, "passed": True},
    ]
    edit(bundle / "manifest.json", lambda manifest: manifest.update(gates=gates, passed=False))
    with pytest.raises(GatesFailed, match=r"asks for: speedup >= 9\.") as caught:
        make_upload(bundle)
    assert caught.value.exit_code == 1
    assert make_upload(bundle, force=True).files


def test_a_secret_is_refused_named_and_never_shown(bundle: Path) -> None:
    add(bundle, "recipe.resolved.yaml", f"token: {TOKEN}\n")
    with pytest.raises(BundleError, match=r"recipe\.resolved\.yaml seems to hold a Hugging Face token") as caught:
        make_upload(bundle)
    assert TOKEN not in str(caught.value)
    assert any("Hugging Face token" in told for told in make_upload(bundle, force=True).carries)


def test_folders_of_the_machine_are_told(bundle: Path) -> None:
    add(bundle, "recipe.resolved.yaml", "out: /home/anna/project/run\n")
    (told,) = [told for told in make_upload(bundle).carries if "folders" in told]
    assert told == "recipe.resolved.yaml names folders of a machine: /home/anna/project/run."


def test_texts_of_the_data_are_told_and_built_in_sentences_are_not(bundle: Path) -> None:
    told = "golden.json holds 5 texts of the data"
    assert any(carried.startswith(told) for carried in make_upload(bundle).carries)
    own = runtime_task("text-classification").samples(["text"])

    def replace(golden: dict[str, Any]) -> None:
        golden["examples"] = own
        for variant, rows in golden["outputs"].items():
            golden["outputs"][variant] = (rows * len(own))[: len(own)]
            golden["tolerances"][variant] = 1e6

    edit(bundle / "golden.json", replace)
    seal_again(bundle)
    assert not any("texts of the data" in carried for carried in make_upload(bundle).carries)


def test_the_report_stays_unless_it_is_asked_for(bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"no report\.html beside"):
        make_upload(bundle, report=True)
    (bundle.parent / "report.html").write_text("<p>a dull film</p>", encoding="utf-8")
    assert "report.html" not in make_upload(bundle).files
    upload = make_upload(bundle, report=True)
    assert upload.files["report.html"] == bundle.parent / "report.html"
    assert any(carried.startswith("report.html shows texts") for carried in upload.carries)


def test_a_card_without_a_license_is_told(bundle: Path) -> None:
    assert any("no license" in carried for carried in make_upload(bundle).carries)
    (bundle / "README.md").write_text("---\nlibrary_name: transformers.js\nlicense: mit\n---\n", encoding="utf-8")
    seal_again(bundle)
    assert not any("no license" in carried for carried in make_upload(bundle).carries)


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        "sk-proj-" + "x1" * 20,
        "ghp_" + "a" * 36,
        "AKIA" + "A1" * 8,
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "https://user:password@index.example/simple",
    ],
)
@pytest.mark.parametrize("wrap", [str, lambda text: json.dumps({"key": text})], ids=["plain", "json"])
def test_secrets_are_found(tmp_path: Path, text: str, wrap: Callable[[str], str]) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\x00\xff" + wrap(text).encode() + b"\n")
    assert len(find_secrets(file)) == 1


@pytest.mark.parametrize(
    "text", ["", "hf_model", "https://index.example:8080/a@b", "task-classification sk-ip", "AKIA"]
)
def test_what_is_no_secret_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text, encoding="utf-8")
    assert find_secrets(file) == []


def test_paths_of_a_machine_are_told_from_addresses_and_names_of_nodes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(
        "/encoder/layer.0/data/MatMul https://huggingface.co/home/me </tmp/x> data/home/x\n"
        "'/home/anna/reviews.csv' C:\\Users\\anna\\reviews.csv\n/home/anna/reviews.csv\n",
        encoding="utf-8",
    )
    assert find_paths(file) == ["/home/anna/reviews.csv", ":\\Users\\anna"]
