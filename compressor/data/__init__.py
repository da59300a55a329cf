"""Texts and targets: read, cleaned, split without leaks, tokenized; in Arrow files, never whole in memory.

What this names is imported when it is asked for: recipes load the components of `data/augment/`, and need nothing heavy
for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compressor.data.augmented import make_texts
    from compressor.data.generated import generate_texts
    from compressor.data.preparation import prepare
    from compressor.data.prepared import load_labels, load_output_names, load_prepared, load_split, targets_of
    from compressor.data.select import choose_rows
    from compressor.data.texts import load_texts
    from compressor.data.tokenized import column_of, examples_of, lengths_of, tokenize_split
    from compressor.data.unlabelled import read_unlabelled

__all__ = [
    "choose_rows",
    "column_of",
    "examples_of",
    "generate_texts",
    "lengths_of",
    "load_labels",
    "load_output_names",
    "load_prepared",
    "load_split",
    "load_texts",
    "make_texts",
    "prepare",
    "read_unlabelled",
    "targets_of",
    "tokenize_split",
]

_HOMES = {
    "choose_rows": "select",
    "column_of": "tokenized",
    "generate_texts": "generated",
    "examples_of": "tokenized",
    "lengths_of": "tokenized",
    "load_texts": "texts",
    "make_texts": "augmented",
    "prepare": "preparation",
    "read_unlabelled": "unlabelled",
    "tokenize_split": "tokenized",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'prepared')}"), name)
