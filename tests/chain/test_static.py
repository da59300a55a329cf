"""Students without layers from a file to a bundle: classes, numbers, sets of labels, vectors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compressor import runtime
from compressor.report.document import RunReport
from tests import tiny
from tests.chain import recipes
from tests.command import compressor
from tests.deploy.models import write_classifier

Run = Callable[..., RunReport]
BUILD = [{"kind": "vocabulary"}, {"kind": "static", "size": 16, "hidden": 16}]
TRAINING = {"epochs": 8, "learning_rate": 1e-2, "batch_size": 16}


@pytest.fixture
def run(tmp_path: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a recipe with such a student to `tmp_path / "run"`, and verify the bundle."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def run(file: Path, *overrides: str, **sections: Any) -> RunReport:
        recipe = recipes.full(file, encoder_folder)
        recipe["teacher"]["finetune"] = {"epochs": 6, "learning_rate": 3e-3, "batch_size": 16}
        recipe["student"] = {"init": "teacher", "build": BUILD}
        recipe["distill"] = TRAINING
        recipe["benchmark"] |= {"references": False}
        for name, section in sections.items():
            recipe[name] = recipe.get(name, {}) | section if isinstance(section, dict) else section
        options = [option for override in overrides for option in ("--set", override)]
        found = compressor(
            "run", recipes.write(tmp_path, recipe), *options, "--out", tmp_path / "run", "--format", "json"
        ).succeeds()
        compressor("verify", tmp_path / "run" / "bundle").succeeds()
        return RunReport.from_json(found.json)

    return run


def metrics(report: RunReport, subject: str) -> dict[str, float]:
    found = report.measurement(subject)
    assert found is not None and found.accuracy is not None
    return found.accuracy.metrics


@pytest.mark.slow
def test_classes(run: Run, reviews_csv: Path, tmp_path: Path) -> None:
    """Also the references in PyTorch, the answers' independence of word order, and clients of the bundle."""
    report = run(reviews_csv, "benchmark.references=true", distill={**TRAINING, "baseline": True})
    facts = {stage.name: stage.facts for stage in report.stages}
    assert [built.split(":")[0] for built in facts["student"]["built"]] == ["vocabulary", "static"]
    assert facts["export"]["inputs"] == ["input_ids", "attention_mask"]
    assert facts["quantize/int8"]["matrices"] == 2
    assert metrics(report, "baseline")["accuracy"] >= 0.9
    assert metrics(report, "fp32") == pytest.approx(metrics(report, "student"), abs=1e-4)

    bundle = tmp_path / "run" / "bundle"
    loaded = runtime.load(bundle)
    texts = ["a good film", "film good a", "a very dull story in the film"]
    good, turned, bad = (answer.to_dict()["scores"]["good"] for answer in loaded.predict(texts))
    assert good == pytest.approx(turned, abs=1e-5) and good > bad
    assert json.loads((bundle / "config.json").read_text(encoding="utf-8"))["model_type"] == "distilbert"


@pytest.mark.slow
def test_a_finished_one_is_deployed_as_it_is(
    reviews_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    model = write_classifier(tmp_path / "model", "static-embeddings", vocab_size=4000)
    recipe = recipes.write(tmp_path, recipes.finished(reviews_csv, model))
    compressor("run", recipe, "--out", tmp_path / "run").succeeds()
    assert runtime.load(tmp_path / "run" / "bundle").predict("a good film").to_dict()["label"] in ("bad", "good")


@pytest.mark.slow
def test_numbers(run: Run, tmp_path: Path) -> None:
    data = tiny.write_ratings(tmp_path / "ratings.csv", 400)
    columns = {"columns": {"text": "text", "label": "stars"}}
    objectives = [{"kind": "soft-targets"}, {"kind": "hard-labels"}]
    report = run(data, task="regression", data=columns, distill={**TRAINING, "objectives": objectives})
    assert metrics(report, "int8")["spearman"] > 0.5


@pytest.mark.slow
def test_sets_of_labels(run: Run, tmp_path: Path) -> None:
    rows = [
        {"text": text, "label": [label, *(["film"] if "film" in text.split() else [])]}
        for text, label in tiny.reviews(300)
    ]
    (tmp_path / "sets.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    labels_only = [{"kind": "hard-labels"}]
    report = run(tmp_path / "sets.jsonl", task="multi-label-classification", distill={"objectives": labels_only})
    assert metrics(report, "int8")["f1_micro"] > 0.7


@pytest.mark.slow
def test_vectors(run: Run, tmp_path: Path) -> None:
    """Without a head. (A table as small as this one isn't quantized, and there is nothing else.)"""
    data = tiny.write_pairs(tmp_path / "pairs.jsonl")
    columns = {"columns": {"text": "text", "text_pair": "text_pair", "score": "score"}}
    objectives = [{"kind": "similarity"}, {"kind": "hard-labels"}]
    report = run(data, task="sentence-embedding", data=columns, quantize=[], distill={"objectives": objectives})
    assert set(metrics(report, "fp32")) >= {"spearman", "pearson"}
    history = next(stage.facts for stage in report.stages if stage.name == "distill")["history"]
    assert history[-1]["objectives"]["hard-labels"] < history[0]["objectives"]["hard-labels"]
    answer = runtime.load(tmp_path / "run" / "bundle").predict("a good film").to_dict()
    assert len(answer["vector"]) == 16


def test_a_task_with_an_answer_for_each_token_is_refused(tmp_path: Path, encoder_folder: Path) -> None:
    recipe = recipes.full(tiny.write_conll(tmp_path / "names.conll"), encoder_folder) | {"task": "token-classification"}
    recipe["student"] = {"init": "teacher", "build": BUILD}
    compressor("validate", recipes.write(tmp_path, recipe)).fails(2, "student.build.1", "answers for each token")
