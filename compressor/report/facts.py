"""Nested facts as a list for people: what stages found, what is known of a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compressor.report import format as fmt

__all__ = ["flatten"]


def flatten(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as dotted names, long lists shortened for the eye."""
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}.")
        elif isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
            yield from flatten({str(i): item for i, item in enumerate(value)}, f"{name}.")
        elif isinstance(value, float):
            yield name, fmt.number(value, 4)
        elif isinstance(value, list | tuple):
            shown = ", ".join(str(item) for item in value[:8])
            yield name, f"{shown}, ... ({len(value)})" if len(value) > 8 else shown
        elif value is not None:
            yield name, str(value)
