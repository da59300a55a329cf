"""Graphs that may be faster and answer the same: one change a file, tried by `export.optimize: auto`.

Which of them is faster depends on the CPU and on onnxruntime, so that each is built, checked and timed. Candidates of
other packages join by an entry point: see docs/extending.md.
"""

from __future__ import annotations

from compressor.deploy.candidates.base import Candidate
from compressor.registry import Registry

__all__ = ["CANDIDATES", "Candidate"]

CANDIDATES: Registry[Candidate] = Registry(
    "compressor.deploy.candidates", "compressor.candidates", lambda module: module.CANDIDATE
)
