"""A teacher whose answers are there is compared with one answer to all texts, before a student learns from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compressor.chain.guess import guess_of, judged_teacher
from compressor.data import load_labels, load_split, prepare
from compressor.distill.stored import keep_outputs
from compressor.engine.artifact import Artifact
from compressor.events import Silent
from compressor.recipe.data import DataSection
from compressor.runtime.outputs import Ragged
from compressor.task_specs import task_spec
from compressor.tasks import get_task
from tests import tiny
from tests.engine.fakes import Heard

TASK = "text-classification"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("data")
    csv = tiny.write_reviews(folder / "reviews.csv")
    section = DataSection.model_validate({"source": str(csv), "split": {"validation": 0.2, "test": 0.1}})
    prepare(section, task_spec(TASK), seed=1, files={"train": csv}, out=folder / "made", events=Silent())
    return Artifact(folder / "made", "prepare", "0" * 64, {}, {}, {}, 0.0, "")


def answered(data: Artifact, out: Path, logits: Callable[[int], list[float]]) -> Path:
    """What a teacher leaves that gives a text with this label these logits."""
    for split in ("validation", "test"):
        labels = load_split(data.folder, split)["label"]
        outputs = {"logits": Ragged(np.array([logits(label) for label in labels], np.float16))}
        keep_outputs(outputs, split=split, task=get_task(TASK), data=data.folder, texts=None, out=out)
    return out


def test_one_answer_to_all_is_the_most_frequent_label_of_the_split(data: Artifact) -> None:
    labels = load_split(data.folder, "test")["label"]
    most = max(set(labels), key=list(labels).count)
    guess = guess_of(data, "test", TASK)
    assert guess is not None and guess.answer == repr(load_labels(data.folder)[most])
    assert guess.metrics["accuracy"] == list(labels).count(most) / len(labels)
    assert guess_of(data, "nowhere", TASK) is None and guess_of(None, "test", TASK) is None


def test_a_teacher_no_better_than_a_guess_is_warned_of_on_the_larger_split(data: Artifact, tmp_path: Path) -> None:
    events = Heard()
    facts = judged_teacher({"examples": 3}, {"data": data}, TASK, answered(data, tmp_path, lambda _: [1, 0]), events)
    (said,) = events.warnings
    assert facts == {"examples": 3, "warnings": [said]}
    assert said.startswith("The teacher isn't shown to do better than always giving '")
    rows = len(load_split(data.folder, "validation"))
    assert f"on the {rows} texts of validation" in said and "Nobody can learn from it" in said


def test_a_teacher_that_knows_its_labels_is_not(data: Artifact, tmp_path: Path) -> None:
    events = Heard()
    out = answered(data, tmp_path, lambda label: [3.0 * (label == 0), 3.0 * (label == 1)])
    assert judged_teacher({}, {"data": data}, TASK, out, events) == {}
    assert events.warnings == []


def test_where_no_text_has_an_answer_there_is_nothing_to_judge(data: Artifact, tmp_path: Path) -> None:
    assert judged_teacher({}, {"data": data}, TASK, tmp_path, Heard()) == {}
