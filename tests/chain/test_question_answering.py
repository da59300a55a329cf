"""Questions from a file to a bundle that answers them: the whole way, on a model that learns in seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from compressor import runtime
from compressor.compare import command
from compressor.report.document import RunReport
from compressor.runtime.tasks.question_answering import THRESHOLD
from tests import tiny
from tests.chain import recipes
from tests.command import ROOT, compressor

pytestmark = pytest.mark.slow

MAX_LENGTH = 24
QUESTION, CONTEXT = "was it good", "the awful plot w1 of the film is really brilliant and w2 w3"


@dataclass(frozen=True)
class Run:
    """A finished run. Read only."""

    report: RunReport
    out: Path

    @property
    def bundle(self) -> Path:
        return self.out / "bundle"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("questions")
    data = tiny.write_questions(folder / "questions.jsonl", 500, unanswered=0.2, longest=24)
    model = tiny.write_encoder(folder / "encoder", layers=2, spread=0.1)
    recipe = recipes.full(data, model) | {"task": "question-answering"}
    recipe["data"]["max_length"] = MAX_LENGTH
    recipe["teacher"]["finetune"] = {"epochs": 10, "learning_rate": 5e-3, "batch_size": 16, "early_stopping": None}
    recipe["student"] = {"init": "teacher", "layers": [0]}
    recipe["distill"] = {"epochs": 8, "learning_rate": 3e-3, "batch_size": 16, "early_stopping": None}
    file, home = recipes.write(folder, recipe), str(folder / "home")
    with mock.patch.dict(os.environ, {"COMPRESSOR_HOME": home, "CUDA_VISIBLE_DEVICES": ""}):
        found = compressor("run", file, "--out", folder / "run", "--format", "json").succeeds()
    return Run(RunReport.from_json(found.json), folder / "run")


def test_teacher_and_student_learn_to_answer(finished: Run) -> None:
    for subject in ("teacher", "student", "fp32", "int8"):
        found = finished.report.measurement(subject)
        assert found is not None and found.accuracy is not None
        assert found.accuracy.metric == "f1" and found.accuracy.n == 50
        assert found.accuracy.value > 0.8, subject
        assert found.accuracy.metrics["exact_match"] <= found.accuracy.value
        assert found.accuracy.agreement is not None
    student, fp32 = (finished.report.measurement(subject) for subject in ("student", "fp32"))
    assert student and fp32 and student.accuracy and fp32.accuracy
    assert fp32.accuracy.value == student.accuracy.value
    assert (fp32.accuracy.difference is None) == (student.accuracy.difference is None)


def test_soft_targets_and_labels_both_teach(finished: Run) -> None:
    distill = next(stage.facts for stage in finished.report.stages if stage.name == "distill")
    first, last = distill["history"][0], distill["history"][-1]
    assert set(last["objectives"]) == {"soft-targets", "hard-labels"}
    for name, value in last["objectives"].items():
        assert 0 < value < first["objectives"][name]


def test_the_bundle_answers_without_pytorch(finished: Run) -> None:
    code = (
        "import sys, json\n"
        "from compressor.runtime import load\n"
        f"bundle = load({str(finished.bundle)!r})\n"
        f"answer = bundle.predict({{'question': {QUESTION!r}, 'context': {CONTEXT!r}}})\n"
        "print(json.dumps([answer.to_dict(), 'torch' in sys.modules, 'transformers' in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    answer, *heavy = json.loads(done.stdout)
    assert heavy == [False, False]
    assert answer["text"] == "brilliant" == CONTEXT[answer["start"] : answer["end"]]
    assert 0 < answer["score"] <= 1


def test_an_answer_in_a_later_window_is_found_and_none_where_there_is_none(finished: Run) -> None:
    bundle = runtime.load(finished.bundle, variant="fp32")
    assert THRESHOLD in bundle.settings.options
    filler = " ".join(f"w{i}" for i in range(40))
    there, absent = bundle.predict([QUESTION, QUESTION], [f"awful {filler} gripping", f"awful {filler}"])
    assert there.to_dict()["text"] == "gripping"
    assert there.to_dict()["start"] == len(f"awful {filler} ")
    assert {name: absent.to_dict()[name] for name in ("text", "start", "end")} == {"text": "", "start": 0, "end": 0}


def test_answers_hardly_depend_on_the_batch(finished: Run) -> None:
    """Of fp32: int8 activations are scaled over a batch."""
    bundle = runtime.load(finished.bundle, variant="fp32")
    rows = tiny.questions(20, unanswered=0.2, longest=40, seed=5)
    asked = [{name: row[name] for name in ("question", "context")} for row in rows]
    one, many = bundle.predict(asked), bundle.predict(asked, batch_size=7)
    assert [answer.brief for answer in one] == [answer.brief for answer in many]


def test_the_command_line_asks_a_question_about_a_text(finished: Run) -> None:
    asked = ("predict", finished.bundle, QUESTION, "--pair", CONTEXT)
    (found,) = compressor(*asked, "--format", "json").succeeds().json
    assert {"question": QUESTION, "context": CONTEXT, "text": "brilliant"}.items() <= found.items()
    shown = compressor(*asked).succeeds().out
    assert "brilliant" in shown and QUESTION in shown
    compressor("predict", finished.bundle, QUESTION).fails(2, "question and context")
    compressor("verify", finished.bundle).succeeds()


def test_a_bundle_compares_with_itself_on_questions_with_answers(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "decide", lambda cases, **_: [])
    data = tiny.write_questions(tmp_path / "asked.jsonl", 30, unanswered=0.2, longest=24, seed=3)
    options = ("--data", data, "--shape", "texts", "--format", "json")
    rows = compressor("compare", finished.bundle, finished.bundle, *options).succeeds().json["rows"]
    found = {row["metric"]: row for row in rows}
    assert set(found) == {"f1", "answers", "size", "operators"}
    assert found["f1"]["a"] == found["f1"]["b"] > 70
    assert found["answers"]["b"] == 100


def test_reports_and_the_card_speak_of_questions(finished: Run) -> None:
    card = (finished.bundle / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: question-answering" in card
    assert 'bundle.predict({"question": "the question", "context": "the context"})' in card
    assert finished.report.labels == ()
    for name in ("report.md", "report.html"):
        said = (finished.out / name).read_text(encoding="utf-8")
        assert "exact match" in said and "F1" in said
        assert "labels: start" not in said
