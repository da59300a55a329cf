"""Shapley values of words, by the library `shap`."""

from __future__ import annotations

from typing import Any

import numpy as np

from compressor.data.words import Words
from compressor.errors import MissingExtra
from compressor.explain.methods.base import FloatArray, Method, Score

__all__ = ["METHOD", "Shap"]


class Shap(Method):
    """The partition explainer: Owen values over a tree of neighbouring words (Lundberg and Lee 2017, arXiv 1705.07874).

    They add up to the score of the text less that of the empty one.
    """

    def weights(self, words: Words, score: Score, *, calls: int, seed: int) -> FloatArray:
        try:
            import shap
        except ImportError as error:
            raise MissingExtra("Explaining with SHAP", "explain", error.name) from error
        text = words.text
        explainer = shap.explainers.Partition(
            lambda texts: score([str(one) for one in texts]),
            shap.maskers.Text(_Tokenizer(words), mask_token="", collapse_mask_token=False),
            seed=seed,
        )
        found = explainer([text], max_evals=max(calls, 2 * len(words) + 1), silent=True)
        return np.asarray(found.values[0], dtype=np.float64).ravel()[: len(words)]


class _Tokenizer:
    """Our words, told as shap asks tokenizers."""

    def __init__(self, words: Words) -> None:
        self._starts = []
        place = 0
        for gap, word in zip(words.gaps, words.words, strict=False):
            place += len(gap)
            self._starts.append((place, place + len(word)))
            place += len(word)

    def __call__(self, text: str, return_offsets_mapping: bool = True) -> dict[str, Any]:
        if not text:
            return {"input_ids": [], "offset_mapping": []}
        return {"input_ids": [text[a:b] for a, b in self._starts], "offset_mapping": self._starts}


METHOD = Shap()
