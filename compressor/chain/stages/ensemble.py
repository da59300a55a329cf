"""Average what several teachers say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.guess import judged_teacher
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.teacher import EnsembleSection
from compressor.tasks import get_task

__all__ = ["Ensemble"]


@dataclass(frozen=True, kw_only=True)
class Ensemble(Stage):
    """Writes what `Label` writes.

    Inputs: `data`; `1`, `2` ... the outputs of the members; `teacher`, the first of them, for its tokenizer; where
    outputs are at tokens, the others as `teacher/2` ...; `texts`, where the outputs are of texts without labels, and
    then `weights`, the same stage for the data.
    """

    kind = "ensemble"
    libraries = ("torch", "datasets")

    task: str
    section: EnsembleSection
    max_length: int

    @property
    def config(self) -> dict[str, Json]:
        settings = self.section.model_dump(mode="json", include={"mean", "weights"})
        return {"task": self.task, "max_length": self.max_length, **settings}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.ensemble import average_outputs
        from compressor.tasks import load_tokenizer

        models = {1: "teacher", **{number: f"teacher/{number}" for number in range(2, len(self.section.members) + 1)}}
        tokenizers = [
            load_tokenizer(inputs[role].folder / "model", self.section.members[number - 1].trust_remote_code)
            for number, role in models.items()
            if role in inputs
        ]
        members = [inputs[str(number)].folder for number in range(1, len(self.section.members) + 1)]
        facts = average_outputs(
            members,
            task=get_task(self.task),
            data=inputs["data"].folder,
            texts=inputs["texts"].folder if "texts" in inputs else None,
            mean=self.section.mean,
            weights=self.section.weights,
            known=inputs["weights"].facts["weights"] if "weights" in inputs else None,
            tokenizers=tokenizers,
            max_length=self.max_length,
            out=out,
            events=events,
        )
        return judged_teacher(facts, inputs, self.task, out, events)
