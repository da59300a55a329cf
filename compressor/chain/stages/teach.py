"""Fine-tune the teacher, or take a finished one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor.chain.models import TRAINING_LIBRARIES, fetch_models, model_source
from compressor.chain.stages.balance import weights_file
from compressor.distill.trackers import assert_trackers
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.teacher import TeacherSection
from compressor.sources import Source
from compressor.tasks import get_task

__all__ = ["Teach"]

_UNCHANGED_BY: Any = {"model": True, "revision": True, "sha256": True, "finetune": {"track"}}
"""Settings that are in the sources, or change nothing."""


@dataclass(frozen=True, kw_only=True)
class Teach(Stage):
    """Writes `model/`."""

    kind = "teach"
    libraries = TRAINING_LIBRARIES
    resumable = True

    task: str
    section: TeacherSection
    max_length: int
    seed: int

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude=_UNCHANGED_BY)
        return {"task": self.task, "teacher": section, "max_length": self.max_length, "seed": self.seed}

    @property
    def sources(self) -> dict[str, Source]:
        return {"model": model_source(str(self.section.model), self.section)}

    def fetch(self, events: Events) -> dict[str, Path]:
        assert_trackers(self.section.finetune.track if self.section.finetune else ())
        return fetch_models(self.sources, self.section, events, gguf_file=self.section.gguf_file)

    @property
    def distributed(self) -> bool:
        return self.section.finetune is not None

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.teacher import teach

        return teach(
            self.section,
            task=get_task(self.task),
            model_folder=self.fetch(events)["model"],
            data=inputs["data"].folder,
            weights=weights_file(inputs),
            max_length=self.max_length,
            seed=self.seed,
            out=out,
            events=events,
        )
