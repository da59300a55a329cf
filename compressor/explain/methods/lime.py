"""A linear model of the answers to the text with words left out, by the library `lime`."""

from __future__ import annotations

import numpy as np

from compressor.data.words import Words
from compressor.errors import MissingExtra
from compressor.explain.methods.base import FloatArray, Gradients, Method, Score, only

__all__ = ["METHOD", "Lime"]


class Lime(Method):
    """Ribeiro, Singh, Guestrin 2016 (arXiv 1602.04938), at the library's own settings, each word by its place."""

    def weights(
        self, words: Words, score: Score, *, calls: int, seed: int, gradients: Gradients | None = None
    ) -> FloatArray:
        try:
            from lime.lime_text import LimeTextExplainer
        except ImportError as error:
            raise MissingExtra("Explaining with LIME", "explain", error.name) from error
        # lime cuts the text by itself: it is given places for words, and asks for texts of those that stay.
        places = " ".join(map(str, range(len(words))))

        def probabilities(kept: list[str]) -> FloatArray:
            found = score([only(words, [int(place) for place in one.split()]) for one in kept])
            return np.stack([1 - found, found], axis=1)

        explainer = LimeTextExplainer(bow=False, split_expression=" ", mask_string="", random_state=seed)
        found = explainer.explain_instance(
            places, probabilities, labels=(1,), num_features=len(words), num_samples=max(2, calls)
        )
        weights = np.zeros(len(words))
        for place, weight in found.local_exp[1]:
            weights[place] = weight
        return weights


METHOD = Lime()
