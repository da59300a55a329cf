"""Names of classes in the features of `datasets`."""

from __future__ import annotations

from typing import Any

from datasets import ClassLabel

__all__ = ["class_names"]


def class_names(feature: Any) -> tuple[str, ...] | None:
    """Names in the order of their numbers, of a class label or of a list of them."""
    inner = getattr(feature, "feature", feature)
    return tuple(inner.names) if isinstance(inner, ClassLabel) else None
