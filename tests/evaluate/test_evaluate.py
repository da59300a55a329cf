from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from compressor.evaluate import EVALUATIONS, Audit, Inquiry, Texts, evaluate, unchecked
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


def test_further_models_are_shown_and_change_no_figure_of_the_audited_one() -> None:
    def reads(word: str, sure: float) -> Callable[[str], tuple[float, float]]:
        return lambda text: (0.0, sure if word in text else -sure)

    texts = [f"the film is {word} in{' scene' * (i % 2)} {i}" for i in range(50) for word in ("good", "dull")]
    targets, synonyms = [1, 0] * 50, {"good": ("fine",)}
    inquiry = Inquiry(outside=Texts([{"text": "a soup"}]), synonyms=synonyms, attack=3, attack_queries=10, texts=3)
    pair = asking(reads("good", 2.0), reads("good", 3.0), texts=texts, targets=targets, inquiry=inquiry)
    third = replace(asking(reads("dull", 1.0), texts=texts, targets=targets).model, name="student")
    alone, beside = evaluate(pair), evaluate(replace(pair, others=(third,)))
    shown = {finding.title for finding in beside if "student" in str(finding.blocks)}
    assert shown >= {
        "Attack",
        "Calibration",
        "Certainty",
        "Groups of texts",
        "Negation",
        "Reasons",
        "Robustness",
        "Synonyms",
        "Texts of another domain",
    }
    assert [one.figures for one in alone] == [one.figures for one in beside]
