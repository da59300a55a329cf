from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compressor.evaluate import Inquiry
from compressor.evaluate.certainty import EVALUATION, area_under_risk, conformal_sets, risk_at_coverage
from compressor.report.blocks import Table
from tests.evaluate.splits import asking


def test_the_risk_is_the_share_of_wrong_answers_among_the_surest() -> None:
    confidence = np.asarray([0.9, 0.6, 0.8, 0.7])
    right = np.asarray([True, False, True, False])
    assert risk_at_coverage(confidence, right).tolist() == [0, 0, 1 / 3, 1 / 2]
    assert area_under_risk(confidence, right) == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


def test_of_equally_sure_answers_the_order_does_not_matter() -> None:
    confidence = np.full(4, 0.5)
    one = risk_at_coverage(confidence, np.asarray([True, True, False, False]))
    assert one.tolist() == risk_at_coverage(confidence, np.asarray([False, False, True, True])).tolist() == [0.5] * 4


def test_a_set_holds_the_labels_up_to_the_quantile_of_the_calibration() -> None:
    scores = np.asarray([[p, 1 - p] for p in np.linspace(0.5, 0.95, 10)])
    asked = np.asarray([[0.99, 0.01], [0.5, 0.5], [0.55, 0.45]])
    # ceil(11 * 0.9) = 10: the largest misfit, 0.5.
    assert conformal_sets(scores, np.zeros(10, dtype=np.int64), asked).tolist() == [
        [True, False],
        [True, True],
        [True, False],
    ]
    few = conformal_sets(scores[:3], np.zeros(3, dtype=np.int64), asked)
    assert few.all(), "so few texts promise nothing: every label belongs"


def test_sets_hold_what_they_promise_over_many_splits() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(1000, 2))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = [int(random.random() < row[1]) for row in probabilities]
    judged = asking(lambda text: logits[int(text)], texts=[str(i) for i in range(1000)], targets=targets)
    found = EVALUATION.run(judged)
    assert 0.88 <= found.figures["conformal_coverage"] <= 0.92
    assert 1 < found.figures["conformal_size"] < 2
    table = next(block for block in found.blocks if isinstance(block, Table))
    wrong = [float(str(row.cells[1]).rstrip("%")) for row in table.rows]
    assert wrong == sorted(wrong, reverse=True), "the surer, the fewer are wrong"


def test_it_says_what_is_missing() -> None:
    judged = asking(lambda text: (0.0, 1.0), texts=["a"] * 30, targets=[1] * 30)
    assert "100 texts" in (EVALUATION.missing(judged, Inquiry()) or "")
    assert "one label" in (EVALUATION.missing(replace(judged, labels=()), Inquiry()) or "")
