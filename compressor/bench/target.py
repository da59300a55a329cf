"""Whether a target is on this machine, found out cheaply: before anything is trained for it."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from compressor.runtime.session import PROVIDERS

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Target

__all__ = ["target_reason"]


def target_reason(target: Target, engine: Literal["onnxruntime", "torch"] = "onnxruntime") -> str | None:
    """Why the target can't be used here; None when it can. Loads onnxruntime, never torch."""
    if target.device == "cpu":
        return None
    if not _has_nvidia_gpu():
        return "there is no NVIDIA GPU"
    return _torch_lacks_cuda() if engine == "torch" else _onnxruntime_lacks(PROVIDERS[target.device])


def _onnxruntime_lacks(provider: str) -> str | None:
    import onnxruntime

    if provider in onnxruntime.get_available_providers():
        return None
    return f"the installed onnxruntime has no {provider}; the package onnxruntime-gpu has"


def _torch_lacks_cuda() -> str | None:
    """Read from `torch/version.py`: importing torch takes seconds."""
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
