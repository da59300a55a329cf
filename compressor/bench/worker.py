"""The measuring process: `python -m compressor.bench.worker job.json`.

It is started afresh for each subject and target, and loads nothing it doesn't measure: no torch for an ONNX file, and
where memory is measured nothing but what running a bundle takes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from compressor.bench.engine import open_engine
from compressor.bench.environment import cpu_ticks, environment
from compressor.bench.job import Job
from compressor.bench.memory import read_resident, reset_peak
from compressor.bench.results import Memory
from compressor.bench.workloads import Bench, Found, run
from compressor.errors import CompressorError
from compressor.runtime.encoder import Encoder

__all__ = ["main"]


def main(job_file: Path) -> None:
    """Do the job and write `result.json`, and `logits.npy` and `samples.npz` where there are any."""
    job = Job.read(job_file)
    result = _memory(job) if job.mode == "memory" else _speed(job)
    result["loaded"] = [name for name in ("torch", "transformers", "pydantic") if name in sys.modules]
    (job.out / "result.json").write_text(json.dumps(result), encoding="utf-8")


def _speed(job: Job) -> dict[str, Any]:
    from pydantic import TypeAdapter

    from compressor.recipe.benchmark import WorkloadConfig

    workloads = TypeAdapter(tuple[WorkloadConfig, ...]).validate_python(job.workloads)
    before = cpu_ticks()
    bench = _load(job)
    if job.accuracy:
        np.save(job.out / "logits.npy", bench.logits())
    found = Found()
    for workload in workloads:
        run(bench, workload, found)
    if found.samples:
        np.savez(job.out / "samples.npz", allow_pickle=False, **found.samples)
    figures = {
        "latencies": [asdict(latency) for latency in found.latencies],
        "throughput": asdict(found.throughput) if found.throughput else None,
        "environment": environment(since=before),
    }
    return {"figures": figures}


def _memory(job: Job) -> dict[str, Any]:
    """Memory in stages: what importing takes, what loading adds, the highest while texts are answered."""
    if job.subject.engine == "torch":
        import compressor.bench.torch_engine  # noqa: F401  # imported for what it weighs
    else:
        import onnxruntime  # noqa: F401
    imports = read_resident()
    bench = _load(job)
    loaded = read_resident()
    reset_peak()
    for row in range(len(bench.texts)):
        bench.call(row)
    end = read_resident()
    memory = Memory(imports.now_mb, loaded.now_mb, end.peak_mb, end.anonymous_mb, end.file_mb)
    return {"figures": {"memory": asdict(memory)}}


def _load(job: Job) -> Bench:
    return Bench(
        engine=open_engine(job.subject, job.placement),
        encoder=Encoder.from_folder(job.subject.folder, job.subject.max_length),
        task=job.subject.task,
        labels=job.labels,
        texts=job.texts,
        pairs=job.pairs,
        seed=job.seed,
    )


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except CompressorError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
