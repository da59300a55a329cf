"""Measure a subject on a target, each time in a fresh process. The parent starts it and waits; it never polls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressor.bench.job import Job
from compressor.bench.placement import Placement
from compressor.bench.results import Latency, Measurement, Memory, Percentiles, Skipped, Throughput
from compressor.bench.subject import Subject
from compressor.bench.target import target_reason
from compressor.errors import TargetUnavailable, WorkerError
from compressor.events import Events
from compressor.runtime.samples import SAMPLES

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Target, WorkloadConfig

__all__ = ["measure"]

STDERR_LINES = 8
MEMORY_TEXTS = 64
"""Texts answered before the peak of memory is read, the longest among them."""


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
        TargetUnavailable: the target is required and isn't here, or seemed to be and another would have run.
        WorkerError: the process died; the message holds its last words.
    """
    found = Measurement(subject=subject.name, engine=subject.engine, target=target.name, size=subject.size)
    if reason := target_reason(target, subject.engine):
        if target.required:
            raise TargetUnavailable(f"The target {target.name} is required and not here: {reason}")
        return replace(found, skipped=Skipped(reason)), None
    workloads = [_fitting(workload, subject, events) for workload in workloads]
    job = _job(subject, target, workloads, examples, seed, work / "speed")
    what, steps = f"measuring {subject.name} on {target.name}", 2 if workloads else 1
    events.progress(what, 0, steps, "speed and accuracy" if examples else "speed")
    speed = _work(job, target)
    memory = None
    if workloads:
        events.progress(what, 1, steps, "memory")
        memory = _work(_for_memory(job, work / "memory"), target)["memory"]
    events.progress(what, steps, steps, "")
    measured = replace(
        found,
        latencies=tuple(_latency(cell) for cell in speed["latencies"]),
        throughput=Throughput(**speed["throughput"]) if speed["throughput"] else None,
        memory=Memory(**memory) if memory else None,
        environment=speed["environment"],
    )
    return measured, np.load(job.out / "logits.npy") if examples else None


def _fitting(workload: WorkloadConfig, subject: Subject, events: Events) -> WorkloadConfig:
    """The workload without made-up inputs that are longer than the model takes."""
    limit = _config(subject.folder).get("max_position_embeddings")
    if workload.kind != "grid" or limit is None or max(workload.sequence) <= limit:
        return workload
    events.warn(f"{subject.name} takes at most {limit} tokens: longer cells of the grid are left out.")
    return workload.model_copy(update={"sequence": tuple(cell for cell in workload.sequence if cell <= limit)})


def _job(
    subject: Subject,
    target: Target,
    workloads: Sequence[WorkloadConfig],
    examples: Sequence[Mapping[str, str]],
    seed: int,
    out: Path,
) -> Job:
    tried = examples or SAMPLES
    return Job(
        mode="speed",
        subject=subject,
        placement=Placement.of(target),
        workloads=tuple(workload.model_dump(mode="json") for workload in workloads),
        texts=tuple(example["text"] for example in tried),
        pairs=tuple(example["text_pair"] for example in tried) if "text_pair" in tried[0] else None,
        labels=_labels(subject.folder),
        accuracy=bool(examples),
        seed=seed,
        out=out,
    )


def _for_memory(job: Job, out: Path) -> Job:
    """The longest text and a seeded sample of the others: the whole split would weigh on what is measured."""
    rows = np.random.default_rng(job.seed).permutation(len(job.texts))[: MEMORY_TEXTS - 1].tolist()
    longest = max(range(len(job.texts)), key=lambda row: len(job.texts[row]) + len(job.pairs[row] if job.pairs else ""))
    rows = [longest, *rows]
    return replace(
        job,
        mode="memory",
        texts=tuple(job.texts[row] for row in rows),
        pairs=tuple(job.pairs[row] for row in rows) if job.pairs else None,
        workloads=(),
        out=out,
    )


def _work(job: Job, target: Target) -> dict[str, Any]:
    """Run one worker to its end."""
    job.out.mkdir(parents=True, exist_ok=True)
    file, result = job.out / "job.json", job.out / "result.json"
    result.unlink(missing_ok=True)
    job.write(file)
    # -P: a numpy.py in the user's folder is not the library.
    command = [sys.executable, "-P", "-m", "compressor.bench.worker", str(file)]
    ended = subprocess.run(
        command,
        env=_environment(target),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    # It names paths of this machine and holds the texts: neither belongs into a result that is kept.
    file.unlink()
    if ended.returncode == TargetUnavailable.exit_code:
        raise TargetUnavailable(f"{job.subject.name} can't be measured on {target.name}: {ended.stderr.strip()}")
    if ended.returncode != 0 or not result.exists():
        raise _died(job, target, ended.returncode, ended.stderr)
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def _died(job: Job, target: Target, code: int, stderr: str) -> WorkerError:
    how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    words = "\n".join(f"    {line}" for line in _last_words(stderr))
    return WorkerError(
        f"The process measuring {job.subject.name} on {target.name} ({job.mode}) {how}."
        + (f" It said:\n{words}" if words else ""),
        hint="SIGKILL usually means that memory ran out." if code == -signal.SIGKILL else None,
    )


def _last_words(stderr: str) -> list[str]:
    """The last lines; of a traceback only the message it ends with."""
    lines = stderr.strip().splitlines()[-STDERR_LINES:]
    inside = [number for number, line in enumerate(lines) if line.startswith('  File "') or line.startswith("    ")]
    return (lines[inside[-1] + 1 :] if inside else lines) or lines[-1:]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _environment(target: Target) -> dict[str, str]:
    """Threads said outright, to every library that might start some; and no reaching out."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(names, str(target.threads)),
        "OMP_WAIT_POLICY": "ACTIVE" if target.spinning else "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }


def _latency(data: dict[str, Any]) -> Latency:
    end_to_end = data["end_to_end"] and Percentiles(**data["end_to_end"])
    return Latency(**data | {"model": Percentiles(**data["model"]), "end_to_end": end_to_end})


def _labels(folder: Path) -> tuple[str, ...]:
    names: dict[str, str] = _config(folder).get("id2label") or {}
    return tuple(names[key] for key in sorted(names, key=int))


def _config(folder: Path) -> dict[str, Any]:
    """The model's `config.json`; a bare ONNX file may be without."""
    try:
        found: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return found
