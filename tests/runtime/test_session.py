from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from compressor.errors import BundleError, TargetUnavailable
from compressor.runtime import open_session

INPUTS = {name: np.ones((1, 4), dtype=np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}


@pytest.fixture
def model(bundle: Path) -> Path:
    return bundle / "onnx" / "model.onnx"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What onnxruntime is asked for, while it always runs on the CPU, as it does where CUDA can't start."""
    real, found = onnxruntime.InferenceSession, {}

    def open_(path: str, options: onnxruntime.SessionOptions, providers: list[str], **rest: Any) -> Any:
        found.update(options=options, providers=providers, **rest)
        return real(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_)
    return found


def providers(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(names))


def test_it_takes_the_inputs_it_knows(model: Path) -> None:
    session = open_session(model)
    assert session.input_names == ("input_ids", "attention_mask")
    assert session.output_names == ("logits",)
    assert session.provider == "CPUExecutionProvider"
    assert session.run(INPUTS)[0].shape == (1, 2)


def test_a_missing_input_is_named(model: Path) -> None:
    with pytest.raises(BundleError, match="attention_mask"):
        open_session(model).run({"input_ids": INPUTS["input_ids"]})


def test_inputs_it_cannot_compute_are_described(model: Path) -> None:
    with pytest.raises(BundleError, match=r"input_ids \[1, 4\]"):
        open_session(model).run(INPUTS | {"input_ids": np.full((1, 4), 10**6)})


@pytest.mark.parametrize(("spinning", "entry"), [(False, "0"), (True, "1")])
def test_threads_are_those_asked_for(model: Path, asked: dict[str, Any], spinning: bool, entry: str) -> None:
    open_session(model, threads=3, spinning=spinning)
    options = asked["options"]
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry


def test_a_provider_that_is_not_installed_comes_with_the_package(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    providers(monkeypatch, "CPUExecutionProvider")
    with pytest.raises(TargetUnavailable, match="CUDAExecutionProvider") as caught:
        open_session(model, device="cuda")
    assert "onnxruntime-gpu" in str(caught.value)


def test_falling_back_to_another_provider_is_refused(
    model: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    providers(monkeypatch, "CUDAExecutionProvider", "CPUExecutionProvider")
    with pytest.raises(TargetUnavailable, match="CUDAExecutionProvider was asked for and CPUExecutionProvider"):
        open_session(model, device="cuda")
    assert asked["providers"] == [("CUDAExecutionProvider", {"use_tf32": "0"})], "fp32 is fp32"


def test_a_provider_that_fails_to_start_is_told_quietly(
    model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """onnxruntime would print a banner on stdout, where results go, and carry on with the CPU."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA failure 35: driver version is insufficient")

    monkeypatch.setattr(onnxruntime.InferenceSession, "_create_inference_session", fail)
    providers(monkeypatch, "CUDAExecutionProvider", "CPUExecutionProvider")
    with pytest.raises(TargetUnavailable, match="driver version is insufficient"):
        open_session(model, device="cuda")
    assert capfd.readouterr() == ("", "")


def test_an_unknown_device_comes_with_those_there_are(model: Path) -> None:
    with pytest.raises(TargetUnavailable, match="'tpu'") as caught:
        open_session(model, device="tpu")
    assert "cpu, cuda" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a model", None], ids=["empty", "text", "half"])
def test_a_damaged_model_is_named_quietly(
    model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    damaged = tmp_path / "model.onnx"
    whole = model.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(BundleError, match=r"model\.onnx can't be loaded"):
        open_session(damaged)
    assert capfd.readouterr() == ("", "")


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx is not there"):
        open_session(tmp_path / "model.onnx")
