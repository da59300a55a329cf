from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.deploy.unsure import Certain, choose_threshold
from compressor.recipe.bundle import UnsureSection

ANSWERS = st.lists(
    st.tuples(st.sampled_from([0.2, 0.35, 0.5, 0.5000000001, 0.8, 0.95, 1.0]) | st.floats(0.1, 1.0), st.booleans()),
    min_size=1,
    max_size=40,
)
BOUNDS = st.sampled_from([0.0, 0.05, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0]) | st.floats(0, 1)


def certain(answers: list[tuple[float, bool]]) -> Certain:
    confidence, right = zip(*answers, strict=True)
    return Certain(np.asarray(confidence), np.asarray(right, dtype=bool))


def left(found: Certain, threshold: float) -> tuple[int, float]:
    """How many answers are left, and which share of them is wrong."""
    mask = found.confidence >= threshold
    return int(mask.sum()), float((~found.right)[mask].mean()) if mask.any() else float("nan")


@given(ANSWERS, BOUNDS, st.sampled_from(["<=", "<"]))
def test_most_texts_are_answered_of_all_thresholds_that_keep_wrong(
    answers: list[tuple[float, bool]], bound: float, comparison: str
) -> None:
    found = certain(answers)
    threshold = choose_threshold(found, UnsureSection(wrong=f"{comparison} {bound!r}"))
    tried = [left(found, one) for one in (0.0, *found.confidence)]
    holds = operator.le if comparison == "<=" else operator.lt
    kept = [n for n, wrong in tried if n and holds(round(wrong, 9), bound)]
    assert (threshold is None) == (not kept)
    if threshold is not None:
        assert left(found, threshold)[0] == max(kept) and 0 <= threshold <= 1


@given(ANSWERS, BOUNDS)
def test_the_fewest_texts_are_answered_of_all_thresholds_that_keep_answered(
    answers: list[tuple[float, bool]], bound: float
) -> None:
    found = certain(answers)
    threshold = choose_threshold(found, UnsureSection(answered=f">= {bound!r}"))
    kept = [n for n, _ in (left(found, one) for one in (0.0, *found.confidence)) if n / len(answers) >= bound - 1e-9]
    assert threshold is not None and left(found, threshold)[0] == min(kept)


def test_it_lies_between_two_texts_so_that_rounding_turns_none_over() -> None:
    found = certain([(0.9, True), (0.8, True), (0.6, False), (0.5, True)])
    assert choose_threshold(found, UnsureSection(wrong="<= 0.1")) == pytest.approx(0.7)
    assert choose_threshold(found, UnsureSection(answered=">= 0.25")) == pytest.approx(0.85)
    assert choose_threshold(found, UnsureSection(wrong="<= 0.25")) == 0.0


def test_without_texts_no_promise_is_kept() -> None:
    nothing = Certain(np.empty(0), np.empty(0, dtype=bool))
    assert choose_threshold(nothing, UnsureSection(wrong="<= 0.5")) is None
