from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from pydantic import ValidationError

from compressor.bench import target, target_reason
from compressor.recipe.benchmark import Target

CUDA = Target(device="cuda")
TENSORRT = Target(device="tensorrt")
OPENVINO = Target(device="openvino")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a GPU, as far as its device files say."""
    monkeypatch.setattr(target, "_has_nvidia_gpu", lambda: True)


def providers(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [*names, "CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("device", "setting"),
    [
        ("cpu", "io_binding"),
        ("tensorrt", "io_binding"),
        ("cuda", "arena"),
        ("openvino", "arena"),
        ("openvino", "spinning"),
    ],
)
def test_a_setting_that_would_do_nothing_there_is_refused(device: str, setting: str) -> None:
    """Else two rows would differ in name alone."""
    with pytest.raises(ValidationError, match=f"`{setting}.* is (not )?for `device"):
        Target.model_validate({"device": device, setting: setting != "arena"})


def test_the_cpu_is_always_there() -> None:
    assert target_reason(Target(threads=4)) is None


@pytest.mark.parametrize("wanted", [CUDA, TENSORRT])
def test_without_a_gpu_cuda_is_not_there(monkeypatch: pytest.MonkeyPatch, wanted: Target) -> None:
    """onnxruntime-gpu lists its providers on every machine."""
    providers(monkeypatch, "TensorrtExecutionProvider", "CUDAExecutionProvider")
    monkeypatch.setattr(target, "_has_nvidia_gpu", lambda: False)

    assert target_reason(wanted) == "there is no NVIDIA GPU"


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    ("wanted", "package"),
    [(CUDA, "onnxruntime-gpu"), (TENSORRT, "onnxruntime-gpu"), (OPENVINO, "onnxruntime-openvino")],
)
def test_without_the_provider_the_reason_names_the_package(
    monkeypatch: pytest.MonkeyPatch, wanted: Target, package: str
) -> None:
    providers(monkeypatch)

    assert package in (target_reason(wanted) or "")


def test_openvino_needs_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    providers(monkeypatch, "OpenVINOExecutionProvider")
    monkeypatch.setattr(target, "_has_nvidia_gpu", lambda: False)

    assert target_reason(OPENVINO) is None


@pytest.mark.usefixtures("gpu")
def test_tensorrt_needs_its_library_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """onnxruntime-gpu lists the provider without it, and comes without it."""
    providers(monkeypatch, "TensorrtExecutionProvider", "CUDAExecutionProvider")
    monkeypatch.setattr(target, "find_library", lambda _: None)
    monkeypatch.setenv("LD_LIBRARY_PATH", f":{tmp_path}")
    assert "libnvinfer" in (target_reason(TENSORRT) or "")

    (tmp_path / "libnvinfer.so.10").touch()
    assert target_reason(TENSORRT) is None


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("wanted", [TENSORRT, OPENVINO])
def test_a_torch_reference_has_no_place_there(monkeypatch: pytest.MonkeyPatch, wanted: Target) -> None:
    providers(monkeypatch, "TensorrtExecutionProvider", "OpenVINOExecutionProvider")

    assert target_reason(wanted, "torch") == (
        f"PyTorch doesn't run on {wanted.device}: it is a reference on cpu and cuda"
    )


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_cpus_that_are_not_there_are_named(
    monkeypatch: pytest.MonkeyPatch, engine: Literal["onnxruntime", "torch"]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 4}, raising=False)

    assert target_reason(Target(affinity=(0, 4)), engine) is None
    assert target_reason(Target(affinity=(0, 2)), engine) == ("CPU 2 is not among those this process may use (0, 1, 4)")
    assert "CPUs 2, 99 are not" in (target_reason(Target(affinity=(99, 2, 4)), engine) or "")


def test_where_processes_cannot_be_pinned_that_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)

    assert target_reason(Target()) is None
    assert target_reason(Target(affinity=(0,))) == "this system can't pin a process to CPUs"


@pytest.mark.usefixtures("gpu")
def test_with_both_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    providers(monkeypatch, "CUDAExecutionProvider")

    assert target_reason(CUDA) is None


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    ("line", "reason"), [("None", "the installed torch is a build without CUDA"), ("'12.6'", None)]
)
def test_torch_answers_for_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, reason: str | None
) -> None:
    """onnxruntime-gpu beside a CPU build of torch is a common pair."""
    providers(monkeypatch, "CUDAExecutionProvider")
    (tmp_path / "version.py").write_text(f"__version__ = '2.13.0'\ncuda: Optional[str] = {line}\n", encoding="utf-8")
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)

    assert target_reason(CUDA, "torch") == reason


def test_a_hidden_gpu_is_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nvidia0").touch()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert target._has_nvidia_gpu(tmp_path)

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not target._has_nvidia_gpu(tmp_path)


def test_the_control_device_alone_is_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "nvidiactl").touch()

    assert not target._has_nvidia_gpu(tmp_path)
