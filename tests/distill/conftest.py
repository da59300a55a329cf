"""A prepared data set and tiny recipes for everything that trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from compressor.data import prepare
from compressor.distill.label import compute_outputs
from compressor.distill.teacher import teach
from compressor.events import Silent
from compressor.recipe.data import DataSection
from compressor.recipe.teacher import TeacherSection
from compressor.task_specs import task_spec
from compressor.tasks import get_task
from compressor.tasks.base import Task
from tests import tiny

MAX_LENGTH = 24


@pytest.fixture(scope="session")
def task() -> Task:
    return get_task("text-classification")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 made-up reviews: 160 to train on, 20 to validate, 20 to test. Read only."""
    return write_data(tmp_path_factory.mktemp("data"))


def write_data(folder: Path) -> Path:
    csv = tiny.write_reviews(folder / "reviews.csv")
    section = DataSection.model_validate({"source": str(csv), "split": {"validation": 0.1, "test": 0.1}})
    spec = task_spec("text-classification")
    prepare(section, spec, seed=1, files={"train": csv}, out=folder / "prepared", events=Silent())
    return folder / "prepared"


QUICK = {
    "epochs": 6,
    "learning_rate": 3e-3,
    "batch_size": 16,
    "precision": "fp32",
    "device": "cpu",
    "early_stopping": None,
}
"""Settings with which a tiny model learns the made-up reviews in a second or two."""


class Recorder(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, float | None, str]] = []
        self.notes: list[str] = []

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        self.calls.append((what, done, total, detail))

    def note(self, message: str) -> None:
        self.notes.append(message)


@dataclass(frozen=True)
class Finished:
    """A stage's folder and the facts it returned."""

    folder: Path
    facts: dict[str, Any]
    events: Recorder = field(default_factory=Recorder)

    @property
    def model(self) -> Path:
        return self.folder / "model"


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory, data: Path, task: Task) -> Finished:
    """A tiny teacher that has learned the reviews. Read only."""
    folder = tmp_path_factory.mktemp("teacher")
    bare = tiny.write_encoder(folder / "bare", layers=2)
    events = Recorder()
    facts = teach(
        TeacherSection.model_validate({"model": "bare", "finetune": QUICK}),
        task=task,
        model_folder=bare,
        data=data,
        max_length=MAX_LENGTH,
        seed=1,
        out=folder / "out",
        events=events,
    )
    return Finished(folder / "out", facts, events)


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory, data: Path, task: Task, teacher: Finished) -> Finished:
    """The teacher's outputs. Read only."""
    folder = tmp_path_factory.mktemp("outputs")
    events = Recorder()
    facts = compute_outputs(
        task=task,
        model_folder=teacher.model,
        data=data,
        max_length=MAX_LENGTH,
        out=folder,
        events=events,
        device="cpu",
        precision="fp32",
    )
    return Finished(folder, facts, events)
