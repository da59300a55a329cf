"""Whether B is slower than A, for CI: the gate of `compressor compare`, with its times kept by pytest-benchmark.

The gate is decided by fresh processes. The times in the JSON are of one process, this one: B's blocks are what
pytest-benchmark times, and A's run before and after them, so that the ratio in `extra_info` is of neighbours in time.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from conftest import Pair
from pytest_benchmark.fixture import BenchmarkFixture

from compressor.compare.arm import Arm, ModelSpec, open_arm
from compressor.compare.inputs import write_inputs
from compressor.compare.latency import LatencyCase
from compressor.compare.trial import decide
from compressor.events import Silent

SHAPE = (1, 32)
ROUNDS = 40
CALLS = 20


@pytest.fixture
def specs(pair: Pair, tmp_path: Path) -> tuple[ModelSpec, ModelSpec]:
    """A and B with the same inputs."""
    inputs = tmp_path / "inputs.npz"
    if pair.texts:
        write_inputs(f"{SHAPE[0]}x{SHAPE[1]}", pair.texts, [], inputs)
    else:
        np.savez(inputs, **{"0": np.random.default_rng(0).integers(0, 500, SHAPE)})
    return ModelSpec(str(pair.a), str(inputs)), ModelSpec(str(pair.b), str(inputs))


def test_latency_is_no_worse(
    benchmark: BenchmarkFixture, pair: Pair, specs: tuple[ModelSpec, ModelSpec], tmp_path: Path
) -> None:
    """Fails on a confirmed loss beyond the tolerance, never on noise."""
    (row,) = decide([LatencyCase(f"{pair.name}, 1 x 32 tokens", *specs, tmp_path / "times")], seed=0, events=Silent())
    benchmark.group = "regression, 1 x 32 tokens"
    benchmark.extra_info |= {
        "verdict": row.verdict,
        "loss": row.loss and row.loss.value,
        "loss_low": row.loss and row.loss.low,
        "loss_high": row.loss and row.loss.high,
        "note": row.note,
        "calls_per_round": CALLS,
    }
    with closing(open_arm(specs[0])) as a, closing(open_arm(specs[1])) as b:
        benchmark.extra_info["paired_ratio"] = _paired(benchmark, a, b)

    assert row.verdict != "fail", f"{row.case}: slower by {row.loss}, measured twice"


def _paired(benchmark: BenchmarkFixture, a: Arm, b: Arm) -> float:
    """Median of B over A in neighbouring blocks; B's are the benchmark's own times."""
    before: list[float] = []
    after: list[float] = []
    mine: list[float] = []

    def setup() -> None:
        before.append(float(np.median(a.block(CALLS, 1)[1:])))

    def block() -> None:
        mine.append(float(np.median(b.block(CALLS, 1)[1:])))

    def teardown() -> None:
        after.append(float(np.median(a.block(CALLS, 1)[1:])))

    benchmark.pedantic(block, setup=setup, teardown=teardown, rounds=ROUNDS, warmup_rounds=3)
    ratios = np.asarray(mine) / np.sqrt(np.asarray(before) * np.asarray(after))
    return float(np.median(ratios))
