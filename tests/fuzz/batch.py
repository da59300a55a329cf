"""Many cases in child processes, and what came of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.command import ROOT

__all__ = ["Batch", "run_batch"]

SILENT_SECONDS = 60.0
"""Of processor time. A child that tells nothing for so long hangs in a library, where nothing could interrupt it."""
SILENT_CLOCK_SECONDS = 900.0


@dataclass
class Batch:
    """What came of the cases of one kind."""

    kind: str
    cases: int = 0
    calls: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    """Of processor time, all calls."""
    slowest: float = 0.0
    grown_mb: float = 0.0
    """The most that a call took."""
    faults: list[str] = field(default_factory=list)
    """A paragraph each, with what makes the case again."""

    def add(self, line: dict[str, Any]) -> None:
        """Take a line that a child wrote."""
        self.cases += "done" in line
        if "code" in line:
            self.calls += 1
            self.codes[line["code"]] += 1
            self.seconds += line["seconds"]
            self.slowest = max(self.slowest, line["seconds"])
            self.grown_mb = max(self.grown_mb, line["grown_mb"])
            if line["faults"]:
                self.fault(line["seed"], f"{line['what']}\n  {line['call']}\n{line['said']}", line["faults"])

    def fault(self, seed: int, what: str, faults: list[str]) -> None:
        """Take note of a case that failed."""
        told = "\n".join(f"  FAULT: {fault}" for fault in faults)
        again = f"COMPRESSOR_FUZZ_KEEP=1 {sys.executable} -m tests.fuzz.child {self.kind} /tmp/again {seed} 1"
        self.faults.append(f"case {seed} of {self.kind}: {what}\n{told}\n  again: {again}")

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.cases} cases, {self.calls} calls, exit codes {dict(sorted(self.codes.items()))}, "
            f"{self.seconds:.0f} s of processor time, the slowest {self.slowest:.1f} s, "
            f"memory grew by at most {self.grown_mb:.0f} MB"
        )

    def check(self) -> None:
        """Assert that nothing went wrong."""
        faults = "\n\n".join(self.faults[:20])
        assert not self.faults, f"{len(self.faults)} calls failed of {self}\n\n{faults}"


def run_batch(kind: str, root: Path, count: int, first: int = 0) -> Batch:
    """Run the cases `first` to `first + count - 1`; where one ends its process, the next go on in another."""
    found = Batch(kind)
    end = first + count
    while first < end:
        last, begun = first, False
        for line in _lines(kind, root, first, end - first):
            if "fallen" in line:
                assert begun, f"no case of {kind} was run: {line['fallen']}"
                found.fault(last, f"the process ended: {line['fallen']}", ["ends the process"])
                break
            begun = True
            found.add(line)
            last = line["seed"] + ("done" in line)
        else:
            break
        first = last + 1
    return found


def _lines(kind: str, root: Path, first: int, count: int) -> Iterator[dict[str, Any]]:
    """What a child tells; at last, where it didn't get through, how it ended."""
    root.mkdir(exist_ok=True)
    progress, said = root.with_suffix(".jsonl"), root.with_suffix(".stderr")
    progress.touch()
    with progress.open(encoding="utf-8") as lines, said.open("w+", encoding="utf-8") as errors:
        command = [sys.executable, "-m", "tests.fuzz.child", kind, str(root), str(first), str(count)]
        lines.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(root), stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
        )
        try:
            told, spent, rest = time.monotonic(), 0.0, ""
            while process.poll() is None:
                if time.monotonic() - told > SILENT_CLOCK_SECONDS or _spent(process.pid) - spent > SILENT_SECONDS:
                    break
                time.sleep(0.05)
                if some := lines.read():
                    told, spent = time.monotonic(), _spent(process.pid)
                    whole, _, rest = (rest + some).rpartition("\n")
                    yield from map(json.loads, whole.splitlines())
            hangs = process.poll() is None
        finally:
            process.kill()
            process.wait()
        yield from map(json.loads, (rest + lines.read()).splitlines())
        if process.returncode:
            errors.seek(0)
            how = "it hangs" if hangs else f"exit code {process.returncode}"
            yield {"fallen": f"{how}\n{errors.read()[-2000:]}"}


def _spent(pid: int) -> float:
    """Seconds of processor time of a process; 0 once it has ended. See proc(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _environment(root: Path) -> dict[str, str]:
    scratch = root / "scratch"
    scratch.mkdir(exist_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("COMPRESSOR_", "HF_"))},
        **{name: os.environ[name] for name in ("COMPRESSOR_FUZZ_KEEP",) if name in os.environ},
        "HOME": str(root / "home"),
        "TMPDIR": str(scratch),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "PIP_NO_INDEX": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONPATH": str(ROOT),
    }
