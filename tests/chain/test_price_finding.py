from __future__ import annotations

from dataclasses import replace

import pytest

from compressor.chain.price_finding import price_finding, price_per_million
from compressor.recipe.benchmark import BenchmarkSection
from compressor.report.blocks import Table
from tests.report import sample

PRICE = 0.08


def test_a_million_answers_cost_the_time_they_take() -> None:
    # 100 texts a second: 10,000 seconds, 2.78 hours.
    assert price_per_million(100, PRICE) == pytest.approx(PRICE * 10_000 / 3600)
    assert price_per_million(None, PRICE) is None
    assert price_per_million(0, PRICE) is None


def test_every_model_has_a_price_by_its_throughput_and_by_its_latency() -> None:
    found = price_finding(sample.report().measurements, PRICE, "int8")
    assert found is not None
    (shown,) = [block for block in found.blocks if isinstance(block, Table)]
    assert [row.cells[0] for row in shown.rows] == ["teacher", "baseline", "student", "onnx fp32", "onnx int8"]
    assert [row.strong for row in shown.rows] == [False] * 4 + [True]
    int8 = sample.report().measurement("int8")
    assert int8 is not None and int8.throughput is not None and int8.latencies[0].end_to_end is not None
    assert found.figures["price_per_million"] == pytest.approx(PRICE / 3600 * 1e6 / int8.throughput.samples_per_second)
    alone = PRICE / 3600 * 1e6 * int8.latencies[0].end_to_end.mean_ms / 1000
    assert found.figures["price_per_million_alone"] == pytest.approx(alone)


def test_what_was_not_measured_has_no_price() -> None:
    bare = [replace(one, throughput=None, latencies=()) for one in sample.report().measurements]
    assert price_finding(bare, PRICE, "int8") is None
    no_batches = [replace(one, throughput=None) for one in sample.report().measurements]
    found = price_finding(no_batches, PRICE, "int8")
    assert found is not None and found.figures.keys() == {"price_per_million_alone"}


def test_a_price_leaves_the_keys_of_stages_of_recipes_without_one() -> None:
    assert "price_per_hour" not in BenchmarkSection().model_dump()
