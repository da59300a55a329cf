"""Whether a target is on this machine."""

from __future__ import annotations

from pathlib import Path

from compressor.recipe.benchmark import Target
from compressor.runtime.session import PROVIDERS

__all__ = ["target_reason"]


def target_reason(target: Target) -> str | None:
    """Why the target can't be used here; None when it can. Loads onnxruntime, never torch."""
    import onnxruntime

    provider = PROVIDERS[target.device]
    if provider not in onnxruntime.get_available_providers():
        return f"the installed onnxruntime has no {provider}"
    if target.device == "cuda" and not _has_nvidia_gpu():
        return "there is no NVIDIA GPU"
    return None


def _has_nvidia_gpu(dev: Path = Path("/dev")) -> bool:
    """By the driver's device files; `dxg` is the one under WSL."""
    return any(dev.glob("nvidia[0-9]*")) or (dev / "dxg").exists()
