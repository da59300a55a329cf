"""What the parent asks of a worker: one file in, one folder of results out.

Plain data, so that a worker need not load the recipe language: its memory is being measured.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from compressor.bench.subject import Subject

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """One process's work."""

    mode: Literal["speed", "memory"]
    subject: Subject
    device: Literal["cpu", "cuda"]
    threads: int
    spinning: bool
    workloads: tuple[dict[str, Any], ...]
    """As the recipe has them."""
    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: tuple[str, ...]
    """For post-processing; empty where they aren't known."""
    accuracy: bool
    """Whether the logits of every text are wanted."""
    seed: int
    out: Path

    def write(self, path: Path) -> None:
        """Write the job file."""
        path.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read a job file."""
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        subject = data["subject"] | {"folder": Path(data["subject"]["folder"])}
        lists = {name: tuple(data[name]) for name in ("workloads", "texts", "labels")}
        pairs = None if data["pairs"] is None else tuple(data["pairs"])
        return cls(**data | lists | {"subject": Subject(**subject), "pairs": pairs, "out": Path(data["out"])})
