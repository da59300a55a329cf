"""Sentence embedding from a file to a bundle: pairs with scores, pairs without, texts alone, models of other widths."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor import runtime
from compressor.compare import command
from compressor.report.document import RunReport
from compressor.runtime.options import write_options
from compressor.runtime.tasks.sentence_embedding import Embedding, Similarity
from tests import tiny
from tests.chain import recipes
from tests.command import ROOT, compressor

SCORED = {"text": "text", "text_pair": "text_pair", "score": "score"}
BY_TEACHER = [{"kind": "soft-targets"}, {"kind": "similarity"}]


@dataclass(frozen=True)
class Run:
    """A finished run."""

    report: RunReport
    out: Path
    data: Path

    @property
    def bundle(self) -> Path:
        return self.out / "bundle"

    def history(self, stage: str = "distill") -> list[dict[str, Any]]:
        """Evaluations of a training."""
        found: list[dict[str, Any]] = next(one.facts for one in self.report.stages if one.name == stage)["history"]
        return found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Run a recipe for made-up pairs and check that its bundle verifies."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def run(columns: dict[str, str], teacher: dict[str, Any], **sections: Any) -> Run:
        data = tiny.write_pairs(tmp_path / "pairs.jsonl")
        recipe = recipes.full(data, tmp_path) | {"task": "sentence-embedding", "teacher": teacher}
        recipe["data"]["columns"] = columns
        recipe["student"] = {"init": "teacher", "layers": [0, 1]}
        recipe["distill"] |= {"batch_size": 16, "objectives": BY_TEACHER}
        recipe["benchmark"] |= {"workloads": recipes.WORKLOADS[:1], "references": False}
        for name, section in sections.items():
            recipe[name] = section
        file = recipes.write(tmp_path, recipe)
        found = compressor("run", file, "--out", tmp_path / "run", "--format", "json").succeeds()
        done = Run(RunReport.from_json(found.json), tmp_path / "run", data)
        compressor("verify", done.bundle).succeeds()
        for name in ("report.md", "report.html", "bundle/README.md"):
            assert "nan" not in (done.out / name).read_text(encoding="utf-8").lower().split()
        return done

    return run


def metrics(run: Run, subject: str) -> dict[str, float]:
    found = run.report.measurement(subject)
    assert found is not None and found.accuracy is not None
    assert found.accuracy.metric == next(iter(found.accuracy.metrics))
    return found.accuracy.metrics


@pytest.mark.slow
def test_pairs_with_scores(run: Callable[..., Run], encoder_folder: Path) -> None:
    """The teacher is fine-tuned on scores; the student learns from them and from the teacher."""
    done = run(
        SCORED,
        {"model": str(encoder_folder), "finetune": {"epochs": 3, "learning_rate": 3e-3, "batch_size": 16}},
        distill={
            "epochs": 2,
            "learning_rate": 3e-3,
            "batch_size": 15,  # an odd one parts pairs
            "objectives": [{"kind": "soft-targets"}, {"kind": "hard-labels"}],
            "baseline": True,
        },
        benchmark={"targets": [{"device": "cpu"}], "workloads": recipes.WORKLOADS[:1]},
    )
    for subject in ("teacher", "student", "fp32", "int8", "baseline"):
        assert set(metrics(done, subject)) == {"spearman", "pearson", "teacher_similarity"}, subject
    taught = [one["objectives"]["hard-labels"] for one in done.history("teach")]
    assert taught[-1] < taught[0]
    assert metrics(done, "fp32")["spearman"] == pytest.approx(metrics(done, "student")["spearman"], abs=1e-3)
    assert metrics(done, "int8")["teacher_similarity"] > 0.5
    assert {"spearman", "pearson"} <= set(done.history("teach")[-1]["validation"])

    loaded = runtime.load(done.bundle)
    one, pair = loaded.predict("a good film"), loaded.predict("a good film", "a warm story")
    assert isinstance(one, Embedding) and isinstance(pair, Similarity)
    other = loaded.predict("a warm story")
    assert isinstance(other, Embedding)
    assert pair.score == pytest.approx(float(np.dot(one.vector, other.vector)), abs=1e-6)
    said = compressor("predict", done.bundle, "a good film", "--pair", "a warm story", "--format", "json").succeeds()
    assert said.json[0]["score"] == pytest.approx(pair.score, abs=1e-6)
    assert "vectors" not in said.json[0]
    compressor("predict", done.bundle, "a good film").succeeds()


@pytest.mark.slow
def test_pairs_without_scores(run: Callable[..., Run], encoder_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are judged by finding the second text; a comparison with a file judges both bundles by it. Teacher and
    baseline learn which texts belong together."""
    done = run(
        {"text": "text", "text_pair": "text_pair"},
        {"model": str(encoder_folder), "finetune": {"epochs": 2, "learning_rate": 1e-3, "batch_size": 16}},
        distill={"epochs": 2, "learning_rate": 3e-3, "batch_size": 16, "objectives": BY_TEACHER, "baseline": True},
        benchmark={"targets": [{"device": "cpu"}], "workloads": recipes.WORKLOADS[:1]},
    )
    names = ["recall_at_1", "recall_at_5", "recall_at_10", "mrr", "teacher_similarity"]
    for subject in ("teacher", "student", "baseline", "int8"):
        assert list(metrics(done, subject)) == names, subject
    for stage in ("teach", "baseline"):
        losses = [one["objectives"]["contrastive"] for one in done.history(stage)]
        assert 0 < losses[-1] < losses[0], stage
    assert set(done.history()[-1]["validation"]) == {"loss", *names}

    monkeypatch.setattr(command, "decide", lambda cases, **options: [])
    found = compressor(
        "compare", done.bundle, done.bundle, "--data", done.data, "--out", done.out / "compared", "--format", "json"
    )
    rows = {row["metric"]: row for row in found.succeeds().json["rows"]}
    assert rows["answers"]["b"] == 100
    assert rows["spearman"]["a"] == rows["spearman"]["b"]
    texts = [{key: row[key] for key in ("text", "text_pair")} for row in tiny.pairs(20)]
    done.data.write_text("".join(json.dumps(row) + "\n" for row in texts), encoding="utf-8")
    found = compressor(
        "compare", done.bundle, done.bundle, "--data", done.data, "--out", done.out / "again", "--format", "json"
    )
    assert "recall_at_1" in {row["metric"] for row in found.succeeds().json["rows"]}


