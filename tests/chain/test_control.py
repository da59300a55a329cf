"""Accuracy control judges a variant by the metric of its task, and the report shows what was tried."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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
from compressor.task_specs import task_spec
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


def write_scorer(folder: Path, task: str, labels: Sequence[str]) -> Path:
    """A BERT with random weights, large enough that their rounding shows, and an output for each label."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tiny.VOCABULARY),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,
        problem_type=task_spec(task).problem_type,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return tiny.write_tokenizer(folder)


def write_sets(file: Path, count: int) -> Path:
    """Reviews with their label, and `film` where they name one."""
    rows = ({"text": text, "label": [label, *(["film"] * ("film" in text))]} for text, label in tiny.reviews(count))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


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


@pytest.mark.parametrize(
    ("task", "metric", "unit", "write"),
    [
        (
            "token-classification",
            "f1_entity",
            100,
            lambda folder: (
                tiny.write_conll(folder / "data.conll", 60),
                tiny.write_name_encoder(folder / "model", layers=1, tags=["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]),
            ),
        ),
        (
            "regression",
            "spearman",
            1,
            lambda folder: (
                tiny.write_ratings(folder / "data.csv", 60),
                write_scorer(folder / "model", "regression", ["stars"]),
            ),
        ),
        (
            "multi-label-classification",
            "f1_micro",
            100,
            lambda folder: (
                write_sets(folder / "data.jsonl", 60),
                write_scorer(folder / "model", "multi-label-classification", ["bad", "film", "good"]),
            ),
        ),
    ],
    ids=["tags", "numbers", "sets of labels"],
)
def test_a_budget_is_in_points_of_a_share_and_in_a_correlations_own_unit(
    tmp_path: Path, task: str, metric: str, unit: int, write: Written
) -> None:
    recipe = recipe_of(*write(tmp_path), task, quality_lost="<= 100")
    if task == "regression":
        recipe["data"]["columns"] = {"text": "text", "label": "stars"}
    found = quantized(tmp_path, recipe).facts["control"]
    (step,) = found["steps"]
    assert found["metric"] == metric
    assert step["error"] > 0 and step["lost"] == pytest.approx(unit * (found["before"] - step["quality"]), abs=1e-6)


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
