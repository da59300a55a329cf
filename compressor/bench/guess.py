"""The same answer to every text, as something to compare with."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Guess"]


@dataclass(frozen=True)
class Guess:
    """What a model comes to on the same examples that gives each of them the same answer, the best one.

    A measurement has none where there is no such answer, or where an earlier version measured it.
    """

    answer: str
    """In words that fit behind "always giving": `'fresh'`, `no answer`."""
    metrics: dict[str, float]
    """Those of the task that can be said of it."""
