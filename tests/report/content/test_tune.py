from __future__ import annotations

from dataclasses import replace

import pytest

from compressor.errors import RecipeError
from compressor.report.render import html_page, markdown
from compressor.report.tune import GoalFigure, TuneReport, TuneTrial

QUALITY, LATENCY = GoalFigure("quality", True), GoalFigure("latency", False)


def trial(number: int, *values: float) -> TuneTrial:
    return TuneTrial(
        number, "finished", {"distill.learning_rate": 1.23456789e-4, "student.layers": [0, 1]}, values, 61.0
    )


def found(goals: tuple[GoalFigure, ...], *trials: TuneTrial) -> TuneReport:
    recipes = {"1": "trial-1.yaml"}
    created = "2026-11-25T08:30:00+00:00"
    return TuneReport("reviews", "text-classification", "accuracy", created, goals, trials, recipes)


BOTH = found(
    (QUALITY, LATENCY),
    trial(0, 0.80, 1.0),
    trial(1, 0.85, 2.0),
    trial(2, 0.84, 2.5),
    trial(3, 0.85, 2.0),
    TuneTrial(4, "pruned", {"distill.learning_rate": 1.0}),
    trial(5, 0.70, 0.5),
)


def test_no_other_trial_beats_those_on_the_front() -> None:
    """Trial 1 beats 2 in both; 3 is as good as 1 and came later; the best by the first goal comes first."""
    assert [one.number for one in BOTH.front] == [1, 0, 5]
    single = found((QUALITY,), trial(0, 0.80), trial(1, 0.85), trial(2, 0.85))
    assert [one.number for one in single.front] == [1]
    lowest = found((LATENCY,), trial(0, 3.0), trial(1, 2.0))
    assert [one.number for one in lowest.front] == [1]
    assert found((QUALITY,)).front == ()


def test_every_trial_has_a_row_and_the_best_stand_out() -> None:
    document = markdown(BOTH)
    assert (
        "| **1** | **85.0%** | **2.00** | **0.0001235** | **\\[0, 1\\]** | **1 min 01 s** | **finished** |" in document
    )
    assert "| 2 | 84.0% | 2.50 | 0.0001235 | \\[0, 1\\] | 1 min 01 s | finished |" in document
    assert "| 4 | n/a | n/a | 1 | n/a | n/a | pruned |" in document
    assert "6 trials, 5 of them finished, 1 pruned." in document
    assert "3 trials that none beats in every goal:" in document
    assert "- trial 1, accuracy 85.0%, median latency 2.00 ms, with distill.learning_rate=0.0001235" in document
    assert "(trial-1.yaml)." in document


def test_figures_of_the_validation_split_come_with_a_warning() -> None:
    warning = "Trials were judged by the validation split, and the best of many looks better there than it is"
    assert warning in markdown(BOTH)
    assert warning not in markdown(found((LATENCY,), trial(0, 3.0)))


def test_the_front_is_a_chart_and_one_goal_has_its_course() -> None:
    page = html_page(BOTH)
    assert "Pareto front" in page and "accuracy against median latency" in page
    assert page.count('class="disc variant"') == 2 * 3, "a wide and a narrow drawing"
    course = html_page(found((QUALITY,), trial(0, 0.80), trial(1, 0.85)))
    assert "best so far" in course and "Pareto front" not in course
    assert "<svg" not in html_page(found((QUALITY,), trial(0, 0.80)))


def test_it_is_read_back_as_it_was_and_a_newer_one_is_refused() -> None:
    assert TuneReport.from_json(BOTH.to_json()) == BOTH
    with pytest.raises(RecipeError, match="schema version 2"):
        TuneReport.from_json(replace(BOTH, schema_version=2).to_json())
