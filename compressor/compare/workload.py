"""What the self-test of the comparison times where it is given no model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["products"]

TOKENS, WIDTH, LAYERS = 32, 128, 4


def products() -> Callable[[], object]:
    """A factory: products of small matrices, which take about as long as a tiny model."""
    generator = np.random.default_rng(0)
    weights = generator.normal(0, 1 / WIDTH**0.5, (LAYERS, WIDTH, WIDTH)).astype(np.float32)
    text = generator.normal(size=(TOKENS, WIDTH)).astype(np.float32)

    def call() -> object:
        hidden = text
        for weight in weights:
            hidden = np.tanh(hidden @ weight)
        return hidden

    return call
