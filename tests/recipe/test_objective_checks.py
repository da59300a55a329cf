"""Objectives that can't teach in the task, or in the way that a recipe trains on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import load_recipe
from tests.recipe.write import problems_of, write

MANY = ["task=multi-label-classification", "gates=null"]
NUMBERS = ["task=regression", "gates=null"]
TAGS = ["task=token-classification", "data.columns={text: text, tags: tags}", "gates=null"]
SPANS = [
    "task=question-answering",
    "data.columns={question: question, context: context, answers: answers}",
    "gates=null",
]
VECTORS = ["task=sentence-embedding", "data.columns={text: a, text_pair: b, score: c}", "gates=null"]
PLAIN = ["task=sentence-embedding", "data.columns={text: a}", "teacher.finetune=null", "gates=null"]
SIMILAR = "distill.objectives=[{kind: soft-targets}, {kind: similarity}]"
SMOOTHED = "distill.objectives=[{kind: hard-labels, label_smoothing: 0.3}]"
TWO_PASSES = "distill.objectives=[{kind: soft-targets}, {kind: r-drop}]"


@pytest.mark.parametrize(
    ("overrides", "path", "words"),
    [
        ([*NUMBERS, SIMILAR], "distill.objectives.1", "compares directions"),
        ([*TAGS, SIMILAR], "distill.objectives.1", "belong to single tokens"),
        ([*SPANS, SIMILAR], "distill.objectives.1", "belong to single tokens"),
        (
            [*MANY, "data.labels=[spam]", SIMILAR],
            "distill.objectives.1",
            "of a single label every cosine is 1 or -1",
        ),
        ([*NUMBERS, SMOOTHED], "distill.objectives.0.label_smoothing", "answers of regression are no labels"),
        ([*VECTORS, SMOOTHED], "distill.objectives.0.label_smoothing", "are no labels"),
        (
            [*NUMBERS, "teacher.finetune.label_smoothing=0.2"],
            "teacher.finetune.label_smoothing",
            "answers of regression are no labels",
        ),
        (
            [*VECTORS, "distill.objectives=[{kind: hard-labels, labels: teacher}]"],
            "distill.objectives.0.labels",
            "a vector, none is the likeliest",
        ),
        (["distill.dropout=0", TWO_PASSES], "distill.dropout", "without, both are the same"),
        (
            ["distill.dropout=0", "distill.phases=[{epochs: 1}, {objectives: [{kind: hard-labels}, {kind: r-drop}]}]"],
            "distill.phases.1.dropout",
            "without, both are the same",
        ),
        (["distill.objectives=[{kind: r-drop}]"], "distill.objectives", "nothing tells it what to answer"),
        (
            ["distill.phases=[{}, {objectives: [{kind: r-drop}]}]"],
            "distill.phases.1.objectives",
            "nothing tells it what to answer",
        ),
        (
            ["distill={batch_size: 1, objectives: [{kind: soft-targets}, {kind: mixup}]}"],
            "distill.batch_size",
            "mixup compares the texts of a batch with each other",
        ),
        (
            ["distill={batch_size: 1, objectives: [{kind: soft-targets}, {kind: similarity}]}"],
            "distill.batch_size",
            "similarity compares",
        ),
        (["distill={batch_size: 1, objectives: [{kind: dist, beta: 0}]}"], "distill.batch_size", "dist compares"),
        (
            [*PLAIN, "distill.objectives=[{kind: hidden-states}, {kind: pooled-states}]"],
            "distill.objectives",
            "which hidden-states and pooled-states doesn't compare",
        ),
        (
            [
                *MANY,
                "data.labels=[a, b]",
                "distill.objectives=[{kind: dist}]",
            ],
            "distill.objectives.0",
            "answers of multi-label-classification are none",
        ),
    ],
)
def test_what_can_not_teach_is_refused_with_the_reason(
    tmp_path: Path, overrides: list[str], path: str, words: str
) -> None:
    (problem,) = problems_of(write(tmp_path), overrides)
    assert problem.path == path and words in problem.message and problem.hint


@pytest.mark.parametrize(
    "overrides",
    [
        [SIMILAR],
        [*VECTORS, SIMILAR],
        [*MANY, "data.labels=[spam, ham]", SIMILAR],
        [*MANY, SMOOTHED, "teacher.finetune.label_smoothing=0.2"],
        [*NUMBERS, "distill.objectives=[{kind: hard-labels, labels: teacher}]"],
        ["distill.dropout=0.1", TWO_PASSES],
        # A phase with dropout of its own.
        ["distill.dropout=0", f"distill.phases=[{{}}, {{dropout: 0.1, {TWO_PASSES[8:].replace('=', ': ')}}}]"],
        # One batch holds many words, and many classes of a text.
        [*TAGS, "distill={batch_size: 1, objectives: [{kind: dist, beta: 0}]}"],
        ["distill={batch_size: 1, objectives: [{kind: dist}]}"],
        ["distill={batch_size: 1, objectives: [{kind: soft-targets}, {kind: hidden-states}]}"],
        # Two types of spans are five tags.
        [*TAGS, "data.labels=[person, place]", "distill.objectives=[{kind: dist}]"],
        [*PLAIN, "distill.objectives=[{kind: adversarial}, {kind: hidden-states}]"],
        ["distill.objectives=[{kind: hidden-states}]"],
    ],
)
def test_what_can_teach_is_accepted(tmp_path: Path, overrides: list[str]) -> None:
    load_recipe(write(tmp_path), overrides)


UNLABELLED = ["data.labelled=[train]", "data.labels=[bad, good]", "teacher.finetune=null"]
ENSEMBLE = ["teacher={ensemble: {weights: validation, members: [{model: a/b}, {model: c/d}]}}", "student={init: e/f}"]
RETAINED = 'distill={until: {quality_retained: ">= 0.9"}}'
RIGHT = 'distill={until: {metrics: {accuracy: ">= 0.9"}}}'


@pytest.mark.parametrize(
    ("overrides", "path", "words"),
    [
        ([*UNLABELLED, RETAINED], "distill.until.quality_retained", "nothing tells that in validation"),
        (
            [*PLAIN, "distill={until: {quality_retained: '>= 0.9'}, objectives: [{kind: soft-targets}]}"],
            "distill.until.quality_retained",
            "nothing tells that in validation",
        ),
        ([*UNLABELLED, RIGHT], "distill.until.metrics.accuracy", "needs the labels of the validation split"),
        ([*UNLABELLED, *ENSEMBLE, "gates=null"], "teacher.ensemble.weights", "and there are none"),
        ([*TAGS, *ENSEMBLE], "teacher.ensemble.weights", "none of a whole text"),
        ([*VECTORS, *ENSEMBLE, "distill.objectives=[{kind: soft-targets}]"], "teacher.ensemble.weights", "none of a"),
    ],
)
def test_what_goes_by_labels_of_validation_is_refused_where_it_has_none(
    tmp_path: Path, overrides: list[str], path: str, words: str
) -> None:
    (problem,) = problems_of(write(tmp_path), overrides)
    assert problem.path == path and words in problem.message and problem.hint


@pytest.mark.parametrize(
    "overrides",
    [
        [*UNLABELLED, 'distill={until: {metrics: {divergence: "<= 0.2"}}}'],
        [RETAINED],
        [RIGHT],
        [*ENSEMBLE, "gates=null"],
        [*NUMBERS, *ENSEMBLE],
    ],
)
def test_what_validation_can_tell_is_accepted(tmp_path: Path, overrides: list[str]) -> None:
    load_recipe(write(tmp_path), overrides)
