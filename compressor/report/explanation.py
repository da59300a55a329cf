"""The document an explanation leaves behind: plain data, which the page is drawn from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ExplainedText"]


@dataclass(frozen=True)
class ExplainedText:
    """Which words one answer rests on."""

    model: str
    answer: str
    what: str
    """What the weights share out: `probability of 'good'`."""
    pieces: tuple[tuple[str, float | None], ...]
    """The text, piece by piece: words with their weights, and what stands between them with None."""
    score: float
    """Of the whole text."""
    without_words: float
    """Of the empty text."""
    method: str
    calls: int
    """Texts the model was asked."""
    seed: int
    seconds: float
    deletion: float | None
    """Mean score while the heaviest words are taken away first; None for a single word."""
    insertion: float | None
    """Mean score while the heaviest words are put into the empty text first."""
    random: float | None
    """Mean score while words are taken away, or put in, in random orders."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)
