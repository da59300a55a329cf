"""Section `benchmark`: on what, and with which inputs, every variant is measured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from compressor.recipe.section import Section

__all__ = [
    "BenchmarkSection",
    "DatasetWorkload",
    "GridWorkload",
    "Target",
    "ThroughputWorkload",
    "WorkloadConfig",
]

Count = Annotated[int, Field(ge=1)]


class Target(Section):
    """A place to run: device and threads."""

    device: Literal["cpu", "cuda"] = Field("cpu", description="`cuda` needs a GPU and the package onnxruntime-gpu.")
    threads: Count = Field(1, description="Intra-op threads.")
    spinning: bool = Field(False, description="Let idle threads spin: faster alone, worse beside other work.")
    required: bool = Field(False, description="Stop with exit code 3 where it isn't there, instead of skipping it.")

    @property
    def name(self) -> str:
        """Short name in reports: `cpu-1`, `cuda`."""
        name = f"cpu-{self.threads}" if self.device == "cpu" else self.device
        return f"{name}-spin" if self.spinning else name


class Timing(Section):
    """How long a latency workload runs."""

    min_seconds: float = Field(5.0, gt=0, description="Measure at least this long.")
    min_calls: Count = Field(500, description="Measure at least this many calls.")
    max_seconds: float = Field(60.0, gt=0, description="Stop here even with fewer calls; percentiles may then be n/a.")


class DatasetWorkload(Timing):
    """The test split's own texts, one at a time, in seeded order, at their natural lengths."""

    kind: Literal["dataset"] = Field(description="Real texts at their real lengths, batch 1.")


class GridWorkload(Timing):
    """Made-up inputs of fixed shape, every batch size with every length."""

    kind: Literal["grid"] = Field(description="Fixed shapes: every batch size with every length.")
    batch: tuple[Count, ...] = Field((1,), min_length=1, description="Batch sizes.")
    sequence: tuple[Count, ...] = Field((32, 128), min_length=1, description="Lengths in tokens.")


class ThroughputWorkload(Section):
    """Length-sorted batches of real texts: samples and tokens a second."""

    kind: Literal["throughput"] = Field(description="Length-sorted batches of real texts.")
    batch: Count = Field(32, description="Batch size.")
    min_seconds: float = Field(3.0, gt=0, description="Measure at least this long, in whole batches.")


WorkloadConfig = Annotated[DatasetWorkload | GridWorkload | ThroughputWorkload, Field(discriminator="kind")]


class BenchmarkSection(Section):
    """Every variant is measured on every target with every workload."""

    targets: tuple[Target, ...] = Field((Target(),), min_length=1, description="Where to measure.")
    workloads: tuple[WorkloadConfig, ...] = Field(
        (DatasetWorkload(kind="dataset"), ThroughputWorkload(kind="throughput")),
        min_length=1,
        description="With which inputs.",
    )
    references: bool = Field(
        True, description="Also measure the teacher and the student in PyTorch fp32 on the same targets."
    )
