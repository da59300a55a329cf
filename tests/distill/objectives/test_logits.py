"""Objectives on logits against a literal rewrite in numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from compressor.distill.signals import LOGITS, SECOND_PASS
from compressor.recipe.distill import OBJECTIVES
from compressor.task_specs import task_spec
from compressor.tasks.base import ABSENT, IGNORED
from tests.distill.objectives.values import WIDE, batch, divergence, objective, signals, softmax

RANDOM = np.random.default_rng(3)
STUDENT = RANDOM.normal(size=(5, 4))
TEACHER = RANDOM.normal(size=(5, 4)) * 3
LABELS = np.array([0, 2, 1, 3, 0])


def decoupled(
    student: np.ndarray, teacher: np.ndarray, labels: np.ndarray, t: float, alpha: float, beta: float
) -> float:
    total = 0.0
    for ours, theirs, label in zip(student, teacher, labels, strict=True):
        p_s, p_t = softmax(ours / t), softmax(theirs / t)
        others = [index for index in range(len(ours)) if index != label]
        target = divergence(np.array([p_t[label], 1 - p_t[label]]), np.array([p_s[label], 1 - p_s[label]]))
        rest = divergence(p_t[others] / p_t[others].sum(), p_s[others] / p_s[others].sum())
        total += alpha * target + beta * rest
    return t**2 * total / len(student)


@pytest.mark.parametrize("source", ["data", "teacher"])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_dkd_parts_the_target_class_from_the_others(source: str, temperature: float) -> None:
    labels = LABELS if source == "data" else TEACHER.argmax(axis=1)
    found = objective("dkd", labels=source, temperature=temperature, alpha=0.7, beta=3.0)(
        signals(STUDENT), signals(TEACHER), batch(LABELS)
    )
    assert found.item() == pytest.approx(decoupled(STUDENT, TEACHER, labels, temperature, 0.7, 3.0))


def literal_divergence(likelihood: str, temperature: float) -> float:
    """What soft targets are for outputs that aren't one of several classes."""
    total = 0.0
    for ours, theirs in zip(STUDENT, TEACHER, strict=True):
        if likelihood == "bernoulli":
            for z_s, z_t in zip(ours, theirs, strict=True):
                p_s, p_t = (1 / (1 + np.exp(-z / temperature)) for z in (z_s, z_t))
                total += divergence(np.array([p_t, 1 - p_t]), np.array([p_s, 1 - p_s])) * temperature**2 / len(ours)
        elif likelihood == "value":
            total += float(((ours - theirs) ** 2).mean())
        else:
            total += 1 - ours @ theirs / np.sqrt(ours @ ours) / np.sqrt(theirs @ theirs)
    return total / len(STUDENT)


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("likelihood", ["bernoulli", "value", "vector"])
def test_soft_targets_of_other_outputs_than_classes(likelihood: str, temperature: float) -> None:
    """Yes or no is softened and multiplied by T^2; of numbers and directions the temperature has no part."""
    made = objective("soft-targets", student=WIDE, temperature=temperature)
    found = made(signals(STUDENT, likelihood), signals(TEACHER, likelihood), batch())
    assert found.item() == pytest.approx(literal_divergence(likelihood, temperature))


def test_dkd_with_the_teachers_weights_is_soft_targets() -> None:
    """`KL = KL(b) + (1 - p_t) KL(others)` (equation 5 of the paper): here for a single row."""
    student, teacher = STUDENT[:1], TEACHER[:1]
    share = 1 - softmax(teacher / 2)[0].max()
    soft = objective("soft-targets", temperature=2.0)(signals(student), signals(teacher), batch())
    apart = objective("dkd", temperature=2.0, beta=float(share))(signals(student), signals(teacher), batch())
    assert apart.item() == pytest.approx(soft.item())


def test_dkd_leaves_out_rows_without_a_label_and_classes_that_a_row_lacks() -> None:
    labels = LABELS.copy()
    labels[[1, 3]] = IGNORED
    rows = labels != IGNORED
    made = objective("dkd", labels="data")
    found = made(signals(STUDENT), signals(TEACHER), batch(labels))
    alone = made(signals(STUDENT[rows]), signals(TEACHER[rows]), batch(labels[rows]))
    assert found.item() == pytest.approx(alone.item())
    nothing = made(signals(STUDENT), signals(TEACHER), batch(np.full(5, IGNORED)))
    assert nothing.item() == 0
    student, teacher = STUDENT.copy(), TEACHER.copy()
    student[:, 3] = teacher[:, 3] = ABSENT
    short = objective("dkd")(signals(student), signals(teacher), batch())
    assert short.item() == pytest.approx(
        objective("dkd")(signals(STUDENT[:, :3]), signals(TEACHER[:, :3]), batch()).item()
    )


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_dist_is_what_correlations_lack_over_classes_and_over_texts() -> None:
    ours, theirs = softmax(STUDENT / 2), softmax(TEACHER / 2)
    rows = np.mean([1 - correlation(a, b) for a, b in zip(ours, theirs, strict=True)])
    columns = np.mean([1 - correlation(a, b) for a, b in zip(ours.T, theirs.T, strict=True)])
    found = objective("dist", temperature=2.0, beta=0.5, gamma=2.0)(signals(STUDENT), signals(TEACHER), batch())
    assert found.item() == pytest.approx(4 * (0.5 * rows + 2.0 * columns))


def test_dist_of_one_text_has_no_correlation_over_texts() -> None:
    found = objective("dist", beta=0.0)(signals(STUDENT[:1]), signals(TEACHER[:1]), batch())
    assert found.item() == 0


