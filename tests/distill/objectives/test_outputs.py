"""Objectives on outputs that aren't one of the same classes for every text, against a literal rewrite in numpy: yes or
no, numbers, vectors, scores of pairs, and the tokens of a text; with rows without a label and classes that a row lacks.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from compressor.distill.signals import LOGITS, SECOND_PASS, Signals
from compressor.tasks.base import ABSENT, IGNORED
from tests.distill.objectives.values import WIDE, batch, objective, signals

RANDOM = np.random.default_rng(11)
STUDENT = RANDOM.normal(size=(6, 4)) * 2
TEACHER = RANDOM.normal(size=(6, 4)) * 3
KNOWN = [0, 1, 3, 4]
"""Rows that have a label; the others are of texts that only a teacher labels."""
COUNTS = [5, 2, 4, 1, 3, 5]
"""Tokens of each text that may be the answer, 5 at most."""
PLACES = np.array([3, 1, IGNORED, 0, 2, IGNORED])
"""Number of the token that is it."""


def without_some(labels: np.ndarray) -> np.ndarray:
    """Labels [rows, values] of the known rows alone."""
    found = np.full(labels.shape, np.nan)
    found[KNOWN] = labels[KNOWN]
    return found


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(sum(x * y for x, y in zip(a, b, strict=True))) / math.sqrt(sum(a * a)) / math.sqrt(sum(b * b))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("source", ["data", "teacher"])
def test_hard_labels_of_yes_or_no_are_the_binary_cross_entropy(source: str, smoothing: float) -> None:
    answers = (RANDOM.random((6, 4)) < 0.4).astype(float)
    labels = answers if source == "data" else (TEACHER > 0).astype(float)
    rows = KNOWN if source == "data" else range(6)
    losses = []
    for row in rows:
        for z, label in zip(STUDENT[row], labels[row], strict=True):
            target, yes = (1 - smoothing) * label + smoothing / 2, 1 / (1 + math.exp(-z))
            losses.append(-target * math.log(yes) - (1 - target) * math.log(1 - yes))
    made = objective("hard-labels", labels=source, label_smoothing=smoothing)
    found = made(signals(STUDENT, "bernoulli"), signals(TEACHER, "bernoulli"), batch(without_some(answers)))
    assert found.item() == pytest.approx(np.mean(losses))


@pytest.mark.parametrize("source", ["data", "teacher"])
@pytest.mark.parametrize("width", [1, 4])
def test_hard_labels_of_numbers_are_the_squared_error(width: int, source: str) -> None:
    student, teacher, answers = STUDENT[:, :width], TEACHER[:, :width], RANDOM.normal(size=(6, width)) * 100
    labels, rows = (answers, KNOWN) if source == "data" else (teacher, range(6))
    losses = [(student[row, i] - labels[row, i]) ** 2 for row in rows for i in range(width)]
    made = objective("hard-labels", labels=source)
    found = made(signals(student, "value"), signals(teacher, "value"), batch(without_some(answers)))
    assert found.item() == pytest.approx(np.mean(losses))


def test_hard_labels_of_pairs_are_the_squared_error_of_their_cosines() -> None:
    """The score of a pair stands at its first text. The last two texts are of no pair."""
    scores = np.array([0.7, np.nan, -0.2, np.nan, np.nan, np.nan])
    losses = [(cosine(STUDENT[i], STUDENT[i + 1]) - scores[i]) ** 2 for i in (0, 2)]
    student = signals(STUDENT, "vector")
    found = objective("hard-labels")(student, {}, batch(scores))
    assert found.item() == pytest.approx(np.mean(losses))
    found.backward()
    assert not student[LOGITS].grad[4:].any() and student[LOGITS].grad[:4].any(dim=1).all()


def test_hard_labels_of_vectors_are_what_their_cosines_lack() -> None:
    """Of a task whose data gives the vectors."""
    losses = [1 - cosine(a, b) for a, b in zip(STUDENT, TEACHER, strict=True)]
    found = objective("hard-labels")(signals(STUDENT, "vector"), {}, batch(TEACHER))
    assert found.item() == pytest.approx(np.mean(losses))


@pytest.mark.parametrize("likelihood", ["categorical", "bernoulli", "vector"])
def test_similarity_compares_the_cosines_of_all_texts_of_a_batch(likelihood: str) -> None:
    """Of logits as of vectors, the teacher's of any width."""
    wide = np.concatenate([TEACHER, RANDOM.normal(size=(6, 3))], axis=1)
    squares = [(cosine(STUDENT[i], STUDENT[j]) - cosine(wide[i], wide[j])) ** 2 for i in range(6) for j in range(6)]
    found = objective("similarity")(signals(STUDENT, likelihood), signals(wide, likelihood), batch())
    assert found.item() == pytest.approx(np.mean(squares))


