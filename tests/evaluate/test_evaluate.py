from __future__ import annotations

from compressor.evaluate import EVALUATIONS, evaluate
from tests.evaluate.splits import certain, many, split


def test_findings_come_in_the_order_of_the_report() -> None:
    found = evaluate(split(certain([0, 1, 1, 1, 1]), certain([0, 1, 2, 0, 1])))
    titles = ["Confusion matrix", "Per class", "Calibration", "Where teacher and onnx int8 disagree"]
    assert [finding.title for finding in found] == titles
    assert set(EVALUATIONS.names) == {"confusion", "per-class", "calibration", "disagreement"}


def test_what_does_not_apply_is_left_out() -> None:
    found = evaluate(many(certain([0, 1, 1, 1, 1]), targets=[[1.0, 0.0, 0.0]] * 5))
    assert [finding.title for finding in found] == ["Per class", "Calibration"]
