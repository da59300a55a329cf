"""What a real run tells of its own cost, and of how far its models lie apart."""

from __future__ import annotations

import pytest

from compressor.report.document import RunReport
from tests.tiny_run import TinyRun


@pytest.fixture
def report(tiny_run: TinyRun) -> RunReport:
    return RunReport.from_json(tiny_run.result.json)


def test_every_stage_has_its_seconds_and_its_peak_of_memory(report: RunReport) -> None:
    assert all(stage.seconds > 0 for stage in report.stages)
    peaks = {stage.name: stage.peak_mb for stage in report.stages}
    assert all(peak is not None and peak > 20 for peak in peaks.values()), peaks


def test_trainings_tell_how_fast_they_were(report: RunReport) -> None:
    facts = {stage.name: stage.facts for stage in report.stages}
    for name in ("teach", "distill", "baseline"):
        assert facts[name]["examples_per_second"] > 0
        assert facts[name]["epochs"] > 0
    assert facts["label"]["texts_per_second"] > 0


def test_models_are_compared_with_what_they_were_made_of(report: RunReport) -> None:
    found = {(difference.subject, difference.reference): difference for difference in report.differences}
    assert list(found) == [("baseline", "student"), ("student", "teacher"), ("fp32", "student"), ("int8", "fp32")]
    for (subject, reference), difference in found.items():
        mine, theirs = report.measurement(subject), report.measurement(reference)
        assert mine is not None and mine.accuracy is not None
        assert theirs is not None and theirs.accuracy is not None
        assert difference.difference.value == pytest.approx(mine.accuracy.value - theirs.accuracy.value)
        assert difference.metric == mine.accuracy.metric
        assert difference.difference.p_value is not None
