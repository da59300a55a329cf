"""Recipes that learn from pairs of texts without a score."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import load_recipe
from tests.recipe.write import problems_of, write

PAIRS = """\
name: pairs
task: sentence-embedding
data: {source: pairs.csv, columns: {text: question, text_pair: answer}}
teacher: {model: some/teacher, finetune: {epochs: 2}}
student: {init: teacher, layers: [0, 1]}
distill: {epochs: 3, baseline: true, objectives: [{kind: soft-targets}]}
"""
CONTRASTIVE = "distill.objectives=[{kind: contrastive}]"


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        [CONTRASTIVE],
        ["teacher=null", "student={init: some/model}", "distill.baseline=false", CONTRASTIVE],
        [
            "data.columns={text: a, text_pair: b, score: c}",
            "distill.objectives=[{kind: contrastive}, {kind: hard-labels}]",
        ],
        ["teacher={ensemble: {members: [{model: a/b, finetune: {}}, {model: c/d}]}}", "student={init: some/model}"],
    ],
)
def test_pairs_without_a_score_are_enough(tmp_path: Path, overrides: list[str]) -> None:
    load_recipe(write(tmp_path, PAIRS), overrides)


@pytest.mark.parametrize(
    ("overrides", "paths"),
    [
        (["data.columns={text: text}"], ["teacher.finetune", "distill.baseline"]),
        (
            ["data.columns={text: text}", "teacher.finetune=null", "distill.baseline=false", CONTRASTIVE],
            ["distill.objectives.0"],
        ),
        (["distill.objectives=[{kind: hard-labels}]"], ["distill.objectives.0"]),
        (["teacher.finetune.label_smoothing=0.1"], ["teacher.finetune.label_smoothing"]),
        ([CONTRASTIVE, "distill.batch_size=2"], ["distill.batch_size"]),
        (["teacher.finetune.batch_size=3"], ["teacher.finetune.batch_size"]),
        (
            ["data.columns={text: a, text_pair: b, score: c}", "distill.batch_size=1", "teacher.finetune.batch_size=1"],
            ["teacher.finetune.batch_size", "distill.batch_size"],
        ),
        (
            [
                "distill={objectives: [{kind: soft-targets}],"
                " phases: [{objectives: [{kind: contrastive}], batch_size: 2}, {}]}"
            ],
            ["distill.phases.0.batch_size"],
        ),
        (
            [
                "data.columns={text: text}",
                "teacher={ensemble: {members: [{model: a/b, finetune: {}}, {model: c/d}]}}",
                "student={init: some/model}",
                "distill.baseline=false",
            ],
            ["teacher.ensemble.members.0.finetune"],
        ),
    ],
)
def test_what_has_no_pairs_to_learn_from_is_refused(tmp_path: Path, overrides: list[str], paths: list[str]) -> None:
    assert [problem.path for problem in problems_of(write(tmp_path, PAIRS), overrides)] == paths


def test_a_classifier_has_no_vectors_to_contrast(tmp_path: Path) -> None:
    overrides = ["data.columns={text: a, text_pair: b, label: c}", "distill.objectives.1={kind: contrastive}"]
    (problem,) = problems_of(write(tmp_path), overrides)
    assert problem.path == "distill.objectives.1" and "compares vectors of texts" in problem.message


@pytest.mark.parametrize(
    ("overrides", "paths"),
    [
        ([], ["teacher.finetune"]),
        (["teacher.finetune=null", "distill.baseline=true"], ["distill.baseline"]),
        (
            ["teacher=null", "student={init: a/b}", "distill.objectives=[{kind: hard-labels}]"],
            ["distill.objectives.0"],
        ),
    ],
)
def test_what_only_labels_could_judge_needs_those_of_validation(
    tmp_path: Path, overrides: list[str], paths: list[str]
) -> None:
    hidden = ["data.labels=[bad, good]", "data.labelled=[train, test]", "gates=null"]
    problems = problems_of(write(tmp_path), [*hidden, *overrides])
    assert [problem.path for problem in problems] == paths
    assert "leaves out those of `validation`" in problems[0].message
    load_recipe(write(tmp_path), [*hidden, "teacher.finetune=null"])
