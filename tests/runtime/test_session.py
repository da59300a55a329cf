from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, load_model, save
from onnxruntime.capi import onnxruntime_inference_collection

from compressor.errors import BundleError, TargetUnavailable
from compressor.runtime import open_session
from compressor.runtime.session import assert_provider

needs_openvino = pytest.mark.skipif(
    "OpenVINOExecutionProvider" not in onnxruntime.get_available_providers(), reason="needs onnxruntime-openvino"
)
INPUTS = {name: np.ones((1, 4), dtype=np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}


@pytest.fixture
def model(bundle: Path) -> Path:
    return bundle / "onnx" / "model.onnx"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What onnxruntime is asked for, while it always runs on the CPU, as it does where CUDA can't start."""
    real = onnxruntime.InferenceSession
    found: dict[str, Any] = {}

    def open_(path: str, options: onnxruntime.SessionOptions, providers: list[Any], **rest: Any) -> Any:
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


@pytest.mark.parametrize("arena", [True, False])
def test_the_arena_is_kept_unless_it_is_turned_off(model: Path, asked: dict[str, Any], arena: bool) -> None:
    open_session(model, arena=arena)
    assert asked["options"].enable_cpu_mem_arena is arena


def test_a_profile_tells_what_was_executed_and_where(model: Path, tmp_path: Path) -> None:
    session = open_session(model, profile=tmp_path / "profile")
    session.run(INPUTS)
    file = session.end_profiling()
    executed = [event["args"] for event in json.loads(file.read_text()) if event.get("cat") == "Node"]

    assert file.parent == tmp_path
    assert {event["provider"] for event in executed} == {"CPUExecutionProvider"}
    assert "MatMul" in {event["op_name"] for event in executed}


@pytest.mark.parametrize(
    ("device", "provider", "package"),
    [
        ("cuda", "CUDAExecutionProvider", "onnxruntime-gpu"),
        ("tensorrt", "TensorrtExecutionProvider", "onnxruntime-gpu"),
        ("openvino", "OpenVINOExecutionProvider", "onnxruntime-openvino"),
    ],
)
def test_a_provider_that_is_not_installed_comes_with_the_package(
    model: Path, monkeypatch: pytest.MonkeyPatch, device: str, provider: str, package: str
) -> None:
    providers(monkeypatch, "CPUExecutionProvider")
    with pytest.raises(TargetUnavailable, match=provider) as caught:
        open_session(model, device=device)
    assert f"pip install {package}" in str(caught.value)


def test_what_tensorrt_lacks_goes_to_the_gpu(
    model: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    providers(monkeypatch, "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
    with pytest.raises(TargetUnavailable, match="TensorrtExecutionProvider was asked for and CPUExecutionProvider"):
        open_session(model, device="tensorrt")
    assert asked["providers"] == ["TensorrtExecutionProvider", ("CUDAExecutionProvider", {"use_tf32": "0"})]


def test_openvino_is_given_its_threads_itself(
    model: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It doesn't take them from the session, and would start one for each core."""
    providers(monkeypatch, "OpenVINOExecutionProvider", "CPUExecutionProvider")
    with pytest.raises(TargetUnavailable, match="OpenVINOExecutionProvider was asked for"):
        open_session(model, device="openvino", threads=3)
    ((name, options),) = asked["providers"]
    assert (name, options["device_type"]) == ("OpenVINOExecutionProvider", "CPU")
    assert json.loads(options["load_config"]) == {"CPU": {"INFERENCE_NUM_THREADS": "3"}}


def test_a_provider_that_is_listed_first_and_given_no_operator_is_refused(
    model: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the session says that CUDA leads, and every operator lies on the CPU, as it did in earnest."""
    providers(monkeypatch, "CUDAExecutionProvider", "CPUExecutionProvider")
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime_inference_collection.Session, "get_providers", lambda _: both)
    with pytest.raises(TargetUnavailable, match=r"no operator of the model runs on it \(.*CPUExecutionProvider \d"):
        open_session(model, device="cuda")


def test_a_provider_that_has_an_operator_will_do() -> None:
    """Shapes and lengths are computed on the CPU even where a GPU does the work."""
    assert_provider({"CUDAExecutionProvider": 90, "CPUExecutionProvider": 12}, "cuda")
    for providers_ in ({}, {"CUDAExecutionProvider": 0, "CPUExecutionProvider": 102}):
        with pytest.raises(TargetUnavailable, match="CUDAExecutionProvider was asked for"):
            assert_provider(providers_, "cuda")


def test_cuda_libraries_that_are_not_found_are_not_told_on_stdout(
    model: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    providers(monkeypatch, "CUDAExecutionProvider", "CPUExecutionProvider")
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: sys.stdout.write("Failed to load libcublasLt.so"))
    with pytest.raises(TargetUnavailable):
        open_session(model, device="cuda")
    assert capfd.readouterr().out == ""


@needs_openvino
def test_openvino_answers_as_the_cpu_does(model: Path) -> None:
    session = open_session(model, device="openvino")
    assert session.provider == "OpenVINOExecutionProvider"
    np.testing.assert_allclose(session.run(INPUTS)[0], open_session(model).run(INPUTS)[0], atol=1e-5)


@needs_openvino
def test_a_model_that_openvino_leaves_to_the_cpu_is_refused(tmp_path: Path) -> None:
    """The session of such a model lists OpenVINO first nonetheless."""
    matrix = helper.make_tensor_value_info("matrix", TensorProto.FLOAT, ["n", "n"])
    answer = helper.make_tensor_value_info("determinant", TensorProto.FLOAT, [])
    graph = helper.make_graph([helper.make_node("Det", ["matrix"], ["determinant"])], "det", [matrix], [answer])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    save(model, tmp_path / "model.onnx")
    with pytest.raises(TargetUnavailable, match=r"no operator .* runs on it \(operators: CPUExecutionProvider 1\)"):
        open_session(tmp_path / "model.onnx", device="openvino")


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
    assert "cpu, cuda, tensorrt, openvino" in str(caught.value)


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


def test_a_model_that_reads_a_file_outside_its_folder_is_refused(model: Path, tmp_path: Path) -> None:
    """Its weights would be whatever that file holds, and could be asked back."""
    graph = load_model(model)
    tensor = max(graph.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    secret, size = tmp_path / "secret.bin", len(tensor.raw_data)
    secret.write_bytes(bytes(size))
    (tmp_path / "onnx").mkdir()
    for place in ("../secret.bin", str(secret)):
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in {"location": place, "offset": "0", "length": str(size)}.items():
            tensor.external_data.add(key=key, value=value)
        (tmp_path / "onnx" / "model.onnx").write_bytes(graph.SerializeToString())
        with pytest.raises(BundleError, match=r"model\.onnx can't be loaded"):
            open_session(tmp_path / "onnx" / "model.onnx")


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx is not there"):
        open_session(tmp_path / "model.onnx")


def test_onnxruntime_is_told_not_to_report_its_use_before_it_is_imported() -> None:
    code = (
        "import os, sys, compressor.runtime\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)

    assert done.stdout.strip() == "1", done.stderr
