"""How long texts are, in tokens as a tokenizer of about 30 thousand pieces would cut them, and where to cut them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Lengths", "choose_length", "estimated_tokens", "lengths_of"]

_PIECE = re.compile(r"[぀-ヿ㐀-鿿가-힣]|\w+|[^\w\s]")
_LETTERS_A_TOKEN = 7
"""A word of more letters is counted as several tokens."""
_STEPS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)
_USUAL_LIMIT = 512
"""Tokens that most encoders have positions for."""


@dataclass(frozen=True)
class Lengths:
    """Of the texts that were looked at, in estimated tokens."""

    mean: float
    p95: int
    longest: int
    tokens: Sequence[int]

    def cut_share(self, length: int) -> float:
        """The share of texts longer than this."""
        return sum(tokens > length for tokens in self.tokens) / len(self.tokens)

    def mean_up_to(self, length: int) -> float:
        """The mean length of texts that are cut there."""
        return sum(min(tokens, length) for tokens in self.tokens) / len(self.tokens)


def estimated_tokens(text: str) -> int:
    """A guess from words alone: one for each word, more for long ones, one for each sign."""
    return sum((len(piece) - 1) // _LETTERS_A_TOKEN + 1 for piece in _PIECE.findall(text))


def lengths_of(rows: Iterable[Sequence[Any]]) -> Lengths:
    """Lengths of rows, each the texts that a model reads at once; lists are tokens. Special tokens count."""
    tokens = [1 + sum(1 + estimated_tokens(_joined(text)) for text in texts) for texts in rows] or [1]
    ordered = sorted(tokens)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return Lengths(sum(tokens) / len(tokens), p95, ordered[-1], tokens)


def choose_length(lengths: Lengths, limit: int | None) -> int:
    """The smallest usual length that 95% of the texts fit in, with room to spare, since tokens are estimated."""
    most = min(limit or _USUAL_LIMIT, _USUAL_LIMIT)
    wanted = min(1.15 * lengths.p95, 1.15 * lengths.longest)
    return next((step for step in _STEPS if wanted <= step <= most), most)


def _joined(text: Any) -> str:
    return " ".join(map(str, text)) if isinstance(text, list) else str(text or "")
