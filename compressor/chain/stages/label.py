"""Compute the teacher's outputs once, for every student trained from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.guess import judged_teacher
from compressor.chain.models import TRAINING_LIBRARIES
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.tasks import get_task

__all__ = ["Label"]


@dataclass(frozen=True, kw_only=True)
class Label(Stage):
    """Writes a folder a split: fp16 outputs, entry i for row i, and for validation and test the answers too; of texts
    to train on also the states that objectives compare."""

    kind = "label"
    version = 2  # 2: outputs of every task, with answers and statistics
    libraries = TRAINING_LIBRARIES
    resumable = True

    task: str
    max_length: int
    keeps: tuple[str, ...] = ()
    """Names of signals to keep beside the outputs."""
    trust_remote_code: bool = False

    @property
    def config(self) -> dict[str, Json]:
        kept: dict[str, Json] = {"keeps": list(self.keeps)} if self.keeps else {}
        return {"task": self.task, "max_length": self.max_length, **kept}

    @property
    def distributed(self) -> bool:
        return True

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.label import compute_outputs

        facts = compute_outputs(
            task=get_task(self.task),
            model_folder=inputs["teacher"].folder / "model",
            data=inputs["data"].folder,
            texts=inputs["texts"].folder if "texts" in inputs else None,
            max_length=self.max_length,
            keeps=self.keeps,
            out=out,
            events=events,
            trust_remote_code=self.trust_remote_code,
        )
        return judged_teacher(facts, inputs, self.task, out, events)
