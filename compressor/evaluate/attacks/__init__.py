"""Search for a change of a text that a person reads over and the answer doesn't survive."""

from __future__ import annotations

from compressor.evaluate.attacks.letters import misspelt
from compressor.evaluate.attacks.search import Attempt, Candidates, Score, attack

__all__ = ["Attempt", "Candidates", "Score", "attack", "misspelt"]
