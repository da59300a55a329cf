"""optimum.onnxruntime with transformers 4, in an environment of its own."""

from __future__ import annotations

from pathlib import Path

from compressor.clients.environment import python_with
from compressor.clients.program import PROGRAMS, Reply, Request, reply_of, run, write

__all__ = ["ask"]

INSTALL = "python -m venv DIR; DIR/bin/pip install torch==2.13.0 optimum-onnx==0.1.0 onnxruntime==1.32.0"


def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
    """Run `ask_optimum.py` with the Python of the environment."""
    needs = {"package": "optimum-onnx", "alone": "it goes with transformers 4", "install": INSTALL}
    python = python_with(["optimum.onnxruntime"], path, **needs)
    printed = run([python, "-I", PROGRAMS / "ask_optimum.py", bundle, write(request, work)], "optimum", folder=work)
    return reply_of(printed.strip().splitlines()[-1], "optimum")
