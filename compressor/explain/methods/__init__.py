"""Ways to share out a score among the words of a text, one a file."""

from __future__ import annotations

from compressor.explain.methods.base import Method
from compressor.registry import Registry

__all__ = ["METHODS", "Method"]

METHODS: Registry[Method] = Registry(
    "compressor.explain.methods", "compressor.explanations", lambda module: module.METHOD
)