def test_standardized_soft_targets_compare_rows_of_mean_0_and_deviation_1() -> None:
    total = 0.0
    for ours, theirs in zip(STUDENT, TEACHER, strict=True):
        z_s, z_t = ((z - z.mean()) / z.std(ddof=1) for z in (ours, theirs))
        total += divergence(softmax(z_t / 2), softmax(z_s / 2))
    made = objective("soft-targets", standardize=True, temperature=2.0)
    assert made(signals(STUDENT), signals(TEACHER), batch()).item() == pytest.approx(4 * total / 5, rel=1e-5)
    shifted = made(signals(STUDENT * 7 + 3), signals(TEACHER), batch()).item()
    assert shifted == pytest.approx(4 * total / 5, rel=1e-5)


def both_ways(first: np.ndarray, second: np.ndarray) -> float:
    """Mean over rows of distributions."""
    pairs = zip(first, second, strict=True)
    return float(np.mean([divergence(a, b) + divergence(b, a) for a, b in pairs]))


def yes_or_no(logits: np.ndarray) -> np.ndarray:
    shares = 1 / (1 + np.exp(-logits.ravel()))
    return np.stack([shares, 1 - shares], axis=1)


def cosine_gap(a: np.ndarray, b: np.ndarray) -> float:
    return 1 - float(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b))


SECOND = STUDENT + RANDOM.normal(size=STUDENT.shape)


@pytest.mark.parametrize(
    ("likelihood", "expected"),
    [
        ("categorical", both_ways(softmax(STUDENT), softmax(SECOND)) / 2),
        ("bernoulli", both_ways(yes_or_no(STUDENT), yes_or_no(SECOND)) / 2),
        ("value", np.mean((STUDENT - SECOND) ** 2)),
        ("vector", np.mean([cosine_gap(a, b) for a, b in zip(STUDENT, SECOND, strict=True)])),
    ],
)
def test_r_drop_is_the_divergence_of_two_passes_in_both_directions(likelihood: str, expected: float) -> None:
    student = {**signals(STUDENT, likelihood), SECOND_PASS: torch.tensor(SECOND)}
    assert objective("r-drop")(student, {}, batch()).item() == pytest.approx(expected)


def test_a_temperature_may_change_while_the_student_is_trained() -> None:
    made = objective("soft-targets", temperature={"start": 4.0, "end": 1.0})
    for progress, temperature in ((0.0, 4.0), (0.5, 2.5), (1.0, 1.0)):
        found = made(signals(STUDENT, progress=progress), signals(TEACHER), batch()).item()
        fixed = objective("soft-targets", temperature=temperature)
        assert found == pytest.approx(fixed(signals(STUDENT), signals(TEACHER), batch()).item())


@pytest.mark.parametrize("kind", ["soft-targets", "dkd", "dist"])
def test_a_student_that_is_trained_on_it_comes_nearer(kind: str) -> None:
    made, student = objective(kind), signals(STUDENT)
    optimizer = torch.optim.SGD([student[LOGITS]], lr=0.3)
    losses = []
    for _ in range(60):
        loss = made(student, signals(TEACHER), batch())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def problems(kind: str, task: str, classes: int | None, **options: Any) -> list[str]:
    config = OBJECTIVES.get(kind).model_validate({"kind": kind, **options})
    return [problem.message for problem in config.unfit(task_spec(task), classes)]


@pytest.mark.parametrize(
    ("kind", "task", "classes", "options"),
    [
        ("dist", "text-classification", 2, {}),
        ("dist", "question-answering", None, {}),
        ("dist", "regression", 1, {}),
        ("dkd", "multi-label-classification", 3, {}),
        ("dkd", "sentence-embedding", None, {}),
        ("dkd", "text-classification", 2, {"alpha": 0}),
        ("soft-targets", "text-classification", 2, {"standardize": True}),
        ("mixup", "token-classification", 5, {}),
        ("mixup", "question-answering", None, {}),
        ("mixup", "sentence-embedding", None, {}),
        ("soft-targets", "question-answering", None, {"standardize": True}),
        ("similarity", "regression", 3, {}),
        ("similarity", "token-classification", 5, {}),
        ("similarity", "question-answering", None, {}),
        ("similarity", "multi-label-classification", 1, {}),
        ("hard-labels", "regression", 1, {"label_smoothing": 0.1}),
        ("hard-labels", "sentence-embedding", None, {"labels": "teacher"}),
    ],
)
def test_what_has_nothing_to_compare_is_refused_with_the_reason(
    kind: str, task: str, classes: int | None, options: dict[str, Any]
) -> None:
    assert problems(kind, task, classes, **options)


@pytest.mark.parametrize(
    ("kind", "task", "classes", "options"),
    [
        ("dist", "text-classification", 2, {"beta": 0}),
        ("dist", "token-classification", 5, {}),
        ("dkd", "text-classification", 2, {}),
        ("dkd", "question-answering", None, {}),
        ("r-drop", "regression", 1, {}),
        ("mixup", "text-classification", 2, {}),
        ("mixup", "multi-label-classification", 3, {}),
        ("mixup", "regression", 1, {}),
        ("adversarial", "question-answering", None, {}),
        ("adversarial", "sentence-embedding", None, {}),
        ("adversarial", "token-classification", 5, {"target": "labels"}),
        ("soft-targets", "text-classification", 3, {"standardize": True}),
        ("similarity", "sentence-embedding", None, {}),
        ("similarity", "text-classification", 2, {}),
        ("similarity", "multi-label-classification", 3, {}),
        ("hard-labels", "multi-label-classification", 3, {"label_smoothing": 0.1, "labels": "teacher"}),
        ("hard-labels", "regression", 1, {"labels": "teacher"}),
    ],
)
def test_what_fits_is_not_refused(kind: str, task: str, classes: int | None, options: dict[str, Any]) -> None:
    assert not problems(kind, task, classes, **options)
