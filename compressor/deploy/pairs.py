"""Sums of two products in 16 bits, as x86 CPUs without VNNI compute them, in numpy.

Such a CPU multiplies unsigned 8-bit activations with signed 8-bit weights and adds the products of neighbours in 16
bits (`vpmaddubsw`): of inputs 0 and 1, of 2 and 3, and so on. A sum beyond 16 bits becomes the nearest number that they
hold. With VNNI, on ARM, and for unsigned weights sums have 32 bits. Source: onnxruntime's MLAS, the kernels
`QgemmU8X8KernelAvx2` and which of them `platform.cpp` chooses; Intel's documentation of `_mm256_maddubs_epi16`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["HIGH", "LOW", "even", "risky", "saturating"]

LOW, HIGH = -(2**15), 2**15 - 1
"""What 16 bits hold."""

Codes = npt.NDArray[np.integer[Any]]
"""Quantized values."""


def even(weights: Codes) -> npt.NDArray[np.int32]:
    """Weights [inputs, outputs] with a row of zeros more where the last has no neighbour."""
    return np.pad(weights, ((0, len(weights) % 2), (0, 0))).astype(np.int32)


def risky(weights: Codes, low: Codes | int = 0, high: Codes | int = 255) -> npt.NDArray[np.bool_]:
    """Which pairs of weights [pairs, outputs] have a sum beyond 16 bits for some activations between the bounds.

    Args:
        weights: -128 to 127 [inputs, outputs].
        low, high: of activations, 0 to 255: one for all or one for each input. Left out, any activations.
    """
    factors = even(weights)
    bounds = [np.broadcast_to(bound, len(weights)).astype(np.int32) for bound in (low, high)]
    ends = [factors * np.pad(bound, (0, len(factors) - len(weights)))[:, None] for bound in bounds]
    least, most = np.minimum(*ends), np.maximum(*ends)
    found: npt.NDArray[np.bool_] = (least[0::2] + least[1::2] < LOW) | (most[0::2] + most[1::2] > HIGH)
    return found


def saturating(activations: Codes, weights: Codes) -> npt.NDArray[np.bool_]:
    """Which outputs [rows, outputs] hold a pair whose sum leaves 16 bits.

    Only pairs that the range of their activations allows are computed, a few columns at a time: memory is that of the
    result.

    Args:
        activations: 0 to 255 [rows, inputs].
        weights: -128 to 127 [inputs, outputs].
    """
    found = np.zeros((len(activations), weights.shape[1]), dtype=bool)
    for columns, sums in _sums(activations, weights):
        found[:, columns] |= (sums < LOW) | (sums > HIGH)
    return found


def _sums(activations: Codes, weights: Codes) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]]:
    """For each pair of inputs the outputs that it may saturate, and its sums there [rows, these outputs]."""
    factors, beyond = even(weights), risky(weights, activations.min(axis=0), activations.max(axis=0))
    values = np.pad(activations, ((0, 0), (0, len(factors) - len(weights)))).astype(np.int32)
    for pair in np.flatnonzero(beyond.any(axis=1)).tolist():
        columns = np.flatnonzero(beyond[pair])
        first, second = (values[:, row, None] * factors[row, columns] for row in (2 * pair, 2 * pair + 1))
        yield columns, first + second
