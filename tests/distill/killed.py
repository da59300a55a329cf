"""A training that kills itself: `python -m tests.distill.killed FOLDER STEP`. No handler runs, as with `kill -9`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from compressor.distill.distill import distill
from compressor.distill.student import make_student
from compressor.distill.transfer_set import TransferSet
from compressor.events import Events, Silent
from compressor.recipe.distill import DistillSection
from compressor.recipe.quantize import QuantizeSection
from compressor.recipe.student import StudentSection
from compressor.tasks import get_task

MAX_LENGTH = 24


class KillAt(Silent):
    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        if what == "student: training" and done == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def train(
    folder: Path, out: Path, events: Events, *, variant: QuantizeSection | None = None, **changed: Any
) -> dict[str, Any]:
    """Distil a student of `folder/teacher`, on `folder/data`, with everything that has a state: dropout, an
    objective that learns, warm-up, evaluations within an epoch, early stopping."""
    section = DistillSection.model_validate(
        {
            "epochs": 4,
            "learning_rate": 2e-3,
            "batch_size": 16,
            "precision": "fp32",
            "device": "cpu",
            "evaluations_per_epoch": 2,
            "early_stopping": 8,
            "objectives": [{"kind": "soft-targets"}, {"kind": "hidden-states"}, {"kind": "hard-labels", "weight": 0.1}],
        }
        | changed
    )
    task, seed = get_task("text-classification"), 3
    make_student(
        StudentSection(layers=(0, 1)),
        task=task,
        init_folder=folder / "teacher",
        data=folder / "data",
        trained=True,
        seed=seed,
        out=folder / "student",
        events=events,
    )
    return distill(
        section,
        task=task,
        student_folder=folder / "student" / "model",
        transfer_set=TransferSet(folder / "data"),
        teacher_folder=folder / "teacher",
        max_length=MAX_LENGTH,
        seed=seed,
        out=out,
        events=events,
        variant=variant,
    )


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[1]) / "killed", KillAt(int(sys.argv[2])))
