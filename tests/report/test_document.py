from __future__ import annotations

import json
from dataclasses import replace

import pytest

from compressor.bench.results import Difference, Interval
from compressor.errors import RecipeError
from compressor.report.document import SCHEMA_VERSION, RunReport, VariantDifference
from tests.report import sample


def test_a_report_survives_json() -> None:
    report = replace(
        sample.report(),
        stages=tuple(replace(stage, peak_mb=512.5) for stage in sample.report().stages),
        differences=(
            VariantDifference("int8", "teacher", "cpu-1", "accuracy", Difference(-0.02, Interval(-0.03, -0.01), 9, 30)),
        ),
    )
    assert RunReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_report_of_version_1_is_read() -> None:
    data = sample.report().to_json()
    del data["differences"]
    for stage in data["stages"]:
        del stage["peak_mb"]
    report = RunReport.from_json({**data, "schema_version": 1})
    assert report == sample.report()
    assert report.to_json()["schema_version"] == SCHEMA_VERSION


def test_a_report_of_version_2_is_read() -> None:
    data = sample.full().to_json()
    del data["findings"]
    for found in data["measurements"]:
        del found["role"]
    report = RunReport.from_json({**data, "schema_version": 2})
    assert report == sample.full()
    assert {found.subject: found.role for found in report.measurements}["teacher"] == "teacher"


def test_models_are_found_by_their_role_whatever_they_are_called() -> None:
    first, *others = sample.report().measurements
    report = replace(sample.report(), measurements=(replace(first, subject="mpnet", role="teacher"), *others))
    teacher = report.of_role("teacher")
    assert teacher is not None and teacher.subject == "mpnet"
    assert report.beside_reference[1] == teacher


def test_a_report_of_a_newer_version_is_refused_in_words() -> None:
    with pytest.raises(RecipeError, match=f"schema version {SCHEMA_VERSION + 1}.*\n.*newer compressor"):
        RunReport.from_json({**sample.report().to_json(), "schema_version": SCHEMA_VERSION + 1})
