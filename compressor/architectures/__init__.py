"""Architectures that transformers doesn't have, a file each. Importing this folder loads no torch."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["auto_class"]


def auto_class(name: str) -> Any:
    """One of transformers' Auto classes (`AutoModelForSequenceClassification`), which then loads the architectures of
    this package as it loads its own, without remote code.

    From then on plain transformers loads them too, in the same process.
    """
    import transformers

    _register()
    return getattr(transformers, name)


@cache
def _register() -> None:
    import transformers

    from compressor.architectures.static_embeddings import (
        StaticEmbeddingsConfig,
        StaticEmbeddingsForSequenceClassification,
        StaticEmbeddingsModel,
    )

    config = StaticEmbeddingsConfig
    transformers.AutoConfig.register(config.model_type, config)
    transformers.AutoModel.register(config, StaticEmbeddingsModel)
    transformers.AutoModelForSequenceClassification.register(config, StaticEmbeddingsForSequenceClassification)
