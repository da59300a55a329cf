"""Ask a language model what it would label texts with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.guess import judged_teacher
from compressor.chain.models import fetch_models, model_source
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.prompt import PromptSection
from compressor.sources import Source
from compressor.tasks import get_task

__all__ = ["Ask"]


@dataclass(frozen=True, kw_only=True)
class Ask(Stage):
    """Writes what `Label` writes.

    Inputs: `data`; `texts`, where it is asked about texts without labels, and then `shifts`, the same stage for the
    data.
    """

    kind = "ask"
    libraries = ("torch", "transformers", "tokenizers", "datasets", "gguf")
    resumable = True

    task: str
    section: PromptSection
    max_length: int

    @property
    def config(self) -> dict[str, Json]:
        outside = {"model", "revision", "sha256", "batch_size"}
        prompt = self.section.model_dump(mode="json", exclude=outside)
        return {"task": self.task, "prompt": prompt, "max_length": self.max_length}

    @property
    def sources(self) -> dict[str, Source]:
        return {"model": model_source(self.section.model, self.section)}

    @property
    def distributed(self) -> bool:
        return True

    def fetch(self, events: Events) -> dict[str, Path]:
        return fetch_models(self.sources, self.section, events, gguf_file=self.section.gguf_file)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.prompting import ask

        facts = ask(
            self.section,
            task=get_task(self.task),
            model_folder=self.fetch(events)["model"],
            data=inputs["data"].folder,
            texts=inputs["texts"].folder if "texts" in inputs else None,
            shifts=inputs["shifts"].facts["shifts"] if "shifts" in inputs else None,
            max_length=self.max_length,
            out=out,
            events=events,
        )
        return judged_teacher(facts, inputs, self.task, out, events)
