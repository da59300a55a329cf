from __future__ import annotations

from pathlib import Path

import pytest

from compressor import toolkit
from compressor.chain import doctor
from compressor.chain.doctor import Finding, examine


def found() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


def test_a_machine_that_runs_these_tests_is_well() -> None:
    findings = found()
    assert {findings[name].state for name in ("python", "onnxruntime", "numpy", "extra toolkit", "target cpu")} == {
        "ok"
    }
    assert findings["onnxruntime"].detail[0].isdigit()
    assert "torch" in findings["extra toolkit"].detail


def test_without_the_toolkit_bundles_can_still_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolkit, "find_spec", lambda name: None if name == "torch" else object())
    assert found()["extra toolkit"].state == "absent"
    assert "pip install 'compressor[toolkit]'" in found()["extra toolkit"].detail
    assert "torch" in found()["extra toolkit"].detail
    assert not [finding for finding in examine() if finding.state == "missing"]


def test_onnxruntime_for_gpus_is_onnxruntime_too(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"onnxruntime": "absent", "onnxruntime-gpu": "1.32.0"}
    monkeypatch.setattr(doctor, "versions", lambda names: {name: installed.get(name, "1.0") for name in names})
    assert found()["onnxruntime"] == Finding("onnxruntime", "ok", "1.32.0")


def test_a_package_of_the_base_install_that_is_gone_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "versions", lambda names: {n: "absent" if n == "tokenizers" else "1.0" for n in names})
    assert found()["tokenizers"].state == "missing"


def test_a_disk_that_is_nearly_full_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tmp_path / "not" / "made" / "yet"))
    assert str(tmp_path / "not" / "made" / "yet") in found()["disk"].detail
    monkeypatch.setattr(doctor, "LOW_DISK_GB", 1e9)
    assert found()["disk"].state == "absent"
    assert "low" in found()["disk"].detail
    assert not (tmp_path / "not").exists()
