"""Fine-tune the language model that writes more texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor.chain.models import TRAINING_LIBRARIES, fetch_models, model_source
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.augment import GenerateSection
from compressor.sources import Source
from compressor.task_specs import task_spec

__all__ = ["Writer"]

_READ: Any = {"finetune", "prompt", "examples", "max_new_tokens", "seed", "trust_remote_code"}
"""Settings that the fine-tuning reads: how many texts are written afterwards, and how, trains nothing anew."""


@dataclass(frozen=True, kw_only=True)
class Writer(Stage):
    """Writes `model/`."""

    kind = "writer"
    libraries = TRAINING_LIBRARIES
    resumable = True

    task: str
    section: GenerateSection
    seed: int

    @property
    def config(self) -> dict[str, Json]:
        return {
            "task": self.task,
            "generate": self.section.model_dump(mode="json", include=_READ),
            "seed": self.seed,
        }

    @property
    def sources(self) -> dict[str, Source]:
        return {"model": model_source(self.section.model, self.section)}

    @property
    def distributed(self) -> bool:
        return True

    def fetch(self, events: Events) -> dict[str, Path]:
        return fetch_models(self.sources, self.section, events, gguf_file=self.section.gguf_file)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.writer import finetune_writer

        return finetune_writer(
            self.section,
            task_spec(self.task),
            model_folder=self.fetch(events)["model"],
            data=inputs["data"].folder,
            out=out,
            seed=self.seed,
            events=events,
        )
