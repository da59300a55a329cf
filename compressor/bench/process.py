"""Start a measuring process, wait for its end, and read what it left. The parent never polls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from compressor.bench.job import Job
from compressor.child import ENDS_WITH_PARENT, PARENT
from compressor.errors import TargetUnavailable, WorkerError

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Target

__all__ = ["WORKER", "died", "run_process", "run_python", "thread_settings"]

WORKER = (*ENDS_WITH_PARENT, "compressor.bench.worker")
STDERR_LINES = 8
OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Failed to allocate memory", "out of memory")


def run_process(job: Job, target: Target, program: Sequence[str] = WORKER) -> dict[str, Any]:
    """Run `python PROGRAM job.json` to its end, and return the `result.json` it wrote.

    Raises:
        TargetUnavailable: the device can't be used, or another would have run.
        WorkerError: it died; the message names the subject, the target and the part, and holds its last words.
    """
    job.out.mkdir(parents=True, exist_ok=True)
    file, result = job.out / "job.json", job.out / "result.json"
    result.unlink(missing_ok=True)
    job.write(file)
    who = f"{job.subject.name} on {target.name}"
    ended = run_python([*program, str(file)], threads=target.threads, spinning=target.spinning)
    # It names paths of this machine and holds the texts: neither belongs into a result that is kept.
    file.unlink()
    if ended.returncode == TargetUnavailable.exit_code:
        raise TargetUnavailable(f"{job.subject.name} can't be measured on {target.name}: {ended.stderr.strip()}")
    if ended.returncode != 0 or not result.exists():
        raise died(f"measuring {who} ({job.mode})", ended)
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def run_python(arguments: Sequence[str], *, threads: int, spinning: bool = False) -> subprocess.CompletedProcess[str]:
    """Run `python ARGUMENTS` to its end, with nothing to read and only stderr kept.

    There is no reaching out. A module behind `ENDS_WITH_PARENT` ends with this process.
    """
    return subprocess.run(
        # -P: a numpy.py in the user's folder is not the library.
        [sys.executable, "-P", *arguments],
        env={
            **os.environ,
            **thread_settings(threads, spinning=spinning),
            "HF_HUB_OFFLINE": "1",
            PARENT: str(os.getpid()),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )


def thread_settings(threads: int, *, spinning: bool = False) -> dict[str, str]:
    """Environment variables that say how many threads to start, to every library that might start some."""
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        **dict.fromkeys(variables, str(threads)),
        "OMP_WAIT_POLICY": "ACTIVE" if spinning else "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
    }


def died(doing: str, ended: subprocess.CompletedProcess[str]) -> WorkerError:
    """The error of a process that died, for example while "measuring int8 on cpu-1 (memory)"."""
    code = ended.returncode
    how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    words = "\n".join(f"    {line}" for line in _last_words(ended.stderr))
    hint = None
    if how.endswith(" SIGKILL"):
        hint = "SIGKILL usually means that memory ran out."
    elif any(sign in words for sign in OUT_OF_MEMORY):
        hint = "Memory ran out: measure it on a larger machine, or shorter texts."
    return WorkerError(f"The process {doing} {how}." + (f" It said:\n{words}" if words else ""), hint=hint)


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
