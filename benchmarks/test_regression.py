"""Whether B is slower than A, for CI: the fixture `compressor_compare`, its times kept by pytest-benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from compressor.compare.arm import ModelSpec
from compressor.pytest_plugin import CompareModels

from .conftest import NO_BUNDLE, NOTHING_TO_COMPARE

SHAPE = (1, 32)
GROUP = "regression, 1 x 32 tokens"


def test_the_tiny_model_is_no_slower_than_itself(
    benchmark: BenchmarkFixture, compressor_compare: CompareModels, tiny_model: Path, tmp_path: Path
) -> None:
    benchmark.group = GROUP
    inputs = tmp_path / "inputs.npz"
    np.savez(inputs, allow_pickle=False, **{"0": np.random.default_rng(0).integers(0, 500, SHAPE)})
    model = ModelSpec(str(tiny_model), str(inputs))
    compressor_compare(model, model)


@pytest.mark.compressor_compare(shapes=["1x32"])
def test_the_bundle_is_no_worse_than_the_one_before(
    benchmark: BenchmarkFixture, compressor_compare: CompareModels, request: pytest.FixtureRequest
) -> None:
    """Of --bundle beside --against, each by its default variant."""
    bundle, against = (request.config.getoption(name) for name in ("bundle", "against"))
    if bundle is None or against is None:
        pytest.skip(NO_BUNDLE if bundle is None else NOTHING_TO_COMPARE)
    benchmark.group = GROUP
    compressor_compare(bundle, against)
