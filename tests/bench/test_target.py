from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from compressor.bench import target, target_reason
from compressor.recipe.benchmark import Target

CUDA = Target(device="cuda")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a GPU, as far as its device files say."""
    monkeypatch.setattr(target, "_has_nvidia_gpu", lambda: True)


def providers(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [*names, "CPUExecutionProvider"])


def test_the_cpu_is_always_there() -> None:
    assert target_reason(Target(threads=4)) is None


def test_without_a_gpu_cuda_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    providers(monkeypatch, "CUDAExecutionProvider")
    monkeypatch.setattr(target, "_has_nvidia_gpu", lambda: False)

    assert target_reason(CUDA) == "there is no NVIDIA GPU"


@pytest.mark.usefixtures("gpu")
def test_without_the_provider_the_reason_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    providers(monkeypatch)

    assert "onnxruntime-gpu" in (target_reason(CUDA) or "")


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
    monkeypatch.setattr(target.importlib.util, "find_spec", lambda _: spec)

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
