"""What a reader is told first: that something failed, that nothing was learned, that there is too little data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compressor.bench.results import Accuracy, Difference, Guess, Interval, Measurement, VariantDifference
from compressor.report.document import RunReport
from compressor.report.render import html_page, markdown
from compressor.report.verdict import baseline_sentence, closing_sentence, guess, verdict
from tests.report import sample
from tests.report.printers.parsed import Page


def with_counts(report: RunReport, counts: Any, rows: int = 1280) -> RunReport:
    """The report with what the prepare stage says of the test split."""
    prepare, *others = report.stages
    facts = {"splits": {"test": {"rows": rows, "labels": counts}}}
    return replace(report, stages=(replace(prepare, facts=facts), *others))


def with_quality(report: RunReport, **changed: Any) -> RunReport:
    """The report with another quality of every model."""
    return replace(
        report,
        measurements=tuple(
            replace(found, accuracy=replace(found.accuracy, **changed)) if found.accuracy else found
            for found in report.measurements
        ),
    )


def at_chance() -> RunReport:
    """A student that answers no better than always saying the same."""
    chance = Accuracy("accuracy", 0.519, Interval(0.49, 0.547), 1280, {"accuracy": 0.519})
    report = with_quality(sample.report(), value=0.519, interval=chance.interval, metrics=chance.metrics)
    return with_counts(report, {"rotten": 613, "fresh": 667})


def test_a_model_at_chance_is_told_before_its_speed() -> None:
    said = closing_sentence(at_chance())
    assert said.startswith(
        "onnx int8 is not shown to answer better than always giving 'fresh', whose accuracy is 52.1% on the 1280 test "
        "texts: its own is 51.9% (49.0-54.7)."
    )
    assert said.index("not shown") < said.index("10.2 times faster")
    assert "may ship" not in said
    assert verdict(at_chance()) == ("all 2 gates hold, no better than a guess", "bad")
    assert "no better than a guess" in Page(html_page(at_chance())).text


def test_what_always_saying_the_same_comes_to_is_a_row_of_the_first_table() -> None:
    report = with_counts(sample.report(), {"rotten": 613, "fresh": 667})
    assert "| always 'fresh' | 52.1% |  |" in markdown(report)
    assert verdict(report) == ("all 2 gates hold", "good")
    assert markdown(sample.full()).count("always '") == 0


@pytest.mark.parametrize("counts", [None, {}, {"B": 900, "I": 800}, "labels", ["rotten"]])
def test_without_one_label_a_text_nobody_knows_what_a_guess_comes_to(counts: Any) -> None:
    assert guess(with_counts(sample.report(), counts)) is None
    assert guess(sample.bare()) is None


def test_measurements_know_what_a_guess_comes_to_by_any_metric() -> None:
    base = Guess("no answer", {"f1": 0.5, "exact_match": 0.5})
    report = replace(sample.report(), task="question-answering", labels=())
    shown = with_quality(
        report, metric="f1", metrics={"f1": 0.52}, value=0.52, interval=Interval(0.49, 0.55), guess=base
    )
    assert closing_sentence(shown).startswith(
        "onnx int8 is not shown to answer better than always giving no answer, whose F1 is 50.0% on the 1280 test texts"
    )
    assert "| always no answer | 50.0% |" in markdown(shown)
    sure = with_quality(shown, interval=Interval(0.51, 0.53))
    assert "not shown" not in closing_sentence(sure)


def test_a_guess_by_an_error_is_beaten_from_above(regression: RunReport) -> None:
    base = Guess("the mean, 0.3", {"mse": 0.27, "spearman": 0.0})
    assert "is not shown to answer better than always giving the mean, 0.3" in closing_sentence(
        with_quality(regression, guess=base)
    )
    worse = Guess("the mean, 0.3", {"mse": 0.9, "spearman": 0.0})
    assert "not shown" not in closing_sentence(with_quality(regression, guess=worse))


@pytest.mark.parametrize(("low", "high", "told"), [(-0.03, 0.06, True), (0.01, 0.02, False), (-0.04, -0.01, False)])
def test_what_the_teacher_added_within_chance_is_said_to_be_open(low: float, high: float, told: bool) -> None:
    apart = VariantDifference("baseline", "student", "cpu-1", "accuracy", Difference(0.0, Interval(-high, -low)))
    said = baseline_sentence(replace(sample.report(), differences=(apart,))) or ""
    assert ("can't tell whether that is more than chance" in said) == told
    if told:
        assert "(95% interval -3.0 to +6.0)" in said


def fifty_texts() -> RunReport:
    unseen = 0.088
    return with_quality(
        sample.report(), n=50, value=0.84, difference=Difference(0.0, Interval(-unseen, unseen), p_value=1.0)
    )


def test_fifty_texts_are_too_few_to_ship_by() -> None:
    said = closing_sentence(fifty_texts())
    assert (
        "100.0% of the teacher's accuracy (84.0% of 84.0% on 50 texts; 0.0 points, 95% interval -8.8 to +8.8)" in said
    )
    assert said.endswith(
        "Gates: 2 of 2 hold, but 50 test texts are too few: its accuracy may be 8.8 points below the teacher's."
    )
    assert verdict(fifty_texts()) == ("all 2 gates hold, too few test texts", "open")


def test_without_a_teacher_too_few_texts_show_in_the_interval_of_the_metric() -> None:
    alone = tuple(found for found in sample.report().measurements if found.subject == "int8")
    few = with_quality(replace(sample.report(), measurements=alone, gates=()), n=50, interval=Interval(0.7, 0.9))
    assert closing_sentence(few).startswith("onnx int8 has accuracy 82.3% (70.0-90.0) on 50 texts and weighs 17.6 MB.")
    assert closing_sentence(few).endswith(
        "The recipe sets no gates, but 50 test texts are too few: its accuracy may be 12.3 points lower."
    )


@pytest.fixture
def regression(monkeypatch: pytest.MonkeyPatch) -> RunReport:
    """A run of a task whose metrics are numbers, of which one is better where it is lower."""
    from compressor import task_specs

    spec = replace(
        task_specs.task_spec(task_specs.DEFAULT_TASK),
        name="made-up",
        title="Made up",
        metrics=(
            task_specs.MetricSpec("mse", "mean squared error", unit="number", higher_is_better=False),
            task_specs.MetricSpec("spearman", "Spearman correlation", unit="number"),
        ),
        pipeline_tag="made-up",
    )
    monkeypatch.setitem(task_specs.TASK_SPECS._loaded, "made-up", spec)
    monkeypatch.setitem(task_specs.TASK_SPECS._files, "made-up", "nowhere")
    errors = {"teacher": 0.21, "baseline": 0.31, "student": 0.25, "fp32": 0.25, "int8": 0.262}

    def measured(found: Measurement) -> Measurement:
        error = errors[found.subject]
        apart = Difference(error - 0.21, Interval(error - 0.23, error - 0.19))
        metrics = {"mse": error, "spearman": 0.83}
        return replace(
            found, accuracy=Accuracy("mse", error, Interval(error - 0.02, error + 0.02), 500, metrics, None, apart)
        )

    report = replace(sample.report(), task="made-up", labels=())
    return replace(report, measurements=tuple(measured(found) for found in report.measurements if not found.skipped))


def test_a_metric_that_is_a_number_is_nowhere_a_percentage(regression: RunReport) -> None:
    document = markdown(regression)
    assert "onnx int8 has mean squared error 0.262, the teacher 0.210 (on 500 texts; +0.052, 95% interval" in document
    assert "| mean squared error<br>95% interval |" in document
    assert "| **onnx int8** | **0.262 (0.242-0.282)** | **0.830** |" in document
    assert "Learning from the teacher changed the mean squared error by -0.060: the student has 0.250" in document
    assert "difference<br>mean squared error" in document
    assert "accuracy" not in document.replace("accuracy kept", "")
    page = Page(html_page(regression))
    assert "Down and to the left is better" in page.text
    assert "mean squared error, %" not in page.text
    assert "0.262" in page.text


def test_a_lower_error_is_an_improvement(regression: RunReport) -> None:
    from compressor.report.advice import advice

    assert not [tip for tip in advice(regression) if "without the teacher" in tip]
    assert baseline_sentence(regression) is not None
