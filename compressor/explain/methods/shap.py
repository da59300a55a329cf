"""Shapley values of words, by the library `shap`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data.words import Words
from compressor.errors import MissingExtra
from compressor.explain.methods.base import FloatArray, Gradients, Method, Score, only

__all__ = ["METHOD", "Shap"]


class Shap(Method):
    """The partition explainer: Owen values over a tree of neighbouring words (Lundberg and Lee 2017, arXiv 1705.07874).

    They add up to the score of the text less that of the empty one.
    """

    def weights(
        self, words: Words, score: Score, *, calls: int, seed: int, gradients: Gradients | None = None
    ) -> FloatArray:
        try:
            import shap
        except ImportError as error:
            raise MissingExtra("Explaining with SHAP", "explain", error.name) from error
        if len(words) == 1:
            whole, empty = score([words.text, only(words, ())])
            return np.asarray([whole - empty])
        explainer = shap.explainers.Partition(
            lambda texts: score([str(one) for one in texts]), _Masker(words), seed=seed
        )
        found = explainer(
            np.asarray([words.words], dtype=object), max_evals=max(calls, 2 * len(words) + 2), silent=True
        )
        return np.asarray(found.values[0], dtype=np.float64).ravel()


class _Masker:
    """Leaves out words where shap asks for a masked text; neighbours stand together in the tree."""

    def __init__(self, words: Words) -> None:
        from scipy.cluster.hierarchy import linkage

        self._words = words
        tree = linkage(np.arange(len(words), dtype=np.float64)[:, None], method="average")
        tree[:, 2] /= tree[:, 2].max()
        self.clustering = tree

    def shape(self, *_: Any) -> tuple[int, int]:
        return 1, len(self._words)

    def mask_shapes(self, *_: Any) -> list[tuple[int]]:
        return [(len(self._words),)]

    def __call__(self, mask: npt.NDArray[np.bool_], *_: Any) -> tuple[npt.NDArray[Any]]:
        return (np.asarray([only(self._words, np.flatnonzero(mask).tolist())]),)


METHOD = Shap()
