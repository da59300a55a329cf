"""One cold start: `python first_answer.py BEGIN job.json`, where BEGIN is `time.monotonic_ns()` of just before.

Run by its path, so that it doesn't import the measuring program: what it imports is what answering takes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compressor.errors import CompressorError

__all__ = ["main"]


def main(begin_ns: int, job_file: Path) -> None:
    """Import, load, answer one text; the times are written to `result.json`, in ms."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    if affinity := job["placement"]["affinity"]:
        os.sched_setaffinity(0, affinity)
    load = _torch(job_file) if job["subject"]["engine"] == "torch" else _onnxruntime(job)
    imported = time.monotonic_ns()
    answer_first = load()
    loaded = time.monotonic_ns()
    answer_first()
    answered = time.monotonic_ns()
    times = {
        "import_ms": (imported - begin_ns) / 1e6,
        "load_ms": (loaded - imported) / 1e6,
        "first_answer_ms": (answered - loaded) / 1e6,
        "total_ms": (answered - begin_ns) / 1e6,
        "loaded": [name for name in ("torch", "pydantic", "compressor.bench") if name in sys.modules],
    }
    (Path(job["out"]) / "result.json").write_text(json.dumps(times), encoding="utf-8")


def _onnxruntime(job: dict[str, Any]) -> Callable[[], Callable[[], object]]:
    """Import what running a bundle takes; returns how to load, which returns how to answer."""
    import onnxruntime  # noqa: F401

    from compressor.runtime import Encoder, open_session, runtime_task
    from compressor.runtime.tasks import Settings

    subject, placement, examples = (job[name] for name in ("subject", "placement", "examples"))
    task, settings = runtime_task(subject["task"]), Settings(tuple(job["labels"]), job["options"])
    folder = Path(subject["folder"])
    options = {name: placement[name] for name in ("device", "threads", "spinning", "arena")}

    def load() -> Callable[[], object]:
        encoder = Encoder.from_folder(folder, subject["max_length"])
        session = open_session(folder / subject["file"], **options)

        def answer_first() -> object:
            encoded = task.encode(encoder, examples[:1])
            arrays = session.run(encoded.inputs(encoder))
            outputs = task.reduce(arrays, encoded, pads_left=encoder.pads_left, options=settings.options)
            return task.decode(outputs, encoded, settings)

        return answer_first

    return load


def _torch(job_file: Path) -> Callable[[], Callable[[], object]]:
    """The same for a PyTorch reference, with the engine that the other figures are measured with."""
    import compressor.bench.torch_engine  # noqa: F401
    from compressor.bench.job import Job
    from compressor.bench.workloads import Bench

    def load() -> Callable[[], object]:
        bench = Bench.load(Job.read(job_file))
        return lambda: bench.call(0)

    return load


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), Path(sys.argv[2]))
    except CompressorError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
