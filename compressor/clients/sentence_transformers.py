"""sentence-transformers with its ONNX backend, in an environment of its own."""

from __future__ import annotations

from pathlib import Path

from compressor.clients.environment import python_with
from compressor.clients.program import PROGRAMS, Reply, Request, reply_of, run, write
from compressor.errors import BundleError

__all__ = ["ask"]

NAME = "sentence-transformers"
INSTALL = (
    "python -m venv DIR; "
    "DIR/bin/pip install torch==2.13.0 sentence-transformers==5.7.0 optimum-onnx==0.1.0 onnxruntime==1.32.0"
)
MODULES = "modules.json"
"""What it looks for first; without it, it guesses how texts become vectors."""


def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
    """Run `ask_sentence_transformers.py` with the Python of the environment.

    Raises:
        BundleError: the bundle gives no vectors of texts, or has no files for this library.
    """
    if request["pipeline"] != "feature-extraction":
        raise BundleError(
            f"{bundle} is for {request['pipeline']}, and {NAME} makes vectors of texts.",
            hint="Only bundles of the task sentence-embedding can be asked there; take another client.",
        )
    if not (bundle / MODULES).is_file():
        raise BundleError(
            f"{bundle} has no {MODULES}, so {NAME} can't know how its texts become vectors.",
            hint="It was made by an earlier version of compressor: run its recipe again.",
        )
    needs = {
        "package": f"{NAME} and optimum-onnx",
        "alone": "its ONNX backend goes with transformers 4",
        "install": INSTALL,
    }
    python = python_with(["sentence_transformers", "optimum.onnxruntime"], path, **needs)
    program = PROGRAMS / "ask_sentence_transformers.py"
    printed = run([python, "-I", program, bundle, write(request, work)], NAME, folder=work)
    return reply_of(printed.strip().splitlines()[-1], NAME)
