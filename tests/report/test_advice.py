"""Each piece of advice is given where it applies, and only there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compressor.bench.results import Difference, Interval, VariantDifference
from compressor.report.advice import advice
from compressor.report.document import RunReport
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


def better_alone() -> RunReport:
    found = {one.subject: one for one in here().measurements}
    swapped = {"student": found["baseline"].accuracy, "baseline": found["student"].accuracy}
    return replace(
        here(),
        measurements=tuple(replace(one, accuracy=swapped.get(one.subject, one.accuracy)) for one in found.values()),
    )


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (trained(warnings=["120 steps are few."]), "teach: 120 steps are few."),
        (better_alone(), "The student does better without the teacher"),
        (lost(2.1), "onnx int8 loses 2.1 points of accuracy against onnx fp32"),
        (at_chance(), "The teacher itself isn't shown to do better than always saying 'fresh'"),
        (fifty_texts(), "Label more test texts"),
        (sample.report(), "cuda: run compressor bench with the bundle on a machine that has it."),
    ],
)
def test_what_stands_out_is_followed_by_what_to_try(report: RunReport, words: str) -> None:
    assert [tip for tip in advice(report) if words in tip]
    assert "## What to try next" in markdown(report)


@pytest.mark.parametrize("report", [here(), trained(warnings=[]), lost(0.9), sample.bare()])
def test_where_nothing_stands_out_nothing_is_advised(report: RunReport) -> None:
    assert advice(report) == []
