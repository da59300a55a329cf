"""Texts and targets: read, cleaned, split without leaks, tokenized; in Arrow files, never whole in memory."""

from __future__ import annotations

from compressor.data.preparation import prepare
from compressor.data.prepared import load_labels, load_output_names, load_prepared, load_split, targets_of
from compressor.data.tokenized import tokenize_split

__all__ = [
    "load_labels",
    "load_output_names",
    "load_prepared",
    "load_split",
    "prepare",
    "targets_of",
    "tokenize_split",
]
