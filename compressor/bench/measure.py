"""Measure a subject on a target, each time in a fresh process. The parent starts it and waits; it never polls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from compressor.bench.job import Job
from compressor.bench.results import Latency, Measurement, Memory, Skipped, Throughput
from compressor.bench.subject import Subject
from compressor.bench.target import target_reason
from compressor.errors import TargetUnavailable, WorkerError
from compressor.events import Events
from compressor.recipe.benchmark import Target, WorkloadConfig
from compressor.runtime.samples import SAMPLES

__all__ = ["measure"]

STDERR_LINES = 8


def measure(
    subject: Subject,
    target: Target,
    workloads: Sequence[WorkloadConfig],
    examples: Sequence[Mapping[str, str]],
    *,
    seed: int,
    work: Path,
    events: Events,
) -> tuple[Measurement, npt.NDArray[np.float32] | None]:
    """Speed in one process, memory in another; what they leave is kept in `work`.

    Args:
        examples: texts of the test split in row order; without any, sentences that come with the program are used.
        workloads: without any, only the accuracy pass is run, and no memory is read.

    Returns:
        The measurement, without its accuracy, and the logits [examples, classes] in the order of the examples: None
        where there are no examples or the target isn't here.

    Raises:
        TargetUnavailable: the target is required and isn't here.
        WorkerError: the process died; the message holds its last words.
    """
    size = subject.size
    found = Measurement(subject=subject.name, engine=subject.engine, target=target.name, size=size)
    if reason := target_reason(target):
        if target.required:
            raise TargetUnavailable(f"The target {target.name} is required and not here: {reason}")
        return replace(found, skipped=Skipped(reason)), None
    tried = examples or SAMPLES
    job = Job(
        mode="speed",
        subject=subject,
        target=target,
        workloads=tuple(workloads),
        texts=tuple(example["text"] for example in tried),
        pairs=tuple(example["text_pair"] for example in tried) if "text_pair" in tried[0] else None,
        labels=_labels(subject.folder),
        accuracy=bool(examples),
        seed=seed,
        out=work / "speed",
    )
    what, steps = f"measuring {subject.name} on {target.name}", 2 if workloads else 1
    events.progress(what, 0, steps, "speed and accuracy")
    speed = _work(job)
    memory = None
    if workloads:
        events.progress(what, 1, steps, "memory")
        memory = _work(replace(job, mode="memory", out=work / "memory"))["memory"]
    events.progress(what, steps, steps, "")
    logits = np.load(job.out / "logits.npy") if examples else None
    measured = replace(
        found,
        latencies=TypeAdapter(tuple[Latency, ...]).validate_python(speed["latencies"]),
        throughput=Throughput(**speed["throughput"]) if speed["throughput"] else None,
        memory=Memory(**memory) if memory else None,
        environment=speed["environment"],
    )
    return measured, logits


def _work(job: Job) -> dict[str, Any]:
    """Run one worker to its end."""
    job.out.mkdir(parents=True, exist_ok=True)
    file = job.out / "job.json"
    job.write(file)
    command = [sys.executable, "-m", "compressor.bench.worker", str(file)]
    ended = subprocess.run(command, env=_environment(job.target), stderr=subprocess.PIPE, text=True, check=False)
    result = job.out / "result.json"
    if ended.returncode != 0 or not result.exists():
        how = f"was killed by signal {-ended.returncode}" if ended.returncode < 0 else f"ended with {ended.returncode}"
        words = "\n".join(f"    {line}" for line in ended.stderr.strip().splitlines()[-STDERR_LINES:])
        raise WorkerError(
            f"The process measuring {job.subject.name} on {job.target.name} ({job.mode}) {how}."
            + (f" It said:\n{words}" if words else ""),
            hint="Signal 9 usually means that memory ran out." if ended.returncode == -9 else None,
        )
    # Paths of this machine have no place in a result that is kept.
    file.unlink()
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def _environment(target: Target) -> dict[str, str]:
    """Threads said outright, to every library that might start some; and no reaching out."""
    threads = str(target.threads)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    fixed = dict.fromkeys(names, threads)
    return os.environ | fixed | {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def _labels(folder: Path) -> tuple[str, ...]:
    try:
        names = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
    except (OSError, KeyError, json.JSONDecodeError):
        return ()
    return tuple(name for _, name in sorted(names.items(), key=lambda item: int(item[0])))
