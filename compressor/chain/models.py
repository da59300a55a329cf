"""Models that come from outside, as stages name and fetch them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from compressor.events import Events
from compressor.recipe.model import ModelSource
from compressor.sources import Source, check_model_folder, open_source

__all__ = ["TRAINING_LIBRARIES", "fetch_models", "model_source"]

TRAINING_LIBRARIES = ("torch", "transformers", "tokenizers", "accelerate", "datasets")
"""Distributions that shape what a training makes."""


def fetch_models(
    sources: Mapping[str, Source], pins: ModelSource, events: Events, *, gguf_file: str | None = None
) -> dict[str, Path]:
    """Folders of models, each one looked at: safetensors or a GGUF file only, and no code that isn't trusted. A GGUF
    file is turned into a checkpoint first."""
    folders = {role: source.fetch(events) for role, source in sources.items()}
    for folder in folders.values():
        check_model_folder(folder, trust_remote_code=pins.trust_remote_code, gguf_file=gguf_file)
    if gguf_file is None:
        return folders
    from compressor.data.gguf import checkpoint_of_gguf

    return {role: checkpoint_of_gguf(folder / gguf_file, events) for role, folder in folders.items()}


def model_source(reference: str, pins: ModelSource) -> Source:
    """Where a model that a section names comes from."""
    return open_source(
        reference,
        kind="model",
        revision=pins.revision,
        sha256=pins.sha256,
        trust_remote_code=pins.trust_remote_code,
    )
