"""SmoothQuant: outliers move into the matrices, and the answers stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir
import pytest
from onnx import helper

from compressor.deploy.qdq import activations, constant_products
from compressor.deploy.smoothing import factors, smooth
from tests.deploy.test_qdq import answer, model, weights

RANDOM = np.random.default_rng(1)
X = (RANDOM.normal(size=(2, 3, 8)) * [1, 1, 40, 1, 0, 1, 1, 1]).astype(np.float32)
"""One channel is far larger than the others, and one is 0."""


def literal(channels: list[float], rows: list[float], strength: float) -> list[float]:
    return [c**strength / r ** (1 - strength) if c > 0 and r > 0 else 1.0 for c, r in zip(channels, rows, strict=True)]


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.75])
def test_a_factor_follows_from_the_largest_value_and_the_largest_weight(strength: float) -> None:
    channels, rows = [1.0, 40.0, 0.0, 3.0], [0.5, 0.25, 1.0, 0.0]
    found = factors(np.array(channels, np.float32), np.array(rows, np.float32), strength)
    assert found.tolist() == pytest.approx(literal(channels, rows, strength))
    assert found.dtype == np.float32


def smoothed(products: list[Any], **matrices: npt.NDArray[np.float32]) -> tuple[onnx_ir.Model, list[str]]:
    changed = model(products, 3, **matrices)
    found = constant_products(changed)
    smooth(changed, found, {"x": np.abs(X).max(axis=(0, 1))}, 0.5)
    return changed, activations(found)


def test_answers_stay_and_the_outlier_shrinks() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["x", "u"], ["b"]),
        helper.make_node("Sum", ["a", "b", "x"], ["logits"]),
    ]
    w, u = weights(8, 8), weights(8, 8)
    changed, names = smoothed(nodes, w=w, u=u)
    assert names == ["x_smoothed"]  # once, for both
    np.testing.assert_allclose(answer(changed, X), X @ w + X @ u + X, atol=1e-4)
    rows = np.maximum(np.abs(w).max(axis=1), np.abs(u).max(axis=1))
    expected = literal(np.abs(X).max(axis=(0, 1)).tolist(), rows.tolist(), 0.5)
    by = 1 / changed.graph.initializers["x_smoothing"].const_value.numpy()
    np.testing.assert_allclose(by, expected, rtol=1e-5)
    assert np.abs(X / by).max() < np.abs(X).max() / 3
