"""Measure a subject on a target, each time in a fresh process. The parent starts it and waits; it never polls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compressor.bench.cold_start import cold_start
from compressor.bench.job import Job
from compressor.bench.placement import Placement
from compressor.bench.process import run_process
from compressor.bench.results import Measurement, Memory, Skipped
from compressor.bench.subject import Subject, answer_settings, position_limit, samples_for
from compressor.bench.target import target_reason
from compressor.errors import TargetUnavailable
from compressor.events import Events
from compressor.memory import memory_is_known
from compressor.runtime.outputs import Outputs, read_outputs
from compressor.runtime.tasks import Example
from compressor.task_specs import task_spec

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Target, WorkloadConfig

__all__ = ["measure", "measure_memory"]

PROFILE_TOKENS = 128
"""Length of the input whose operators are counted, where the model takes as many."""
MEMORY_TEXTS = 64
"""Texts answered before the peak of memory is read, the longest among them."""


def measure(
    subject: Subject,
    target: Target,
    workloads: Sequence[WorkloadConfig],
    examples: Sequence[Example],
    *,
    seed: int,
    work: Path,
    events: Events,
    profile: bool = False,
    drift: bool = True,
) -> tuple[Measurement, Outputs | None]:
    """Speed in one process, memory in another, cold starts in more; what they leave is kept in `work`.

    Args:
        examples: rows of the test split in their order; without any, sentences that come with the program are used.
        workloads: without any, only the accuracy pass is run, and no memory is read.
        profile: whether operators are counted where there is no workload; with one, they always are.
        drift: whether an ONNX model answers examples in batches too, to see what that changes.

    Returns:
        The measurement, without its accuracy, and the outputs for every row that the examples became, in their order:
        None where there are no examples or the target isn't here.

    Raises:
        TargetUnavailable: the target is required and isn't here, or seemed to be and another would have run.
        WorkerError: the process died; the message holds its last words.
    """
    found = Measurement(
        subject=subject.name,
        engine=subject.engine,
        target=target.name,
        size=subject.size,
        reference=target.reference.name if target.reference.name != target.name else None,
        precision=subject.precision if subject.engine == "torch" else None,
    )
    if reason := target_reason(target, subject.engine):
        if target.required:
            raise TargetUnavailable(f"The target {target.name} is required and not here: {reason}")
        return replace(found, skipped=Skipped(reason)), None
    limit = position_limit(subject.folder)
    cold = next((workload for workload in workloads if workload.kind == "cold-start"), None)
    fitting = (_fitting(workload, limit, subject, events) for workload in workloads if workload.kind != "cold-start")
    warm = [workload for workload in fitting if workload]
    job = _job(subject, target, warm, examples, seed, work / "speed")
    job = replace(job, drift=drift and job.accuracy and subject.engine == "onnxruntime")
    if workloads or profile:
        job = replace(job, profile_tokens=min(PROFILE_TOKENS, limit or subject.max_length))
    what, steps = f"measuring {subject.name} on {target.name}", 1 + bool(workloads) + bool(cold)
    events.progress(what, 0, steps, "speed and accuracy" if examples else "speed")
    results = [run_process(job, target)]
    if workloads and not memory_is_known():
        events.note(f"{subject.name}: this system doesn't tell what a process holds in memory, so it isn't measured.")
    elif workloads:
        events.progress(what, 1, steps, "memory")
        results.append(run_process(_for_memory(job, work / "memory"), target))
    if cold:
        events.progress(what, 2, steps, "cold start")
        found = replace(found, cold_start=cold_start(_for_cold_start(job, work / "cold-start"), target, cold.processes))
    events.progress(what, steps, steps, "")
    figures = {name: value for result in results for name, value in result["figures"].items()}
    peak = {"measuring_peak_mb": max((result["peak_mb"] for result in results if result["peak_mb"]), default=None)}
    measured = Measurement.from_json(found.to_json() | figures | peak)
    return measured, read_outputs(job.out / "outputs") if examples else None


def measure_memory(subject: Subject, target: Target, examples: Sequence[Example], *, seed: int, work: Path) -> Memory:
    """Memory alone, in one fresh process. Raises as `measure` does."""
    job = _for_memory(_job(subject, target, (), examples, seed, work), work)
    return Memory(**run_process(job, target)["figures"]["memory"])


def _fitting(workload: WorkloadConfig, limit: int | None, subject: Subject, events: Events) -> WorkloadConfig | None:
    """The workload without made-up inputs that are longer than the model takes; None where all of them are."""
    if workload.kind != "grid" or limit is None or max(workload.sequence) <= limit:
        return workload
    events.warn(f"{subject.name} takes at most {limit} tokens: longer cells of the grid are left out.")
    fitting = tuple(cell for cell in workload.sequence if cell <= limit)
    return workload.model_copy(update={"sequence": fitting}) if fitting else None


def _job(
    subject: Subject,
    target: Target,
    workloads: Sequence[WorkloadConfig],
    examples: Sequence[Example],
    seed: int,
    out: Path,
) -> Job:
    roles = [role for role in task_spec(subject.task).text_roles if examples and role in examples[0]]
    settings = answer_settings(subject)
    return Job(
        mode="speed",
        subject=subject,
        placement=Placement.of(target),
        workloads=tuple(workload.model_dump(mode="json") for workload in workloads),
        examples=tuple({role: example[role] for role in roles} for example in examples) or tuple(samples_for(subject)),
        labels=settings.labels,
        options=dict(settings.options),
        accuracy=bool(examples),
        seed=seed,
        out=out,
    )


def _for_memory(job: Job, out: Path) -> Job:
    """The longest text and a seeded sample of the others: the whole split would weigh on what is measured."""
    rows = np.random.default_rng(job.seed).permutation(len(job.examples))[: MEMORY_TEXTS - 1].tolist()
    longest = max(range(len(job.examples)), key=lambda row: sum(map(len, job.examples[row].values())))
    return replace(
        job,
        mode="memory",
        examples=tuple(job.examples[row] for row in (longest, *rows)),
        workloads=(),
        profile_tokens=None,
        out=out,
    )


def _for_cold_start(job: Job, out: Path) -> Job:
    """The first text alone."""
    return replace(
        job,
        mode="cold-start",
        examples=job.examples[:1],
        workloads=(),
        profile_tokens=None,
        out=out,
    )