@pytest.mark.slow
def test_texts_alone(run: Callable[..., Run], encoder_folder: Path, tmp_path: Path) -> None:
    """The teacher is all there is: it validates, stops and judges the student. Options come from its folder."""
    teacher = tiny.write_encoder(tmp_path / "teacher")
    write_options({"pooling": "cls", "dimensions": 24}, teacher)
    done = run({"text": "text"}, {"model": str(teacher)})
    assert list(metrics(done, "int8")) == ["teacher_similarity"]
    taught = next(stage.facts for stage in done.report.stages if stage.name == "label")
    assert taught["test"] == {"teacher_similarity": pytest.approx(1, abs=1e-3)}
    first, last = done.history()[0], done.history()[-1]
    assert list(last["validation"]) == ["loss", "teacher_similarity"]
    assert last["validation"]["loss"] < first["validation"]["loss"]
    assert last["validation"]["teacher_similarity"] > 0.8
    found = done.report.measurement("int8")
    assert found and found.accuracy and found.accuracy.agreement == pytest.approx(found.accuracy.value)

    code = (
        "import sys, json\n"
        "from compressor.runtime import load\n"
        f"answer = load({str(done.bundle)!r}).predict('a good film')\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
        "print(len(answer.vector))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (said.returncode, said.stdout.strip()) == (0, "24"), said.stderr
    assert json.loads((done.bundle / "manifest.json").read_text())["options"] == {"pooling": "cls", "dimensions": 24}
    assert json.loads((done.bundle / "manifest.json").read_text())["labels"] == []


@pytest.mark.slow
def test_a_student_of_another_width(run: Callable[..., Run], encoder_folder: Path, tmp_path: Path) -> None:
    """Its vectors can't be compared with the teacher's: a projection teaches it, and the loss chooses its weights."""
    student = tiny.write_encoder(tmp_path / "student", layers=2, hidden=16)
    done = run({"text": "text"}, {"model": str(encoder_folder)}, student={"init": str(student)})
    found = done.report.measurement("int8")
    assert found is not None and found.accuracy is None
    assert list(done.history()[-1]["validation"]) == ["loss"]
    assert done.history()[-1]["validation"]["loss"] < done.history()[0]["validation"]["loss"]


def test_training_on_scores_that_are_not_there_is_refused(tmp_path: Path) -> None:
    recipe = recipes.full(tiny.write_pairs(tmp_path / "pairs.jsonl"), tmp_path) | {"task": "sentence-embedding"}
    recipe["data"]["columns"] = {"text": "text"}
    recipe["distill"]["baseline"] = True
    compressor("validate", recipes.write(tmp_path, recipe)).fails(
        2, "teacher.finetune", "distill.baseline", "distill.objectives", "`score`"
    )
