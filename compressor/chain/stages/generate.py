"""Have a language model write more texts, for the teacher to label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.models import fetch_models, model_source
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.augment import GenerateSection
from compressor.sources import Source
from compressor.task_specs import task_spec

__all__ = ["Generate"]


@dataclass(frozen=True, kw_only=True)
class Generate(Stage):
    """Writes `texts.arrow`."""

    kind = "generate"
    libraries = ("torch", "transformers", "tokenizers", "pyarrow")

    task: str
    section: GenerateSection
    seed: int

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude={"model", "revision", "sha256", "batch_size", "select"})
        return {"task": self.task, "generate": section, "seed": self.seed}

    @property
    def sources(self) -> dict[str, Source]:
        return {"model": model_source(self.section.model, self.section)}

    def fetch(self, events: Events) -> dict[str, Path]:
        return fetch_models(self.sources, self.section, events, gguf_file=self.section.gguf_file)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.data.generated import generate_texts

        return generate_texts(
            self.section,
            task_spec(self.task),
            model_folder=self.fetch(events)["model"],
            data=inputs["data"].folder,
            out=out,
            seed=self.seed,
            events=events,
        )
