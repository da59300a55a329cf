"""What the report says of a cascade's thresholds. None of these figures was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from compressor.bench.results import Measurement
from compressor.chain.cascade_finding import cascade_finding
from compressor.recipe.cascade import CascadeSection
from compressor.report.blocks import Finding, Table
from compressor.report.blocks.charts import LineChart
from tests.report.sample import measurement

SECTION = CascadeSection(run="first.yaml", variant="int8", agreement=0.98)


def at(share: float, accuracy: float | None) -> dict[str, Any]:
    return {"share": share, "agreement": 1 - share / 50, "accuracy": accuracy, "n": 400}


def facts(*, labelled: bool = True) -> dict[str, Any]:
    """First alone, two promises, second alone."""
    shares = {None: 1.0, 0.95: 0.7, 0.98: 0.5, 1.1: 0.0}
    curve = [
        {
            "agreement": promise if promise in (0.95, 0.98) else None,
            "threshold": {None: 0.0, 0.95: 0.8, 0.98: 0.9, 1.1: 1.1}[promise],
            "splits": {
                "validation": at(share + 0.0, 0.85 - 0.05 * share if labelled else None),
                "test": at(share, 0.83 - 0.05 * share if labelled else None),
            },
        }
        for promise, share in shares.items()
    ]
    return {"threshold": 0.9, "splits": curve[2]["splits"], "curve": curve}


def with_mean(subject: str, mean: float) -> Measurement:
    found = measurement(subject, "onnxruntime", 0.8, mean, 9.0, 5.0)
    latency = found.latencies[0]
    return replace(found, latencies=(replace(latency, model=replace(latency.model, mean_ms=mean)),))


def cells(finding: Finding) -> dict[str, list[str]]:
    """Name of a row -> its cells, without that of the threshold."""
    (shown,) = (block for block in finding.blocks if isinstance(block, Table))
    return {str(row.cells[0]): [str(cell) for cell in row.cells[2:]] for row in shown.rows}


def test_times_between_and_beyond_the_two_that_were_measured() -> None:
    """Half of the texts are passed on: 1.1 ms are 0.1 and half of 2 ms."""
    measured = {"cascade": with_mean("cascade", 1.1), "int8": with_mean("int8", 2.0)}
    found = cascade_finding(SECTION, facts(), measured, with_mean("teacher", 110.0))
    rows = cells(found)
    assert list(rows) == ["first alone", "95.0%", "98.0% (chosen)", "second alone"]
    assert [row[:2] for row in rows.values()] == [
        ["0.100", "1100x"],
        ["0.700", "157x"],
        ["1.10", "100x"],
        ["2.00", "55.0x"],
    ]
    assert rows["98.0% (chosen)"][2:] == ["82.5%", "80.5%", "50.0%", "50.0%", "99.0%", "99.0%"]
    (chart,) = (block for block in found.blocks if isinstance(block, LineChart))
    test = next(curve for curve in chart.curves if curve.name == "test")
    np.testing.assert_allclose(test.points, [(0.1, 78.0), (0.7, 79.5), (1.1, 80.5)])
    assert next(curve for curve in chart.curves if curve.name == "second alone").points == ((2.0, 83.0),)


@pytest.mark.parametrize("measured", [{}, {"int8": 2.0}, {"cascade": 0.9, "int8": 2.0}])
def test_without_times_that_fit_together_there_are_none(measured: dict[str, float]) -> None:
    """Half of the second student's time is more than all of the cascade's: then it was busy for one of them."""
    found = cascade_finding(SECTION, facts(), {name: with_mean(name, mean) for name, mean in measured.items()}, None)
    assert all(len(row) == 6 for row in cells(found).values())
    assert not any(isinstance(block, LineChart) for block in found.blocks)


def test_without_labels_there_is_no_accuracy_and_no_chart() -> None:
    measured = {"cascade": with_mean("cascade", 1.1), "int8": with_mean("int8", 2.0)}
    found = cascade_finding(SECTION, facts(labelled=False), measured, None)
    assert cells(found)["98.0% (chosen)"] == ["1.10", "50.0%", "50.0%", "99.0%", "99.0%"]
    assert not any(isinstance(block, LineChart) for block in found.blocks)
