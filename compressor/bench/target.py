"""Whether a target is on this machine, found out cheaply: before anything is trained for it."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Collection
from ctypes.util import find_library
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from compressor.runtime.session import PACKAGES, PROVIDERS

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Target

__all__ = ["target_reason"]


def target_reason(target: Target, engine: Literal["onnxruntime", "torch"] = "onnxruntime") -> str | None:
    """Why the target can't be used here; None when it can. Loads onnxruntime, never torch."""
    lacks = _torch_lacks if engine == "torch" else _onnxruntime_lacks
    return _cpus_lacking(target.affinity) or lacks(target.device)


def _cpus_lacking(affinity: Collection[int] | None) -> str | None:
    """What a process may use is less than what the machine has: containers and job schedulers take CPUs away."""
    if not affinity:
        return None
    if not hasattr(os, "sched_getaffinity"):
        return "this system can't pin a process to CPUs"
    allowed = os.sched_getaffinity(0)
    missing = sorted(set(affinity) - allowed)
    if not missing:
        return None
    lacking = f"CPU {missing[0]} is" if len(missing) == 1 else f"CPUs {', '.join(map(str, missing))} are"
    return f"{lacking} not among those this process may use ({', '.join(map(str, sorted(allowed)))})"


def _onnxruntime_lacks(device: str) -> str | None:
    import onnxruntime

    if device == "cpu":
        return None
    if device in ("cuda", "tensorrt") and not _has_nvidia_gpu():
        return "there is no NVIDIA GPU"
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        return f"the installed onnxruntime has no {provider}; the package {PACKAGES[device]} has"
    if device == "tensorrt" and not _has_library("nvinfer"):
        # The package names the provider whether or not it can be loaded.
        return "TensorRT's library libnvinfer is not installed, or not in LD_LIBRARY_PATH"
    return None


def _torch_lacks(device: str) -> str | None:
    """Read from `torch/version.py`: importing torch takes seconds."""
    if device == "cpu":
        return None
    if device != "cuda":
        return f"PyTorch doesn't run on {device}: it is a reference on cpu and cuda"
    if not _has_nvidia_gpu():
        return "there is no NVIDIA GPU"
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return "torch is not installed"
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    return "the installed torch is a build without CUDA" if re.search(r"^cuda\b.*= None$", text, re.MULTILINE) else None


def _has_nvidia_gpu(dev: Path = Path("/dev")) -> bool:
    """By the driver's device files; `dxg` is the one under WSL, `nvhost-gpu` the one of a Jetson."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        return False
    return any(dev.glob("nvidia[0-9]*")) or (dev / "dxg").exists() or (dev / "nvhost-gpu").exists()


def _has_library(name: str) -> bool:
    """Where the loader would look: a slim container has the folders, and not the tools that `find_library` asks."""
    folders = [Path(folder) for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    return any(any(folder.glob(f"lib{name}.so*")) for folder in folders) or find_library(name) is not None
