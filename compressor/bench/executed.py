"""What a measurement found of the graph that an engine executes: how much work it is, and where the time goes."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Graph", "Profile"]


@dataclass(frozen=True)
class Profile:
    """Where the time goes: what each kind of operator takes of the time of all operators, fused ones as such."""

    runs: int
    """Of the same input, after one that isn't counted."""
    shares: dict[str, float]
    """Operator -> its part, 0 to 1, the largest first; they add up to 1."""


@dataclass(frozen=True)
class Graph:
    """What an engine executes for one text of `tokens` tokens, after its own optimizations."""

    tokens: int
    multiply_adds_per_token: int
    """Of matrix products, attention included."""
    operators: dict[str, int] = field(default_factory=dict)
    """Operator -> how often it is executed; empty for PyTorch."""
    providers: dict[str, int] = field(default_factory=dict)
    """Execution provider -> operators it executes."""
    profile: Profile | None = None
    """None for PyTorch and on GPUs, where operators are handed over and computed later."""
