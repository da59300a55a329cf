"""Recipes for finished models, on tiny models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.shipped.support import Runs

pytestmark = pytest.mark.slow


def test_export_only(run: Runs, classifier_folder: Path) -> None:
    """No data: labels come from the model, inputs are made up, and nothing has an accuracy."""
    grid = {"kind": "grid", "batch": [1, 2], "sequence": [8], "min_seconds": 0.05, "min_calls": 10}
    report = run(
        "export-only",
        f"student.init={classifier_folder}",
        "export.max_length=16",
        f"benchmark.workloads=[{json.dumps(grid)}]",
        "benchmark.references=false",
        "gates={}",
    )
    assert report.labels == ("bad", "good")
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is None
    assert [(latency.batch, latency.sequence) for latency in fp32.latencies] == [(1, 8), (2, 8)]
    assert [stage.name for stage in report.stages][:2] == ["student", "export"]
