"""The gradients of the score by the words, added up on the way from no words to the text."""

from __future__ import annotations

import numpy as np

from compressor.data.words import Words
from compressor.errors import RecipeError
from compressor.explain.methods.base import FloatArray, Gradients, Method, Score, Stretch

__all__ = ["METHOD", "IntegratedGradients"]


NEAR = 0.05
"""How far off the sum may be, as a share of the score: the paper's 5%."""


class IntegratedGradients(Method):
    """Sundararajan, Taly, Yan 2017 (arXiv 1703.01365), for models in PyTorch.

    The way leads straight from embeddings of zero, as they propose for texts, to the embeddings of the words; special
    tokens and punctuation stay as they are. The weights add up to the score of the text less that of its start.
    """

    calls = 50

    def weights(
        self, words: Words, score: Score, *, calls: int, seed: int, gradients: Gradients | None = None
    ) -> FloatArray:
        if gradients is None:
            raise RecipeError(
                "Integrated gradients take a model in PyTorch: an ONNX file computes no gradients.",
                hint="Give the model's folder with config.json and *.safetensors, or choose the method occlusion.",
            )
        embeddings, stretches = gradients.tokens(words.text)
        places = _places(words, stretches)
        distance = np.where(places[:, None] >= 0, embeddings, 0.0)
        start = embeddings - distance
        # Gauss-Legendre: the mean of a smooth function between 0 and 1 from few of its values.
        points, shares = np.polynomial.legendre.leggauss(calls)
        _, slopes = gradients.at(words.text, start + (points[:, None, None] + 1) / 2 * distance)
        of_tokens = (distance * np.tensordot(shares / 2, slopes, axes=1)).sum(axis=-1)
        ends, _ = gradients.at(words.text, np.stack([start, embeddings]))
        _check(of_tokens.sum(), ends, float(score([words.text])[0]), calls)
        found = np.zeros(len(words))
        np.add.at(found, places[places >= 0], of_tokens[places >= 0])
        return found


def _check(total: float, ends: FloatArray, score: float, calls: int) -> None:
    """That it is the score which is differentiated, and that the weights add up to the way between its ends."""
    near = NEAR * max(np.abs(ends))
    if abs(ends[1] - score) > near:
        raise RecipeError(
            f"The model's output is {ends[1]:.4g} where its answer says {score:.4g}: something lies between them that "
            "has no gradients.",
            hint="Choose the method occlusion.",
        )
    if abs(total - (ends[1] - ends[0])) > near:
        raise RecipeError(
            f"The gradients at {calls} points add up to {total:.4g} instead of {ends[1] - ends[0]:.4g}.",
            hint=f"Give more points: --calls {4 * calls}.",
        )


def _places(words: Words, stretches: list[Stretch]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The word that each token is of, or -1 [tokens]: some tokenizers count the space before a word as its token's."""
    lengths = [len(piece) for pair in zip(words.gaps, words.words, strict=False) for piece in pair]
    edges = np.cumsum(lengths)  # where each gap ends, each word, each gap, ...
    begins, ends = edges[::2], edges[1::2]
    found = []
    for first, last in stretches:
        shared = np.minimum(ends, last) - np.maximum(begins, first)
        found.append(int(shared.argmax()) if shared.max() > 0 else -1)
    return np.asarray(found, dtype=np.int64)


METHOD = IntegratedGradients()
