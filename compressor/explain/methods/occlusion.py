"""Leave out one word after another."""

from __future__ import annotations

from compressor.data.words import Words
from compressor.explain.methods.base import FloatArray, Gradients, Method, Score

__all__ = ["METHOD", "Occlusion"]


class Occlusion(Method):
    """A word's weight is how much the score falls without it (Li, Monroe, Jurafsky 2016, arXiv 1612.08220).

    It asks one text a word, whatever `calls` says, and draws nothing. Of two words that say the same, neither counts:
    the other is still there.
    """

    def weights(
        self, words: Words, score: Score, *, calls: int, seed: int, gradients: Gradients | None = None
    ) -> FloatArray:
        asked = score([words.text, *(words.without(i, i + 1).text for i in range(len(words)))])
        weights: FloatArray = asked[0] - asked[1:]
        return weights


METHOD = Occlusion()
