from __future__ import annotations

from dataclasses import replace

from compressor.evaluate import EVALUATIONS, Audit, evaluate, unchecked
from tests.evaluate.splits import asking, certain, many, split


def test_findings_come_in_the_order_of_the_report() -> None:
    found = evaluate(split(certain([0, 1, 1, 1, 1]), certain([0, 1, 2, 0, 1])))
    titles = ["Confusion matrix", "Per class", "Calibration", "Where teacher and onnx int8 disagree"]
    assert [finding.title for finding in found] == titles
    of_runs = {name for name, evaluation in EVALUATIONS.all().items() if not isinstance(evaluation, Audit)}
    assert of_runs == {"confusion", "per-class", "calibration", "disagreement"}


def test_the_report_of_a_run_has_no_audit_and_an_audit_says_what_it_could_not_check() -> None:
    judged = asking(lambda text: (0.0, 1.0), texts=["a film"] * 60, targets=[1] * 60)
    assert "Robustness" not in [finding.title for finding in evaluate(replace(judged, inquiry=None))]
    done = [finding.title for finding in evaluate(judged)]
    lacking = dict(unchecked(judged))
    assert "Robustness" in done and "--training" in lacking["Leakage: who was in the training texts"]
    assert not set(done) & set(lacking)


def test_what_does_not_apply_is_left_out() -> None:
    found = evaluate(many(certain([0, 1, 1, 1, 1]), targets=[[1.0, 0.0, 0.0]] * 5))
    assert [finding.title for finding in found] == ["Per class", "Calibration"]
