"""Models that come from outside, as stages name and fetch them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from compressor.events import Events
from compressor.recipe.model import ModelSource
from compressor.recipe.recipe import Recipe
from compressor.sources import HubSource, Source, check_model_folder, open_source

__all__ = ["TRAINING_LIBRARIES", "fetch_models", "hub_origins", "model_source"]

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


def hub_origins(recipe: Recipe) -> dict[str, str | None]:
    """Hub ids of the `base_model`, with whose weights the student begins, and of the `dataset`; None where they come
    from elsewhere."""
    student, source = recipe.student, recipe.data.source if recipe.data else None
    base = None if student.run else student.init
    if student.copies_teacher:
        base = recipe.teacher.model if recipe.teacher else None
    return {
        "base_model": _hub_id(base, "model"),
        "dataset": _hub_id(source if isinstance(source, str) else None, "data"),
    }


def _hub_id(reference: str | None, kind: Literal["model", "data"]) -> str | None:
    source = open_source(reference, kind=kind) if reference else None
    return source.id if isinstance(source, HubSource) else None
