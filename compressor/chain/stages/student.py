"""Make the student: what training starts from, or the finished model where nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.models import fetch_models, model_source
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.student import BUILDERS, StudentSection
from compressor.sources import Source
from compressor.tasks import get_task

__all__ = ["Student"]


@dataclass(frozen=True, kw_only=True)
class Student(Stage):
    """Writes `model/`. With data, its labels must be the data's; without, they are those of its head.

    Inputs: `data` where the recipe has it; `teacher` where the student is a copy of it, or `start` where it begins as
    another recipe's student.
    """

    kind = "student"

    task: str
    section: StudentSection
    trained: bool
    """Whether it is trained afterwards: then it may have a new head, drawn by `seed`."""
    seed: int
    trust_remote_code: bool = False

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # a package may bring a builder
        packages = BUILDERS.packages(*(builder.kind for builder in self.section.builders))
        return ("torch", "transformers", "tokenizers", *packages)

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude={"init", "run", "set", "revision", "sha256", "build"})
        if not self.section.answers:
            del section["answers"]  # students made before there was this key stay what they are
        if self.section.build:
            section["build"] = [builder.model_dump(mode="json") for builder in self.section.build]
        config = {"task": self.task, "student": section}
        return config | {"trained": True, "seed": self.seed} if self.trained else config

    @property
    def sources(self) -> dict[str, Source]:
        if {"teacher", "start"} & self.inputs.keys():
            return {}
        return {"init": model_source(self.section.init, self.section)}

    def fetch(self, events: Events) -> dict[str, Path]:
        return fetch_models(self.sources, self.section, events)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.student import make_student

        copied = inputs.get("start") or inputs.get("teacher")
        return make_student(
            self.section,
            task=get_task(self.task),
            init_folder=copied.folder / "model" if copied else self.fetch(events)["init"],
            data=inputs["data"].folder if "data" in inputs else None,
            trained=self.trained,
            seed=self.seed,
            trust_remote_code=self.trust_remote_code,
            out=out,
            events=events,
        )
