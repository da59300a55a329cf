"""Section `benchmark`: on what, and with which inputs, every variant is measured."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from compressor.recipe.section import Section, optional

__all__ = [
    "BenchmarkSection",
    "ColdStartWorkload",
    "DatasetWorkload",
    "Device",
    "GridWorkload",
    "Precision",
    "ServerWorkload",
    "Target",
    "ThroughputWorkload",
    "WorkloadConfig",
]

MAX_THREADS = 1024
"""More than any machine has cores for: a slip of the finger would start them all."""

Count = Annotated[int, Field(ge=1)]


Device = Literal["cpu", "cuda", "tensorrt", "openvino"]
Precision = Literal["fp32", "bf16"]


class Target(Section):
    """A place to run: an execution provider and what it is given."""

    device: Device = Field(
        "cpu",
        description="Execution provider. `cuda` and `tensorrt` need a GPU and the package onnxruntime-gpu, `openvino` "
        "the package onnxruntime-openvino.",
    )
    threads: int = Field(1, ge=1, le=MAX_THREADS, description="Intra-op threads.")
    affinity: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None, min_length=1, description="CPUs the process is pinned to, as the system numbers them. Linux only."
    )
    arena: bool = Field(True, description="Keep freed memory for the next call: faster, and a higher peak. CPU only.")
    spinning: bool = Field(False, description="Let idle threads spin: faster alone, worse beside other work.")
    io_binding: bool = Field(
        False, description="Inputs lie on the GPU before the clock starts, outputs stay there. `cuda` only."
    )
    required: bool = Field(False, description="Stop with exit code 3 where it isn't there, instead of skipping it.")

    @model_validator(mode="after")
    def _fits_the_device(self) -> Self:
        if self.io_binding and self.device != "cuda":
            raise PydanticCustomError("target", "`io_binding` is for `device: cuda`")
        if not self.arena and self.device != "cpu":
            raise PydanticCustomError("target", "`arena: false` is for `device: cpu`")
        if self.spinning and self.device == "openvino":
            raise PydanticCustomError("target", "`spinning` is not for `device: openvino`: its threads are its own")
        return self

    @property
    def name(self) -> str:
        """Short name in reports: `cpu-1`, `cpu-2-spin-on-0+1`, `cuda-bound`."""
        parts = [f"{self.device}-{self.threads}" if self.device in ("cpu", "openvino") else self.device]
        parts += [word for word, said in (("spin", self.spinning), ("bound", self.io_binding)) if said]
        parts += ["no-arena"] if not self.arena else []
        parts += [f"on-{'+'.join(map(str, self.affinity))}"] if self.affinity else []
        return "-".join(parts)

    @property
    def reference(self) -> Target:
        """Where PyTorch is measured to compare with: it knows no execution providers, no arena and no IO binding.

        Where it isn't there, only the reference is lacking: it is never required.
        """
        device = {"tensorrt": "cuda", "openvino": "cpu"}.get(self.device, self.device)
        return self.model_copy(update={"device": device, "arena": True, "io_binding": False, "required": False})


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


class ServerWorkload(Section):
    """Requests that arrive at random, whether or not the model keeps up: one text each, one model."""

    kind: Literal["server"] = Field(description="Random arrivals (open loop, Poisson) of real texts.")
    rates: tuple[Annotated[float, Field(gt=0)], ...] = Field((), description="Requests a second to measure at.")
    p99_ms: float | None = Field(
        None, gt=0, description="Also find the highest rate whose 99th percentile stays within this."
    )
    min_seconds: float = Field(5.0, gt=0, description="Let requests arrive at least this long at each rate.")
    min_requests: Count = Field(700, description="And at least so many; 662 make a 99th percentile.")
    max_seconds: float = Field(120.0, gt=0, description="But at most this long; percentiles may then be n/a.")

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.rates and self.p99_ms is None:
            raise PydanticCustomError("server", "give `rates`, or a `p99_ms` to find the highest rate for")
        return self


class ColdStartWorkload(Section):
    """From starting a process to its first answer."""

    kind: Literal["cold-start"] = Field(description="Imports, loading, first answer, in fresh processes.")
    processes: Count = Field(5, description="So many fresh processes; the median is reported.")


WorkloadConfig = Annotated[
    DatasetWorkload | GridWorkload | ThroughputWorkload | ServerWorkload | ColdStartWorkload,
    Field(discriminator="kind"),
]


class BenchmarkSection(Section):
    """Every variant is measured on every target with every workload."""

    targets: tuple[Target, ...] = Field((Target(),), min_length=1, description="Where to measure.")
    workloads: tuple[WorkloadConfig, ...] = Field(
        (DatasetWorkload(kind="dataset"), ThroughputWorkload(kind="throughput")),
        min_length=1,
        description="With which inputs.",
    )
    references: bool = Field(
        True, description="Also measure the teacher and the student in PyTorch on the same targets."
    )
    reference_precisions: tuple[Precision, ...] = Field(
        ("fp32",), min_length=1, description="PyTorch precisions of the teacher: `bf16` beside `fp32` is a row more."
    )
    price_per_hour: float | None = optional(
        "What an hour of the machine costs, in any currency: the report tells the price of a million answers.", gt=0
    )
