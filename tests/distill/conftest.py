"""A prepared data set and tiny recipes for everything that trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compressor.data import prepare
from compressor.events import Silent
from compressor.recipe.data import DataSection
from compressor.recipe.teacher import FinetuneSection
from compressor.tasks import get_task
from compressor.tasks.task import Task
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
    task = get_task("text-classification")
    prepare(section, task, seed=1, files={"train": csv}, out=folder / "prepared", events=Silent())
    return folder / "prepared"


@pytest.fixture
def finetune() -> Callable[..., FinetuneSection]:
    """A quick fine-tuning in fp32; keyword arguments override it."""

    def make(**changed: Any) -> FinetuneSection:
        quick = {"epochs": 2, "learning_rate": 3e-3, "batch_size": 16, "precision": "fp32", "device": "cpu"}
        return FinetuneSection.model_validate(quick | changed)

    return make
