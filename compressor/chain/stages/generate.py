"""Have a language model write more texts, for the teacher to label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor.chain.models import fetch_models, model_source
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.augment import GenerateSection
from compressor.sources import Source
from compressor.task_specs import task_spec

__all__ = ["Generate"]

_UNCHANGED_BY: Any = {"model", "revision", "sha256", "batch_size", "select", "finetune"}
"""Settings that are in the sources or in what the fine-tuned model is made of, or change nothing."""


@dataclass(frozen=True, kw_only=True)
class Generate(Stage):
    """Writes `texts.arrow`. Without an input `model`, the language model is taken as it is."""

    kind = "generate"
    libraries = ("torch", "transformers", "tokenizers", "pyarrow")

    task: str
    section: GenerateSection
    seed: int

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude=_UNCHANGED_BY)
        return {"task": self.task, "generate": section, "seed": self.seed}

    @property
    def sources(self) -> dict[str, Source]:
        if "model" in self.inputs:
            return {}
        return {"model": model_source(self.section.model, self.section)}

    def fetch(self, events: Events) -> dict[str, Path]:
        return fetch_models(self.sources, self.section, events, gguf_file=self.section.gguf_file)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.data.generated import generate_texts
        from compressor.distill.device import choose_device, choose_precision

        made = inputs.get("model")
        return generate_texts(
            self.section,
            task_spec(self.task),
            model_folder=made.folder / "model" if made else self.fetch(events)["model"],
            data=inputs["data"].folder,
            out=out,
            seed=self.seed,
            events=events,
            bf16=choose_precision("auto", choose_device("auto")) == "bf16",
        )
