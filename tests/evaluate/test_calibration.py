from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compressor.evaluate.calibration import EVALUATION, expected_calibration_error
from compressor.report.blocks import Prose, Table
from compressor.report.blocks.charts import LineChart
from tests.evaluate.splits import certain, many, split


def test_the_error_is_the_metric_of_the_report() -> None:
    judged = split(np.random.default_rng(1).normal(size=(5, 3)))
    metric = judged.task.values(judged.model.judged.statistics)["calibration_error"]
    assert EVALUATION.run(judged).figures["calibration_error"] == pytest.approx(metric)


def test_a_model_that_is_right_as_often_as_it_says_has_no_error() -> None:
    confidence, right = np.full(10, 0.7), np.asarray([1.0] * 7 + [0.0] * 3)
    assert expected_calibration_error(confidence, right) == pytest.approx(0.0)
    assert expected_calibration_error(confidence, np.ones(10)) == pytest.approx(0.3)


def test_both_models_are_drawn_and_every_point_is_in_the_table() -> None:
    found = EVALUATION.run(split(certain([0, 1, 1, 0, 1], by=1.0), certain([0, 1, 2, 0, 1])))
    chart = next(block for block in found.blocks if isinstance(block, LineChart))
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert [curve.name for curve in chart.curves] == ["onnx int8", "teacher"] and chart.diagonal
    ((x, y),) = chart.curves[0].points
    assert [row.cells for row in table.rows] == [("0.53 to 0.60", f"{100 * x:.1f}%", f"{100 * y:.1f}%", "5")]
    said = next(block.text for block in found.blocks if isinstance(block, Prose))
    assert "onnx int8 22.4 points" in said and "teacher" in said


def test_of_sets_of_labels_every_label_counts() -> None:
    targets = [[1.0, 0.0, 0.0]] * 5
    found = EVALUATION.run(many(np.zeros((5, 3)), targets=targets))
    assert found.figures["calibration_error"] == pytest.approx(0.5 - 1 / 3)


def test_without_right_answers_nothing_is_known() -> None:
    assert not EVALUATION.applies(replace(split(certain([0, 1, 1, 0, 1])), targets=[]))
