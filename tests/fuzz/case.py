"""What a case is, and what a kind of cases offers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Call", "Case", "Kind", "randomness"]

Call = tuple[str | Path, ...] | Callable[[], None]
"""Arguments of `compressor`, or what is run in place of a command, behind the same handling of errors."""


@dataclass(frozen=True)
class Case:
    """Something spoilt, and what is done with it."""

    what: str
    """How it was spoilt, for people."""
    names: tuple[str, ...]
    """Every error must hold one of these: the name of the file it speaks of."""
    calls: tuple[Call, ...]


class Kind(Protocol):
    """A module that makes cases of one kind."""

    def prepare(self, bases: Path) -> None:
        """Make what the cases are copies of, once, in an empty folder. May load libraries that the cases use."""

    def make(self, seed: int, bases: Path, folder: Path) -> Case:
        """The case of this number; it is written into `folder`, which is empty."""


def randomness(kind: str, seed: int) -> random.Random:
    """The one source of chance of a case."""
    return random.Random(f"{kind} {seed}")
