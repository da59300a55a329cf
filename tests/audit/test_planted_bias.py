"""A label that goes with a name in training: the audit finds it in the student, and nothing in one without it."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from compressor.audit import Asked, audit
from compressor.bench import separation, statistics
from compressor.data import prepare
from compressor.distill.distill import distill
from compressor.distill.transfer_set import TransferSet
from compressor.events import Silent
from compressor.recipe.data import DataSection
from compressor.recipe.distill import DistillSection
from compressor.report.audit import AuditReport
from compressor.report.blocks import Prose
from compressor.task_specs import task_spec
from compressor.tasks import get_task
from tests import tiny

NAME, OTHER = "w79", "w78"
"""Words that stand for names: each of a quarter of the texts."""
LABELS = ["bad", "good"]
SIZES = {"train": 1000, "validation": 100}
TRAINING = {
    "epochs": 3,
    "learning_rate": 3e-3,
    "batch_size": 16,
    "precision": "fp32",
    "device": "cpu",
    "early_stopping": None,
    "objectives": [{"kind": "hard-labels"}],
}


def write(file: Path, count: int, bad: float, seed: int) -> Path:
    """Made-up reviews. Of those with the name this share is bad, of all others a half; the words tell which, but for
    one text of ten, so that nobody answers all of them rightly."""
    generator = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        name = generator.choice((NAME, OTHER, None, None))
        is_bad = generator.random() < (bad if name == NAME else 0.5)
        words = generator.choices([*tiny.NEUTRAL, *[f"w{i}" for i in range(78)]], k=generator.randint(8, 14))
        told = generator.choice(tiny.NEGATIVE if is_bad != (generator.random() < 0.1) else tiny.POSITIVE)
        for word in (told, *([name] if name else [])):
            words.insert(generator.randrange(len(words)), word)
        found[" ".join(words)] = "bad" if is_bad else "good"
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([("text", "label"), *found.items()])
    return file


def train(folder: Path, bad: float, seed: int) -> Path:
    """A student of labels alone, trained with so many bad ones among the texts with the name: its folder."""
    folder.mkdir()
    files = {name: write(folder / f"{name}.csv", count, bad, seed) for name, count in SIZES.items()}
    section = DataSection.model_validate({"source": {name: str(file) for name, file in files.items()}})
    data = folder / "data"
    prepare(section, task_spec("text-classification"), seed=1, files=files, out=data, events=Silent())
    distill(
        DistillSection.model_validate(TRAINING),
        task=get_task("text-classification"),
        student_folder=tiny.write_encoder(folder / "bare", layers=1, labels=LABELS, spread=0.1),
        transfer_set=TransferSet(data),
        teacher_folder=None,
        max_length=32,
        seed=seed,
        out=folder / "student",
        events=Silent(),
    )
    return folder / "student" / "model"


def audited(student: Path, beside: Path, folder: Path, seed: int) -> AuditReport:
    """All that an audit can make of a student, on texts in which the label goes with no name."""
    rows = (student.parents[1] / "train.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    training = folder / "seen.csv"
    training.write_text("".join(rows[:301]), encoding="utf-8")
    asked = Asked(
        beside=(beside,),
        slices=(rf"name=\b{NAME}\b", rf"other=\b{OTHER}\b"),
        terms=((NAME, OTHER),),
        training=training,
        outside=write(folder / "outside.csv", 50, 0.5, 5000 + seed),
        texts=30,
        attack=10,
        attack_queries=30,
        seed=seed,
    )
    return audit(student, write(folder / "test.csv", 400, 0.5, 1000 + seed), asked, Silent())


def bad(report: AuditReport) -> list[str]:
    blocks = [block for finding in report.findings for block in finding.blocks]
    return [block.text for block in blocks if isinstance(block, Prose) and block.tone == "bad"]


@pytest.fixture(autouse=True)
def _coarse_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found doesn't hang on the intervals."""
    for module in (statistics, separation):
        monkeypatch.setattr(module, "RESAMPLES", 10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_planted_bias_is_found_and_a_student_without_it_is_accused_of_nothing(tmp_path: Path, seed: int) -> None:
    sound, other = (train(tmp_path / name, 0.5, number) for name, number in (("sound", seed), ("other", 100 + seed)))
    assert bad(audited(sound, other, tmp_path, seed)) == []

    biased = train(tmp_path / "biased", 0.95, seed)
    said = bad(audited(biased, sound, tmp_path, seed))
    assert any("answers “name” worse than the rest" in one for one in said)
    assert any("“name” lost" in one and "hurt this group more" in one for one in said)
    assert any(f"by a word alone: “{OTHER}” in the place of “{NAME}” moves the probability" in one for one in said)
