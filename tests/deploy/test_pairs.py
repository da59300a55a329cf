"""Sums of two products in 16 bits, against a literal loop over every pair of every output."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from compressor.deploy.pairs import risky, saturating

Codes = npt.NDArray[np.int64]


def literally(activations: Codes, weights: Codes) -> list[list[bool]]:
    found = []
    for row in activations.tolist():
        outputs = []
        for column in weights.T.tolist():
            products = [a * w for a, w in zip(row, column, strict=True)] + [0] * (len(row) % 2)
            sums = [products[k] + products[k + 1] for k in range(0, len(products), 2)]
            outputs.append(any(not -32768 <= one <= 32767 for one in sums))
        found.append(outputs)
    return found


@given(st.data(), st.integers(1, 4), st.integers(1, 7), st.integers(1, 4))
def test_saturating_outputs_are_those_a_loop_finds(data: st.DataObject, rows: int, inputs: int, outputs: int) -> None:
    # Large numbers are as likely as all others: small ones never saturate.
    activation = st.integers(0, 255) | st.integers(240, 255)
    weight = st.integers(-128, 127) | st.integers(120, 127) | st.integers(-128, -120)
    activations = data.draw(hnp.arrays(np.uint8, (rows, inputs), elements=activation))
    weights = data.draw(hnp.arrays(np.int8, (inputs, outputs), elements=weight))
    found = saturating(activations, weights)
    assert found.tolist() == literally(activations.astype(np.int64), weights.astype(np.int64))


@pytest.mark.parametrize(
    ("activations", "weights", "cut"),
    [
        ((255, 255), (64, 64), False),  # 32640
        ((255, 255), (65, 64), True),  # 32895
        ((255, 255), (-64, -64), False),
        ((255, 255), (-65, -64), True),
        ((255, 0), (127, 127), False),
        ((255, 255), (127, -128), False),
        ((0, 255, 255, 0), (0, 127, 127, 0), False),  # neighbours, but of two pairs
        ((0, 0, 255, 255), (0, 0, 127, 127), True),
        ((255, 255, 255), (64, 64, 127), False),  # the last has no neighbour
        ((129, 129), (127, 127), False),  # 32766
        ((129, 130), (127, 127), True),  # 32893
    ],
)
def test_a_sum_is_of_neighbours_and_16_bits_wide(
    activations: tuple[int, ...], weights: tuple[int, ...], cut: bool
) -> None:
    row, column = np.array([activations], dtype=np.uint8), np.array([weights], dtype=np.int8).T
    assert saturating(row, column).tolist() == [[cut]]


def test_7_bits_can_never_saturate_and_8_bits_can() -> None:
    seven, eight = (np.full((4, 3), largest, dtype=np.int8) for largest in (64, 127))
    assert not risky(seven).any() and not risky(-seven).any()
    assert risky(eight).all() and risky(eight).shape == (2, 3)
    assert not risky(eight, 0, 100).any(), "not even 8 bits where activations are small"


def test_what_cannot_saturate_by_its_weights_never_does() -> None:
    generator = np.random.default_rng(0)
    weights = generator.integers(-127, 128, (64, 20)).astype(np.int8)
    activations = generator.integers(0, 256, (200, 64)).astype(np.uint8)
    found = saturating(activations, weights)
    assert found.any() and not found.all()
    assert not found[:, ~risky(weights).any(axis=0)].any()
