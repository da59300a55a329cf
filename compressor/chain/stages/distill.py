"""Train the student on labels and teacher outputs. The baseline is the same stage without a teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.models import TRAINING_LIBRARIES, fetch_models, model_source
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.distill import DistillSection
from compressor.recipe.student import StudentSection
from compressor.sources import Source
from compressor.tasks import get_task

__all__ = ["Distill"]


@dataclass(frozen=True, kw_only=True)
class Distill(Stage):
    """Writes `model/`.

    Inputs: `data`; `teacher` where the student begins as a copy of it or an objective asks it; `outputs` where an
    objective asks for its logits.
    """

    kind = "distill"
    libraries = TRAINING_LIBRARIES
    resumable = True

    task: str
    section: DistillSection
    student: StudentSection
    max_length: int
    seed: int
    trust_teacher_code: bool = False

    @property
    def config(self) -> dict[str, Json]:
        student = self.student.model_dump(mode="json", exclude={"init", "revision", "sha256"})
        return {
            "task": self.task,
            "distill": self.section.model_dump(mode="json", exclude={"baseline"}),
            "student": student | {"from_teacher": self.student.init == "teacher"},
            "max_length": self.max_length,
            "seed": self.seed,
        }

    @property
    def sources(self) -> dict[str, Source]:
        return {} if self.student.init == "teacher" else {"init": model_source(self.student.init, self.student)}

    def fetch(self, events: Events) -> dict[str, Path]:
        return fetch_models(self.sources, self.student, events)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.distill import distill

        teacher = inputs["teacher"].folder / "model" if "teacher" in inputs else None
        init = self.fetch(events).get("init") or inputs["teacher"].folder / "model"
        asks = any(objective.uses_teacher for objective in self.section.objectives)
        return distill(
            self.section,
            self.student,
            task=get_task(self.task),
            init_folder=init,
            data=inputs["data"].folder,
            outputs=inputs["outputs"].folder if "outputs" in inputs else None,
            teacher_folder=teacher if asks else None,
            max_length=self.max_length,
            seed=self.seed,
            out=out,
            events=events,
            trust_teacher_code=self.trust_teacher_code,
            name="student" if self.name == self.kind else self.name,
        )
