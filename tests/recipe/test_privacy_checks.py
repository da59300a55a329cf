"""Recipes in which a student's training is private and something beside it would tell of the training texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import dump_recipe, load_recipe
from tests.recipe.write import only, problems_of, write

ALONE = ["teacher=null", "gates=null", "student={init: org/small}", "distill.objectives=[{kind: hard-labels}]"]
"""A student that learns from the labels alone."""
PRIVATE = [*ALONE, "distill.privacy={epsilon: 8}"]
TAUGHT = [
    "teacher={model: org/finished}",
    "student={init: org/small}",
    "distill.objectives=[{kind: soft-targets}]",
    "distill.privacy={noise_multiplier: 1.1, delta: 1e-6, max_grad_norm: 0.5}",
]
"""One that a finished teacher teaches."""


@pytest.mark.parametrize(
    "overrides",
    [
        PRIVATE,
        TAUGHT,
        [*TAUGHT, "student={init: teacher, layers: [0, 1], build: []}"],
        [*TAUGHT, "student={init: org/small, build: [{kind: layers, keep: [0]}, {kind: activation, to: relu}]}"],
        [*TAUGHT, "distill.objectives=[{kind: hidden-states}, {kind: r-drop}, {kind: dist, gamma: 0}]"],
        [*TAUGHT, "distill.objectives=[{kind: soft-targets}, {kind: adversarial}]"],
        [*TAUGHT, "data.unlabelled={source: more.txt}", "distill.baseline=true"],
        # A teacher that learned from the texts, which the student doesn't ask.
        ["student={init: org/small}", "distill.objectives=[{kind: hard-labels}]", "distill.privacy={epsilon: 1}"],
        [*PRIVATE, "distill.precision=bf16", "distill.gradient_accumulation=4", "distill.average=0.99"],
    ],
)
def test_what_looks_at_training_texts_in_no_other_way_is_taken(tmp_path: Path, overrides: list[str]) -> None:
    recipe = load_recipe(write(tmp_path), overrides)
    assert recipe.distill is not None and recipe.distill.privacy is not None
    assert "privacy:" in dump_recipe(recipe)


@pytest.mark.parametrize(
    ("overrides", "path", "words"),
    [
        ([*PRIVATE, "distill.privacy={epsilon: 8, noise_multiplier: 1}"], "distill.privacy", "both what may be spent"),
        ([*PRIVATE, "distill.privacy={delta: 1e-6}"], "distill.privacy", "says nothing of the noise"),
        ([*PRIVATE, "distill.phases=[{epochs: 1}, {epochs: 2}]"], "distill.privacy", "a budget of its own"),
        ([*PRIVATE, "distill.max_grad_norm=1.0"], "distill.max_grad_norm", "not that of a batch"),
        ([*PRIVATE, "distill.group_by_length=true"], "distill.group_by_length", "drawn by itself"),
        ([*PRIVATE, "data.balance={slice: 'short=^.{0,9}$'}"], "data.balance", "draws each by itself"),
        ([*PRIVATE, "distill.precision=fp16"], "distill.precision", "leaves out steps"),
        ([*TAUGHT, "distill.objectives=[{kind: similarity}]"], "distill.objectives.0", "similarity compares examples"),
        ([*TAUGHT, "distill.objectives=[{kind: dist}]"], "distill.objectives.0", "dist compares examples"),
        ([*TAUGHT, "distill.objectives=[{kind: mixup}]"], "distill.objectives.0", "mixup compares examples"),
        ([*TAUGHT, "teacher.finetune={epochs: 1}"], "teacher.finetune", "bound nothing of what they tell"),
        (
            [*TAUGHT, "teacher={ensemble: {members: [{model: a/b}, {model: c/d, finetune: {}}]}}"],
            "teacher.ensemble.members.1.finetune",
            "the teacher learns from the same texts",
        ),
        ([*TAUGHT, "teacher={run: quickstart}"], "teacher.run", "the other recipe's student learned"),
        (
            [*TAUGHT, "teacher={prompt: {model: a/b, templates: ['{text} is'], words: {bad: bad, good: good}}}"],
            "teacher.prompt.prior",
            "shifted by what it says of all others",
        ),
        (
            ["student={init: teacher}", "distill.objectives=[{kind: hard-labels}]", "distill.privacy={epsilon: 1}"],
            "student.init",
            "starts as a teacher that learned",
        ),
        ([*PRIVATE, "student={run: quickstart}"], "student.run", "starts as a student that learned"),
        (
            [*PRIVATE, "student={init: org/small, build: [{kind: layers, keep: [0]}, {kind: vocabulary}]}"],
            "student.build.1",
            "vocabulary goes by the training texts",
        ),
        ([*TAUGHT, "data.augment={copies: 2}"], "data.augment", "learned from several times"),
        ([*TAUGHT, "data.generate={model: a/b}"], "data.generate", "learned from several times"),
        (
            [*TAUGHT, "data.unlabelled={source: more.txt, select: {keep: 0.5}}"],
            "data.unlabelled.select",
            "chooses each text by all others",
        ),
        ([*PRIVATE, "quantize=[{method: dynamic}, {method: static}]"], "quantize.1", "static tries training texts"),
        ([*PRIVATE, "quantize=[{method: float16}]"], "quantize.0", "float16 tries training texts"),
        ([*PRIVATE, "cascade={run: quickstart}"], "cascade", "the other recipe's student"),
    ],
)
def test_what_tells_of_training_texts_past_the_noise_is_refused(
    tmp_path: Path, overrides: list[str], path: str, words: str
) -> None:
    problem = only(problems_of(write(tmp_path), overrides))
    assert problem.path == path and words in problem.message and problem.hint


def test_numbers_are_refused_whose_mean_is_read_from_the_labels(tmp_path: Path) -> None:
    numbers = ["task=regression", "data.columns={text: text, label: stars}", "quantize=[]"]
    found = problems_of(write(tmp_path), [*PRIVATE, *numbers])
    assert [one.path for one in found] == ["distill.privacy"] and "mean and spread" in found[0].message


def test_pairs_without_a_score_are_told_from_each_other_and_refused(tmp_path: Path) -> None:
    paired = ["task=sentence-embedding", "data.columns={text: a, text_pair: b}", "quantize=[]"]
    found = problems_of(write(tmp_path), [*PRIVATE, *paired, "distill.objectives=[{kind: contrastive}]"])
    assert [one.path for one in found] == ["distill.objectives.0"] and "contrastive compares" in found[0].message


def test_without_it_no_key_of_a_stage_changes(tmp_path: Path) -> None:
    distill = load_recipe(write(tmp_path), ALONE).distill
    assert distill is not None and "privacy" not in distill.model_dump(mode="json")
