"""optimum.onnxruntime with transformers 4, in an environment of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from compressor.clients.program import PROGRAMS, Reply, Request, reply_of, run, write
from compressor.errors import TargetUnavailable

__all__ = ["ask"]

INSTALL = "python -m venv DIR; DIR/bin/pip install torch==2.13.0 optimum-onnx==0.1.0 onnxruntime==1.32.0"


def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
    """Run `ask_optimum.py` with the Python of the environment."""
    python = _python(path)
    printed = run([python, "-I", PROGRAMS / "ask_optimum.py", bundle, write(request, work)], "optimum", folder=work)
    return reply_of(printed.strip().splitlines()[-1], "optimum")


def _python(path: Path | None) -> Path:
    """The interpreter of the environment at `path`."""
    for place in ("bin/python", "Scripts/python.exe"):
        python = (path or Path()) / place
        look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('optimum.onnxruntime') is None)"
        if (
            path is not None
            and python.is_file()
            and not subprocess.run([python, "-I", "-c", look], check=False).returncode
        ):
            return python
    raise TargetUnavailable(
        "optimum-onnx needs an environment of its own, beside transformers 4."
        if path is None
        else f"There is no environment with optimum-onnx in {path}.",
        hint=f"{INSTALL}; then --client-path DIR.",
    )
