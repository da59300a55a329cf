"""Which words an answer rests on: the model is asked with words left out, whatever file it is."""

from __future__ import annotations

from compressor.explain.explanation import Explanation, explain
from compressor.explain.methods import METHODS

__all__ = ["METHODS", "Explanation", "explain"]
