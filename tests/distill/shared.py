"""Work that one process does, or several together: `python -m tests.distill.shared FOLDER`, started more than once."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from compressor.deploy.quantize.weights import WeightQuantization
from compressor.distill.distill import distill
from compressor.distill.label import compute_outputs
from compressor.distill.prompting import ask
from compressor.distill.teacher import teach
from compressor.distill.transfer_set import TransferSet
from compressor.errors import CompressorError
from compressor.events import Events, Silent
from compressor.processes import Place, connect, rank, together
from compressor.recipe.distill import DistillSection
from compressor.recipe.prompt import PromptSection
from compressor.recipe.quantize import QuantizeSection
from compressor.recipe.teacher import TeacherSection
from compressor.tasks import get_task

MAX_LENGTH = 24
BATCH = 9
"""Of 160 texts: no even number of texts a step, and 7 in the last of an epoch."""
LEARNING_RATE = 2e-3
TRAINING = {
    "epochs": 2,
    "learning_rate": LEARNING_RATE,
    "batch_size": BATCH,
    "precision": "fp32",
    "device": "cpu",
    "dropout": 0,
    "evaluations_per_epoch": 2,
    "early_stopping": None,
}
OBJECTIVES = [{"kind": "soft-targets"}, {"kind": "hidden-states"}, {"kind": "hard-labels", "weight": 0.1}]
"""With one that learns, and that the teacher runs beside the student for."""


class Ended(Exception):  # as the end of a trial, no error
    """What a listener raises."""


class EndAt(Silent):
    """Ends a training at a validation."""

    def __init__(self, epoch: float) -> None:
        self.epoch = epoch

    def validated(self, what: str, epoch: float, metrics: Mapping[str, float]) -> None:
        if epoch >= self.epoch:
            raise Ended


def label(folder: Path, out: Path, task: str = "text-classification", teacher: str = "teacher") -> dict[str, Any]:
    return compute_outputs(
        task=get_task(task),
        model_folder=folder / teacher,
        data=folder / ("data" if task == "text-classification" else "tagged"),
        max_length=MAX_LENGTH,
        out=out,
        events=Silent(),
        device="cpu",
        precision="fp32",
    )


def label_tags(folder: Path, out: Path) -> dict[str, Any]:
    return label(folder, out, "token-classification", "tagger")


def asked(folder: Path, out: Path) -> dict[str, Any]:
    section = {
        "model": "writer",
        "templates": ["a film {text} is", "{text} so"],
        "words": {"bad": "bad", "good": "good"},
    }
    return ask(
        PromptSection.model_validate(section),
        task=get_task("text-classification"),
        model_folder=folder / "writer",
        data=folder / "data",
        texts=None,
        shifts=None,
        max_length=MAX_LENGTH,
        out=out,
        events=Silent(),
    )


def train(
    folder: Path,
    out: Path,
    events: Events | None = None,
    variant: QuantizeSection | None = None,
    **changed: Any,
) -> dict[str, Any]:
    return distill(
        DistillSection.model_validate(TRAINING | {"objectives": OBJECTIVES} | changed),
        task=get_task("text-classification"),
        student_folder=folder / "student",
        transfer_set=TransferSet(folder / "data"),
        teacher_folder=folder / "teacher",
        max_length=MAX_LENGTH,
        seed=3,
        out=out,
        events=events or Silent(),
        variant=variant,
    )


def accumulate(folder: Path, out: Path) -> dict[str, Any]:
    return train(folder, out, gradient_accumulation=2, epochs=1)


def rounded(folder: Path, out: Path) -> dict[str, Any]:
    return train(folder, out, variant=WeightQuantization(method="weights", bits=4))


def attacked(folder: Path, out: Path) -> dict[str, Any]:
    objectives = [{"kind": "soft-targets"}, {"kind": "adversarial", "epsilon": 0.1}]
    return train(folder, out, gradient_accumulation=2, objectives=objectives)


def teach_tags(folder: Path, out: Path) -> dict[str, Any]:
    finetune = {name: value for name, value in TRAINING.items() if name != "evaluations_per_epoch"}
    return teach(
        TeacherSection.model_validate({"model": "tagger", "finetune": finetune | {"epochs": 1}}),
        task=get_task("token-classification"),
        model_folder=folder / "tagger",
        data=folder / "tagged",
        max_length=MAX_LENGTH,
        seed=3,
        out=out,
        events=Silent(),
    )


def end(folder: Path, out: Path) -> dict[str, Any]:
    """The listener is the first process's; the others end with it."""
    try:
        train(folder, out, EndAt(1.0 if rank() == 0 else 100.0))
    except (Ended, CompressorError) as error:
        (out / f"{rank()}").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
    return {}


WORK: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "label": label,
    "label-tags": label_tags,
    "ask": asked,
    "train": train,
    "accumulate": accumulate,
    "rounded": rounded,
    "attacked": attacked,
    "teach-tags": teach_tags,
    "go-on": train,
    "end": end,
}

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    place = Place.read(os.environ)
    assert place is not None
    store = connect(place)
    for name, work in WORK.items():
        with together(store, place, name):
            facts = work(folder, folder / "several" / name)
        if place.rank == 0:
            (folder / "several" / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
