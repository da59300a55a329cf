"""Take what a teacher said from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.guess import judged_teacher
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.answers import AnswersSection
from compressor.sources import Source, open_source
from compressor.tasks import get_task

__all__ = ["Answers"]


@dataclass(frozen=True, kw_only=True)
class Answers(Stage):
    """Writes what `Label` writes. Inputs: `data`; and `texts`, where the answers are to texts without labels."""

    kind = "answers"
    libraries = ("datasets", "pyarrow")

    task: str
    section: AnswersSection

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude={"source", "sha256"})
        return {"task": self.task, "answers": section}

    @property
    def sources(self) -> dict[str, Source]:
        return {"answers": open_source(self.section.source, kind="data", sha256=self.section.sha256)}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.answers import take_answers

        facts = take_answers(
            self.section,
            task=get_task(self.task),
            file=self.fetch(events)["answers"],
            data=inputs["data"].folder,
            texts=inputs["texts"].folder if "texts" in inputs else None,
            out=out,
            events=events,
        )
        return judged_teacher(facts, inputs, self.task, out, events)
