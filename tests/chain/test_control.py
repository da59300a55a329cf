"""Accuracy control judges a variant by the metric of its task, and the report shows what was tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.findings import read_findings
from compressor.chain.plan import make_plan
from compressor.engine.artifact import Artifact
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.errors import StageError
from compressor.events import Silent
from tests import tiny
from tests.chain import recipes


def quantized(folder: Path, recipe: dict[str, Any]) -> Artifact:
    """What the variant's stage leaves of a recipe."""
    plan = make_plan(recipes.load(folder, recipe))
    plan = replace(
        plan, stages=tuple(stage for stage in plan.stages if stage.kind in ("prepare", "student", "export", "quantize"))
    )
    return Runner(plan, Store(), Silent()).run()["quantize/int8"]


def recipe_of(data: Path, model: Path, task: str, **budget: Any) -> dict[str, Any]:
    """A finished model, made int8 within a budget."""
    made = recipes.finished(data, model) | {"task": task}
    made["data"] = {"source": str(data), "max_length": 32}
    control = {"quality_lost": "<= 0", "sensitivity_examples": 8, **budget}
    return made | {"quantize": [{"name": "int8", "method": "dynamic", "reduce_range": True, "control": control}]}


Written = Callable[[Path], tuple[Path, Path]]


@pytest.mark.parametrize(
    ("task", "metric", "write"),
    [
        (
            "question-answering",
            "f1",
            lambda folder: (tiny.write_questions(folder / "data.jsonl"), tiny.write_reader(folder / "model")),
        ),
        (
            "sentence-embedding",
            "teacher_similarity",
            lambda folder: (tiny.write_pairs(folder / "data.jsonl"), tiny.write_encoder(folder / "model")),
        ),
    ],
)
def test_it_judges_by_the_tasks_own_metric(tmp_path: Path, task: str, metric: str, write: Written) -> None:
    """Where texts have no labels, as these pairs, answers are compared with those of the graph before."""
    found = quantized(tmp_path, recipe_of(*write(tmp_path), task)).facts["control"]
    assert found["metric"] == metric
    assert found["met"] or len(found["steps"][-1]["kept"]) == len(found["removes"]) - 1
    assert found["steps"][-1]["lost"] <= found["steps"][0]["lost"] or found["met"]


def test_the_report_shows_what_was_tried(tmp_path: Path, reviews_csv: Path, classifier_folder: Path) -> None:
    made = quantized(tmp_path, recipe_of(reviews_csv, classifier_folder, "text-classification", quality_lost="< -101"))
    (finding,) = read_findings([made])
    assert finding.title == "Accuracy control of int8"
    assert not made.facts["control"]["met"]
    kinds = [block.kind for block in finding.blocks]
    assert kinds == ["prose", "table", "line-chart", "table"]


def test_without_validation_texts_it_is_refused(tmp_path: Path, reviews_csv: Path, classifier_folder: Path) -> None:
    recipe = recipe_of(reviews_csv, classifier_folder, "text-classification")
    recipe["data"] |= {"labelled": ["test"], "labels": ["bad", "good"]}
    with pytest.raises(StageError, match="no labels"):
        quantized(tmp_path, recipe)
