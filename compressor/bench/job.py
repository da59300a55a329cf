"""What the parent asks of a worker: one file in, one folder of results out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from compressor.bench.subject import Subject
from compressor.recipe.benchmark import Target, WorkloadConfig

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """One process's work."""

    mode: Literal["speed", "memory"]
    subject: Subject
    target: Target
    workloads: tuple[WorkloadConfig, ...]
    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: tuple[str, ...]
    """For post-processing; a name for each output where they aren't known."""
    accuracy: bool
    """Whether the logits of every text are wanted."""
    seed: int
    out: Path

    def write(self, path: Path) -> None:
        """Write the job file."""
        data = asdict(self) | {
            "target": self.target.model_dump(mode="json"),
            "workloads": [workload.model_dump(mode="json") for workload in self.workloads],
        }
        path.write_text(json.dumps(data, default=str), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read a job file."""
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(cls).validate_python(data)
