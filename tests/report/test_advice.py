"""Each piece of advice is given where it applies, and only there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compressor.bench.results import Difference, Interval, Measurement, VariantDifference
from compressor.report.advice import advice
from compressor.report.document import RunReport, StageRecord
from compressor.report.render import markdown
from tests.report import sample
from tests.report.test_verdict import at_chance, fifty_texts


def here() -> RunReport:
    """A run of which nothing was left out."""
    report = sample.report()
    return replace(report, measurements=tuple(found for found in report.measurements if not found.skipped))


def trained(**facts: Any) -> RunReport:
    stages = (replace(stage, facts=stage.facts | facts) if stage.name == "teach" else stage for stage in here().stages)
    return replace(here(), stages=tuple(stages))


def lost(points: float) -> RunReport:
    apart = Difference(-points / 100, Interval(-0.05, 0.0))
    return replace(here(), differences=(VariantDifference("int8", "fp32", "cpu-1", "accuracy", apart),))


def better_alone(low: float = 0.004, high: float = 0.03) -> RunReport:
    """The baseline is ahead of the student by so much."""
    apart = Difference((low + high) / 2, Interval(low, high))
    return replace(here(), differences=(VariantDifference("baseline", "student", "cpu-1", "accuracy", apart),))


def measured(*, hours_apart: float) -> RunReport:
    """The teacher first, the others so much later."""
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def at(found: Measurement) -> Measurement:
        time = first if found.role == "teacher" else first + timedelta(hours=hours_apart)
        return replace(found, environment={**found.environment, "time": time.isoformat()})

    return replace(here(), measurements=tuple(map(at, here().measurements)))


@pytest.mark.parametrize("time", ["yesterday", 12, None, "2026-01-01T12:00:00"])
def test_a_time_that_a_report_does_not_tell_is_passed_over(time: Any) -> None:
    first, *others = measured(hours_apart=0.5).measurements
    report = replace(here(), measurements=(replace(first, environment={"time": time}), *others))
    assert not [tip for tip in advice(report) if "yesterday" in tip]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (trained(warnings=["120 steps are few."]), "teach: 120 steps are few."),
        (better_alone(), "The student does better without the teacher"),
        (lost(2.1), "onnx int8 loses 2.1 points of accuracy against onnx fp32"),
        (at_chance(), "The teacher itself isn't shown to do better than always giving 'fresh'"),
        (fifty_texts(), "Label more test texts"),
        (measured(hours_apart=3), "cpu-1: teacher was measured 3 h 00 min before"),
        (sample.report(), "cuda: run compressor bench with the bundle on a machine that has it."),
    ],
)
def test_what_stands_out_is_followed_by_what_to_try(report: RunReport, words: str) -> None:
    assert [tip for tip in advice(report) if words in tip]
    assert "## What to try next" in markdown(report)


@pytest.mark.parametrize(
    "report",
    [here(), trained(warnings=[]), lost(0.9), sample.bare(), better_alone(-0.01, 0.03), measured(hours_apart=0.5)],
)
def test_where_nothing_stands_out_nothing_is_advised(report: RunReport) -> None:
    assert advice(report) == []


def test_a_teacher_that_its_stage_warned_of_is_not_told_of_twice() -> None:
    warned = StageRecord("label", "0" * 64, False, 1.0, {"warnings": ["The teacher isn't shown to do better."]})
    report = replace(at_chance(), stages=(*at_chance().stages, warned))
    assert [tip for tip in advice(report) if "The teacher" in tip] == ["label: The teacher isn't shown to do better."]
