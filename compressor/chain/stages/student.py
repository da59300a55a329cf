"""Take a finished student: the chain without training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.models import fetch_models, model_source
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.student import StudentSection
from compressor.sources import Source
from compressor.tasks import get_task

__all__ = ["Student"]


@dataclass(frozen=True, kw_only=True)
class Student(Stage):
    """Writes `model/`. With data, its labels must be the data's; without, they are those of its head."""

    kind = "student"
    libraries = ("torch", "transformers", "tokenizers")

    task: str
    section: StudentSection

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude={"init", "revision", "sha256"})
        return {"task": self.task, "student": section}

    @property
    def sources(self) -> dict[str, Source]:
        return {} if self.section.init == "teacher" else {"init": model_source(self.section.init, self.section)}

    def fetch(self, events: Events) -> dict[str, Path]:
        return fetch_models(self.sources, self.section, events)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.data import load_labels
        from compressor.distill.finished import take_student

        folder = self.fetch(events).get("init") or inputs["teacher"].folder / "model"
        return take_student(
            task=get_task(self.task),
            init_folder=folder,
            layers=self.section.layers,
            labels=load_labels(inputs["data"].folder) if "data" in inputs else None,
            trust_remote_code=self.section.trust_remote_code,
            out=out,
            events=events,
        )
