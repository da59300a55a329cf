"""An explanation of one answer, and whether it means anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data.words import Words
from compressor.errors import RecipeError, listed
from compressor.explain.methods import METHODS
from compressor.explain.methods.base import FloatArray, Gradients, Score, Stretch, only

__all__ = ["Explanation", "deletion", "explain"]

Order = npt.NDArray[np.integer[Any]]
"""Places of words, first to go first [words]."""
STEPS = 10
"""Steps in which all words are taken away."""
RANDOM_ORDERS = 10


@dataclass(frozen=True)
class Explanation:
    """How the score of a text is shared out among its words."""

    text: str
    words: tuple[str, ...]
    gaps: tuple[str, ...]
    """What stands before each word, and after the last."""
    weights: tuple[float, ...]
    """Of each word: above 0 where it speaks for what is scored."""
    score: float
    """Of the whole text."""
    without_words: float
    """Of the empty text."""
    method: str
    calls: int
    """Texts the model was asked, and points between the empty text and the text."""
    deletion: float | None
    """Mean score while the heaviest words are taken away first: the lower, the more they matter."""
    insertion: float | None
    """Mean score while the heaviest words are put into the empty text first: the higher, the more they matter."""
    random_orders: tuple[float, ...]
    """Mean score while words are taken away in random orders, which are as many texts as put in; none for one word."""

    @property
    def random(self) -> float | None:
        """What `deletion` and `insertion` are compared with: the mean over random orders."""
        return float(np.mean(self.random_orders)) if self.random_orders else None

    @property
    def pieces(self) -> tuple[tuple[str, float | None], ...]:
        """The text, piece by piece: words with their weights, and what stands between them with None."""
        pairs = zip(self.gaps, self.words, self.weights, strict=False)
        found = [piece for gap, word, weight in pairs for piece in ((gap, None), (word, weight))]
        return tuple(piece for piece in (*found, (self.gaps[-1], None)) if piece[0])

    @property
    def heaviest(self) -> list[int]:
        """Places of the words, those that speak most for the score first."""
        return [int(i) for i in np.argsort(-np.asarray(self.weights), kind="stable")]


def explain(
    text: str,
    score: Score,
    *,
    method: str = "occlusion",
    calls: int | None = None,
    seed: int = 13,
    gradients: Gradients | None = None,
) -> Explanation:
    """Explain the score of a text, and check the explanation by taking its words away and putting them in.

    Args:
        gradients: of the score, where it can be differentiated; the method `integrated-gradients` takes them.

    Raises:
        RecipeError: there is no such method, it can't explain this score, or the text has no words.
        MissingExtra: its library isn't installed.
    """
    if method not in METHODS.names:
        raise RecipeError(f"There is no method {method!r} to explain with.", hint=f"There is {listed(METHODS.names)}.")
    words = Words.of(text)
    if not len(words):
        raise RecipeError("The text has no words, so there is nothing to share the score among.")
    counted = _Counted(score)
    chosen = METHODS.get(method)
    whole, empty = counted([words.text, ""])
    points = _CountedPoints(gradients) if gradients is not None else None
    weights = chosen.weights(words, counted, calls=calls or chosen.calls, seed=seed, gradients=points)
    asked = counted.calls + (points.calls if points is not None else 0)
    order = np.argsort(-weights, kind="stable")
    # Putting in the heaviest first goes through the texts that taking away the lightest first leaves.
    orders = [order, order[::-1], *_random_orders(len(words), seed)]
    checked = [float(one) for one in deletion(words, counted, orders)] if len(words) > 1 else []
    return Explanation(
        text=text,
        words=words.words,
        gaps=words.gaps,
        weights=tuple(map(float, weights)),
        score=float(whole),
        without_words=float(empty),
        method=method,
        calls=asked,
        deletion=checked[0] if checked else None,
        insertion=checked[1] if checked else None,
        random_orders=tuple(checked[2:]),
    )


def deletion(words: Words, score: Score, orders: Sequence[Order]) -> FloatArray:
    """Mean score while words are taken away in each of these orders [orders].

    The curve of insertion is that of the reverse order: the same texts, from the empty one on.

    Source: Petsiuk, Das, Saenko 2018, section 3 (arXiv 1806.07421): the area under the curve of the score, in at most
    `STEPS` steps here; the score of the whole text is the same in all orders, and is left out.
    """
    counts = np.unique(np.ceil(np.linspace(0, len(words), STEPS + 1)[1:]).astype(int))
    texts = [only(words, {int(i) for i in order[count:]}) for order in orders for count in counts]
    found: FloatArray = np.asarray(score(texts)).reshape(len(orders), len(counts)).mean(axis=1)
    return found


def _random_orders(count: int, seed: int) -> list[Order]:
    generator = np.random.default_rng(seed)
    return [generator.permutation(count) for _ in range(RANDOM_ORDERS)]


class _Counted:
    """A score that knows how many texts it was asked, and asks none twice."""

    def __init__(self, score: Callable[[list[str]], FloatArray]) -> None:
        self._score = score
        self._known: dict[str, float] = {}

    @property
    def calls(self) -> int:
        return len(self._known)

    def __call__(self, texts: list[str]) -> FloatArray:
        if new := list(dict.fromkeys(text for text in texts if text not in self._known)):
            self._known |= dict(zip(new, map(float, self._score(new)), strict=True))
        return np.asarray([self._known[text] for text in texts], dtype=np.float64)


class _CountedPoints:
    """Gradients that know at how many points they were asked."""

    def __init__(self, gradients: Gradients) -> None:
        self._gradients = gradients
        self.calls = 0

    def tokens(self, text: str) -> tuple[FloatArray, list[Stretch]]:
        return self._gradients.tokens(text)

    def at(self, text: str, embeddings: FloatArray) -> tuple[FloatArray, FloatArray]:
        self.calls += len(embeddings)
        return self._gradients.at(text, embeddings)