def of_tokens(seed: int) -> tuple[list[np.ndarray], Signals]:
    """The logits of each text's tokens, and as an objective sees them: filled up with tokens that a text lacks."""
    rows = [np.random.default_rng(seed + row).normal(size=count) * 3 for row, count in enumerate(COUNTS)]
    padded = np.full((6, 5), float(ABSENT))
    for row, values in enumerate(rows):
        padded[row, : len(values)] = values
    return rows, signals(padded)


def shares(logits: np.ndarray, temperature: float = 1.0) -> list[float]:
    weights = [math.exp(z / temperature) for z in logits]
    return [weight / sum(weights) for weight in weights]


def gap(teacher: list[float], student: list[float]) -> float:
    return sum(t * math.log(t / s) for t, s in zip(teacher, student, strict=True))


@pytest.mark.parametrize("temperature", [1.0, 8.0])
def test_soft_targets_compare_the_tokens_that_each_text_has(temperature: float) -> None:
    (ours, student), (theirs, teacher) = of_tokens(100), of_tokens(200)
    pairs = zip(ours, theirs, strict=True)
    expected = temperature**2 * np.mean([gap(shares(t, temperature), shares(s, temperature)) for s, t in pairs])
    found = objective("soft-targets", student=WIDE, temperature=temperature)(student, teacher, batch())
    assert found.item() == pytest.approx(expected)
    found.backward()
    lacking = student[LOGITS].detach() == ABSENT
    assert not student[LOGITS].grad[lacking].any() and student[LOGITS].grad[~lacking].any()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("source", ["data", "teacher"])
def test_hard_labels_are_smoothed_over_the_tokens_that_each_text_has(source: str, smoothing: float) -> None:
    (ours, student), (theirs, teacher) = of_tokens(100), of_tokens(200)
    places = PLACES.tolist() if source == "data" else [int(np.argmax(row)) for row in theirs]
    losses = []
    for logits, place in zip(ours, places, strict=True):
        if place == IGNORED:
            continue
        found = [smoothing / len(logits) + (1 - smoothing if i == place else 0) for i in range(len(logits))]
        losses.append(-sum(target * math.log(p) for target, p in zip(found, shares(logits), strict=True)))
    made = objective("hard-labels", labels=source, label_smoothing=smoothing)
    assert made(student, teacher, batch(PLACES)).item() == pytest.approx(np.mean(losses))


def test_r_drop_compares_the_tokens_that_each_text_has() -> None:
    (first, student), (second, again) = of_tokens(100), of_tokens(300)
    both = [(shares(a), shares(b)) for a, b in zip(first, second, strict=True)]
    expected = np.mean([(gap(a, b) + gap(b, a)) / 2 for a, b in both])
    found = objective("r-drop")({**student, SECOND_PASS: again[LOGITS]}, {}, batch())
    assert found.item() == pytest.approx(expected)


def test_decoupled_targets_compare_the_tokens_that_each_text_has() -> None:
    """A text with one token has no others to compare."""
    (ours, student), (theirs, teacher) = of_tokens(100), of_tokens(200)
    total = 0.0
    for logits, goal in zip(ours, theirs, strict=True):
        target, mine, their = int(np.argmax(goal)), shares(logits / 2), shares(goal / 2)
        others = [i for i in range(len(goal)) if i != target]
        if not others:
            continue
        total += gap([their[target], 1 - their[target]], [mine[target], 1 - mine[target]]) * 0.7
        rest = [[values[i] / sum(values[j] for j in others) for i in others] for values in (their, mine)]
        total += gap(*rest) * 3.0
    made = objective("dkd", temperature=2.0, alpha=0.7, beta=3.0)
    assert made(student, teacher, batch()).item() == pytest.approx(4 * total / 6)
