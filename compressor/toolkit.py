"""Whether the compression stack, the extra `toolkit`, is installed."""

from __future__ import annotations

from importlib.util import find_spec

from compressor.errors import MissingExtra

__all__ = ["TOOLKIT", "missing_toolkit", "require_toolkit"]

TOOLKIT = ("accelerate", "datasets", "onnx", "onnxscript", "optimum", "sklearn", "torch", "transformers")
"""Modules of the extra `toolkit`."""


def missing_toolkit() -> list[str]:
    """Modules of the extra `toolkit` that aren't installed."""
    return [module for module in TOOLKIT if find_spec(module) is None]


def require_toolkit(what: str) -> None:
    """Refuse early and in words where the compression stack isn't installed.

    Raises:
        MissingExtra: naming the modules that are missing.
    """
    if missing := missing_toolkit():
        raise MissingExtra(what, "toolkit", ", ".join(missing))
