"""What the parent asks of a worker: one file in, one folder of results out.

Plain data, so that a worker need not load the recipe language: its memory is being measured.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from compressor.bench.placement import Placement
from compressor.bench.subject import Subject

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """One process's work."""

    mode: Literal["speed", "memory", "cold-start"]
    subject: Subject
    placement: Placement
    workloads: tuple[dict[str, Any], ...]
    """As the recipe has them."""
    examples: tuple[dict[str, str], ...]
    """Each with a text for every role."""
    labels: tuple[str, ...]
    """For post-processing; empty where they aren't known."""
    accuracy: bool
    """Whether the outputs for every example are wanted."""
    seed: int
    out: Path
    drift: bool = False
    """Whether texts are answered in batches too, to see what that changes."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of post-processing: thresholds, for example."""
    profile_tokens: int | None = None
    """Length of the input whose run is profiled; None for no profile."""

    def write(self, path: Path) -> None:
        """Write the job file."""
        path.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read a job file."""
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        subject = data["subject"] | {"folder": Path(data["subject"]["folder"])}
        lists = {name: tuple(data[name]) for name in ("workloads", "examples", "labels")}
        placed = data["placement"]
        affinity = None if placed["affinity"] is None else tuple(placed["affinity"])
        placement = Placement(**placed | {"affinity": affinity})
        built = {"subject": Subject(**subject), "placement": placement, "out": Path(data["out"])}
        return cls(**data | lists | built)
