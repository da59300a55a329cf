"""The measuring process: `python -m compressor.child compressor.bench.worker job.json`.

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

from compressor.bench.device_memory import process_memory_mb
from compressor.bench.drift import batch_drift
from compressor.bench.engine import Arrays
from compressor.bench.environment import cpu_ticks, environment
from compressor.bench.graph import executed_graph
from compressor.bench.job import Job
from compressor.bench.results import Graph, Memory
from compressor.bench.workloads import Bench, Found, run
from compressor.bench.workloads.lengths import lengths
from compressor.errors import CompressorError
from compressor.memory import read_resident, reset_peak
from compressor.runtime.outputs import write_outputs

__all__ = ["main"]


def main(job_file: Path) -> None:
    """Do the job and write `result.json`, and `outputs/` and `samples.npz` where there are any."""
    job = Job.read(job_file)
    result = _memory(job) if job.mode == "memory" else _speed(job)
    result["loaded"] = [name for name in ("torch", "transformers", "pydantic") if name in sys.modules]
    (job.out / "result.json").write_text(json.dumps(result), encoding="utf-8")


def _speed(job: Job) -> dict[str, Any]:
    """Answers, times, and after them what would disturb them."""
    from pydantic import TypeAdapter

    from compressor.recipe.benchmark import WorkloadConfig

    workloads = TypeAdapter(tuple[WorkloadConfig, ...]).validate_python(job.workloads)
    before = cpu_ticks()
    bench = Bench.load(job)
    if job.accuracy:
        write_outputs(bench.all_outputs(), job.out / "outputs")
    found = Found()
    for workload in workloads:
        run(bench, workload, found)
    if found.samples:
        np.savez(job.out / "samples.npz", allow_pickle=False, **found.samples)
    figures = {
        "latencies": [asdict(latency) for latency in found.latencies],
        "throughput": found.throughput and asdict(found.throughput),
        "energy": found.energy and asdict(found.energy),
        "serving": [asdict(serving) for serving in found.serving],
        "highest_rate": found.highest_rate and asdict(found.highest_rate),
        "environment": environment(since=before),
    }
    if job.drift:
        figures["batch_drift"] = [asdict(drift) for drift in batch_drift(bench)]
    if job.profile_tokens is not None:
        inputs = bench.made_up(1, job.profile_tokens)
        products = bench.engine.multiply_adds(inputs)
        # The profile is that of a session of its own: this one need not be there twice.
        del bench
        figures |= {"graph": _graph(job, inputs, products), "lengths": _lengths(job)}
    return {"figures": figures, "peak_mb": read_resident().peak_mb}


def _graph(job: Job, inputs: Arrays, products: int | None) -> dict[str, Any] | None:
    if job.subject.engine == "onnxruntime":
        return asdict(executed_graph(job.subject, job.placement, inputs))
    tokens = inputs["input_ids"].size
    return None if products is None else asdict(Graph(tokens, round(products / tokens)))


def _lengths(job: Job) -> dict[str, Any]:
    return asdict(lengths(job.subject, job.examples))


def _memory(job: Job) -> dict[str, Any]:
    """Memory in stages: what importing takes, what loading adds, the highest while texts are answered."""
    if job.subject.engine == "torch":
        import compressor.bench.torch_engine  # noqa: F401  # imported for what it weighs
    else:
        import onnxruntime  # noqa: F401
    imports = read_resident()
    bench = Bench.load(job)
    loaded = read_resident()
    reset_peak()
    for row in range(len(bench.examples)):
        bench.call(row)
    end = read_resident()
    if imports.now_mb is None or loaded.now_mb is None or loaded.peak_mb is None or end.peak_mb is None:
        return {"figures": {"memory": None}, "peak_mb": None}
    memory = Memory(
        imports_mb=imports.now_mb,
        load_mb=loaded.now_mb,
        peak_mb=end.peak_mb,
        anonymous_mb=end.anonymous_mb,
        file_mb=end.file_mb,
        device_mb=process_memory_mb(),
    )
    return {"figures": {"memory": asdict(memory)}, "peak_mb": max(loaded.peak_mb, end.peak_mb)}


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except CompressorError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
