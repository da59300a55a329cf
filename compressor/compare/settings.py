"""How to compare, and what every comparison begins and ends with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from compressor.bench.environment import CpuTicks, environment
from compressor.bench.process import thread_settings
from compressor.bench.target import target_reason
from compressor.compare.latency import PROCESSES
from compressor.compare.results import Comparison, Row
from compressor.errors import MissingExtra, TargetUnavailable
from compressor.recipe.benchmark import Target

__all__ = ["Settings", "Tolerances", "assert_possible", "concluded"]


@dataclass(frozen=True)
class Tolerances:
    """Losses that are allowed, as shares; accuracy in points of 1 (0.01: one point of a hundred)."""

    latency: float = 0.05
    memory: float = 0.05
    size: float = 0.02
    accuracy: float = 0.01


@dataclass(frozen=True)
class Settings:
    """How to compare."""

    target: Target = field(default_factory=Target)
    variants: tuple[str, ...] = ()
    """Variants of both; left out, each bundle's default."""
    shapes: tuple[str, ...] = ()
    """`texts` or `1x128`; left out, real texts and one text of 128 tokens, or the longest both take."""
    processes: int = PROCESSES
    tolerances: Tolerances = field(default_factory=Tolerances)
    data: Path | None = None
    """Labelled texts."""
    seed: int = 0


def assert_possible(settings: Settings) -> None:
    """That nothing is missing which would be missed only after minutes of measuring.

    Raises:
        TargetUnavailable: the target isn't here. MissingExtra: what verdicts are computed with isn't installed.
    """
    if reason := target_reason(settings.target):
        raise TargetUnavailable(f"The target {settings.target.name} is not here: {reason}")
    if find_spec("scipy") is None:
        raise MissingExtra("Comparing", "compare", "scipy")


def concluded(a: str, b: str, settings: Settings, rows: Sequence[Row], since: CpuTicks | None) -> Comparison:
    """The comparison with its rows and the machine it was made on, as measured since then."""
    threads = {"threads": thread_settings(settings.target.threads, spinning=settings.target.spinning)}
    return Comparison(
        a=a,
        b=b,
        target=settings.target.name,
        rows=tuple(rows),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=environment(since=since) | threads,
    )
