"""Trainings on weighed texts: what the weights remedy, and that a resume draws the same."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from compressor.data import load_split, prepare
from compressor.data.balance import training_weights
from compressor.distill.distill import distill
from compressor.distill.teacher import teach
from compressor.distill.transfer_set import TransferSet
from compressor.events import Events, Silent
from compressor.recipe.balance import BalanceSection
from compressor.recipe.data import DataSection
from compressor.recipe.distill import DistillSection
from compressor.recipe.teacher import TeacherSection
from compressor.task_specs import task_spec
from compressor.tasks.base import Task
from tests import tiny
from tests.distill.conftest import MAX_LENGTH, QUICK
from tests.distill.shared import TRAINING, EndAt, Ended

NAME = "w79"
"""A word that stands for a name: of three texts in ten."""


def write(file: Path, count: int, bad: float, seed: int) -> Path:
    """Made-up reviews. Of those with the name this share is bad, of the others a half; the words tell which."""
    generator = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        named = generator.random() < 0.3
        is_bad = generator.random() < (bad if named else 0.5)
        words = generator.choices([*tiny.NEUTRAL, *[f"w{i}" for i in range(79)]], k=generator.randint(3, 10))
        told = generator.choice(tiny.NEGATIVE if is_bad else tiny.POSITIVE)
        for word in (told, *([NAME] if named else [])):
            words.insert(generator.randrange(len(words)), word)
        found[" ".join(words)] = "bad" if is_bad else "good"
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([("text", "label"), *found.items()])
    return file


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared data: the name goes with the label `bad` in training and validation, and with neither in test."""
    folder = tmp_path_factory.mktemp("biased")
    made = {"train": (300, 0.95, 1), "validation": (60, 0.95, 2), "test": (400, 0.5, 3)}
    files = {name: write(folder / f"{name}.csv", *how) for name, how in made.items()}
    section = DataSection(source={name: str(file) for name, file in files.items()})
    spec = task_spec("text-classification")
    prepare(section, spec, seed=1, files=files, out=folder / "data", events=Silent())
    return folder / "data"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, biased: Path) -> Path:
    """By which name and label are independent."""
    section = BalanceSection(slice=rf"name=\b{NAME}\b", by="group-and-label")
    found, _ = training_weights(section, task_spec("text-classification"), data=biased, columns=None)
    file = tmp_path_factory.mktemp("weights") / "weights.npy"
    np.save(file, found, allow_pickle=False)
    return file


def gap(model_folder: Path, data: Path) -> float:
    """How much better a model answers test texts without the name than those with it."""
    model = AutoModelForSequenceClassification.from_pretrained(model_folder).eval()
    test = load_split(data, "test")
    inputs = AutoTokenizer.from_pretrained(model_folder)(list(test["text"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        right = model(**inputs).logits.argmax(-1).numpy() == np.array(test["label"])
    named = np.array([NAME in text.split() for text in test["text"]])
    return float(right[~named].mean() - right[named].mean())


def test_weights_close_the_gap_that_a_label_correlated_with_a_name_makes(
    task: Task, biased: Path, weights: Path, tmp_path: Path
) -> None:
    bare = tiny.write_encoder(tmp_path / "bare", layers=1, spread=0.05)
    gaps = {}
    for name, weighed in (("plain", None), ("weighed", weights)):
        teach(
            TeacherSection.model_validate({"model": "bare", "finetune": QUICK | {"epochs": 4}}),
            task=task,
            model_folder=bare,
            data=biased,
            max_length=MAX_LENGTH,
            seed=1,
            out=tmp_path / name,
            events=Silent(),
            weights=weighed,
        )
        gaps[name] = gap(tmp_path / name / "model", biased)
    assert gaps["plain"] > 0.2, "without the correlation there is nothing to remedy"
    assert gaps["weighed"] < gaps["plain"] / 3


def test_a_weighed_training_that_was_interrupted_ends_with_the_same_weights_as_if_it_had_not_been(
    task: Task, biased: Path, weights: Path, classifier_folder: Path, tmp_path: Path
) -> None:
    def train(out: str, events: Events) -> dict[str, Any]:
        section = TRAINING | {"batch_size": 30, "dropout": 0.1, "objectives": [{"kind": "hard-labels"}]}
        return distill(
            DistillSection.model_validate(section),
            task=task,
            student_folder=classifier_folder,
            transfer_set=TransferSet(biased, weights=weights),
            teacher_folder=None,
            max_length=MAX_LENGTH,
            seed=3,
            out=tmp_path / out,
            events=events,
        )

    assert train("whole", Silent())["steps"] == 20  # as many as without weights
    with pytest.raises(Ended):
        train("ended", EndAt(2))
    assert train("ended", Silent())["resumed_from_step"] == 15  # within the second epoch
    whole, ended = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "ended"))
    assert all(torch.equal(ended[name], whole[name]) for name in whole)
