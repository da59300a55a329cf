from __future__ import annotations

from dataclasses import replace
from typing import Any

from compressor.report.document import StageRecord
from compressor.report.render import html_page, markdown
from tests.report import sample


def drawn(*stages: tuple[str, dict[str, Any]]) -> str:
    records = (StageRecord(name, "k" * 64, False, 1.0, facts) for name, facts in stages)
    report = replace(sample.report(), stages=(*sample.report().stages, *records))
    assert html_page(report)
    return markdown(report)


def test_each_source_of_texts_says_what_it_brought_and_why_texts_were_left_out() -> None:
    dropped = {"duplicate": 1200, "in_evaluation": 3, "too_long": 0}
    shown = drawn(
        ("unlabelled", {"made": 54_948, "kept": 53_745, "dropped": dropped, "words": {"mean": 21.34, "max": 40}}),
        ("label/unlabelled", {"texts_per_second": 62.3}),
        ("select/unlabelled", {"of": 53_745, "kept": 20_000}),
        ("augment", {"made": 30_600, "kept": 30_600, "dropped": {}, "words": {"mean": 18.0, "max": 60}}),
    )
    assert "## Texts that only the teacher labelled" in shown
    assert "| unlabelled | 54,948 | 53,745 | 20,000 | 21.3 | 62.3 | 1,200 duplicate, 3 in evaluation |" in shown
    assert "| augment | 30,600 | 30,600 |  | 18.0 |  |  |" in shown


def test_a_model_that_writes_says_what_its_fine_tuning_brought() -> None:
    shown = drawn(
        ("writer/generate", {"texts": 9812, "epochs": 2.0, "validation_loss_before": 4.21, "validation_loss": 3.1}),
        ("generate", {"made": 20_000, "kept": 19_000, "dropped": {}, "words": {"mean": 18.0, "max": 60}}),
    )
    assert "9,812 texts, 2.00 epochs" in shown
    assert "4.21 before, 3.10 after" in shown


def test_a_run_without_such_texts_has_no_section_about_them() -> None:
    shown = drawn(("label", {"validation": {"accuracy": 0.9}}))
    assert "only the teacher labelled" not in shown and "## The teacher" not in shown


def test_members_of_an_ensemble_have_their_share_and_their_own_score() -> None:
    shown = drawn(
        ("label/1", {"validation": {"accuracy": 0.89}}),
        ("label/2", {"validation": {"accuracy": 0.86}}),
        ("label", {"weights": [0.7, 0.3], "validation": {"accuracy": 0.895}}),
    )
    assert "| member 1 | 70.0% | 0.890 |" in shown and "| member 2 | 30.0% | 0.860 |" in shown


def test_annotators_agreement_is_said() -> None:
    shown = drawn(("label", {"annotated_twice": 1500, "agreement": 0.81, "kappa": 0.62}))
    assert "1,500" in shown and "81.0%" in shown and "0.620" in shown


def test_each_template_of_a_prompt_has_its_own_score() -> None:
    templates = ["Review: {text}\nIt is", "{text} So it is"]
    alone = [{"test": {"accuracy": 0.79}}, {"test": {"accuracy": 0.56}}]
    shown = drawn(("label", {"templates": templates, "alone": alone}))
    assert "| Review: {text} / It is | 0.790 |" in shown and "| {text} So it is | 0.560 |" in shown
