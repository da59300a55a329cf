"""Other teachers and students than shipped recipes name, on tiny models."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chain import recipes
from tests.shipped.support import Runs

pytestmark = pytest.mark.slow


def test_a_decoder_teaches_an_encoder_with_another_tokenizer(
    run: Runs, tmp_path: Path, reviews_csv: Path, decoder_folder: Path, encoder_folder: Path
) -> None:
    full = recipes.full(reviews_csv, decoder_folder)
    full["student"] = {"init": str(encoder_folder)}
    full["benchmark"]["references"] = False
    report = run(recipes.write(tmp_path, full), "teacher.finetune.epochs=1", "distill.epochs=1")
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is not None and fp32.accuracy.agreement is not None


def test_a_decoder_is_a_student_too(run: Runs, tmp_path: Path, reviews_csv: Path, decoder_folder: Path) -> None:
    full = recipes.full(reviews_csv, decoder_folder)
    full["student"] = {"init": "teacher", "layers": [0]}
    full["benchmark"]["references"] = False
    run(recipes.write(tmp_path, full), "teacher.finetune.epochs=1", "distill.epochs=1")


def test_hidden_states_are_matched_with_a_live_teacher(
    run: Runs, tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    full = recipes.full(reviews_csv, encoder_folder)
    full["distill"]["objectives"] = [{"kind": "hidden-states"}, {"kind": "hard-labels", "labels": "teacher"}]
    full["benchmark"]["references"] = False
    report = run(recipes.write(tmp_path, full), "teacher.finetune.epochs=1", "distill.epochs=2")
    history = next(stage.facts["history"] for stage in report.stages if stage.name == "distill")
    assert set(history[0]["objectives"]) == {"hidden-states", "hard-labels"}
    assert history[-1]["objectives"]["hidden-states"] < history[0]["objectives"]["hidden-states"]


def test_a_finished_teacher_is_taken_as_it_is(
    run: Runs, tmp_path: Path, reviews_csv: Path, classifier_folder: Path
) -> None:
    full = recipes.full(reviews_csv, classifier_folder)
    del full["teacher"]["finetune"]
    full["benchmark"]["references"] = False
    report = run(recipes.write(tmp_path, full), "distill.epochs=1")
    teach = next(stage for stage in report.stages if stage.name == "teach")
    assert "history" not in teach.facts
