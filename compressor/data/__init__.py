"""Labelled text: read from anywhere, cleaned, split without leaks, tokenized; in Arrow files, never whole in memory."""

from __future__ import annotations

from compressor.data.preparation import load_labels, load_split, prepare
from compressor.data.tokenized import tokenize_split

__all__ = ["load_labels", "load_split", "prepare", "tokenize_split"]
