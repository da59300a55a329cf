from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compressor.data import load_split
from compressor.distill.ensemble import average_outputs, best_weights, mean_of
from compressor.errors import StageError
from compressor.runtime.outputs import Ragged, read_outputs, write_outputs
from compressor.task_specs import OutputSpec
from compressor.tasks.base import Task
from tests.distill.conftest import MAX_LENGTH, Finished
from tests.distill.objectives.values import softmax

RANDOM = np.random.default_rng(2)


@pytest.fixture
def members(tmp_path: Path, data: Path) -> list[Path]:
    """What two teachers say of every split, as `compute_outputs` leaves it."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        for split in ("train", "validation", "test"):
            logits = RANDOM.normal(size=(len(load_split(data, split)), 2)) * 3
            write_outputs({"logits": Ragged(logits.astype(np.float16))}, folder / split)
    return folders


def averaged(
    members: list[Path], task: Task, data: Path, teacher: Finished, out: Path, **options: Any
) -> dict[str, Any]:
    settings: dict[str, Any] = {"mean": "probabilities", "weights": "equal", **options}
    places: dict[str, Any] = {"data": data, "texts": None, "tokenizer": teacher.model, "out": out}
    return average_outputs(members, task=task, max_length=MAX_LENGTH, **places, **settings)


def logits(folder: Path, split: str = "test") -> np.ndarray:
    values: np.ndarray = np.asarray(read_outputs(folder / split)["logits"].values, dtype=np.float64)
    return values


@pytest.mark.parametrize("weights", ["equal", (1.0, 3.0)])
def test_probabilities_are_averaged_and_kept_as_logits(
    members: list[Path], task: Task, data: Path, teacher: Finished, tmp_path: Path, weights: object
) -> None:
    facts = averaged(members, task, data, teacher, tmp_path / "out", weights=weights)
    first, second = (0.5, 0.5) if weights == "equal" else (0.25, 0.75)
    expected = first * softmax(logits(members[0])) + second * softmax(logits(members[1]))
    assert softmax(logits(tmp_path / "out")) == pytest.approx(expected, abs=2e-3)
    assert facts["weights"] == [first, second]
    targets = np.array(load_split(data, "test")["label"])
    assert facts["test"]["accuracy"] == pytest.approx(np.mean(expected.argmax(axis=1) == targets))
    answers = json.loads((tmp_path / "out" / "test" / "answers.json").read_text())
    assert answers == [["bad", "good"][place] for place in expected.argmax(axis=1)]


def test_logits_may_be_averaged_as_they_are(
    members: list[Path], task: Task, data: Path, teacher: Finished, tmp_path: Path
) -> None:
    averaged(members, task, data, teacher, tmp_path / "out", mean="logits")
    expected = (logits(members[0], "train") + logits(members[1], "train")) / 2
    assert logits(tmp_path / "out", "train") == pytest.approx(expected, abs=5e-3)


def test_weights_found_on_validation_are_those_of_the_member_that_knows() -> None:
    labels = torch.tensor(RANDOM.integers(0, 2, 200))
    knows = torch.nn.functional.one_hot(labels, 2).float() * 3 + torch.randn(200, 2)
    found = best_weights(OutputSpec("logits", "categorical"), [torch.randn(200, 2) * 3, knows], labels, "probabilities")
    assert found[1] > 0.9 and sum(found) == pytest.approx(1)


def test_of_other_texts_the_weights_are_those_that_were_found(
    members: list[Path], task: Task, data: Path, teacher: Finished, tmp_path: Path
) -> None:
    facts = averaged(members, task, data, teacher, tmp_path / "out", weights="validation", known=[0.2, 0.8])
    assert facts["weights"] == [0.2, 0.8]


def test_numbers_are_averaged_and_yes_or_no_by_probability() -> None:
    parts, shares = [torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 4.0]])], np.array([0.5, 0.5])
    assert mean_of(OutputSpec("values", "value"), parts, shares, "probabilities").tolist() == [[0.5, 3.0]]
    found = torch.sigmoid(mean_of(OutputSpec("logits", "bernoulli"), parts, shares, "probabilities"))
    assert torch.allclose(found, (torch.sigmoid(parts[0]) + torch.sigmoid(parts[1])) / 2)


def test_members_that_cut_texts_apart_otherwise_are_refused(
    members: list[Path], task: Task, data: Path, teacher: Finished, tmp_path: Path
) -> None:
    write_outputs({"logits": Ragged(np.zeros((3, 2), np.float16))}, members[1] / "train")
    with pytest.raises(StageError, match="unlike parts"):
        averaged(members, task, data, teacher, tmp_path / "out")
