from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = """
import sys, time
from pathlib import Path
from compressor.bench.parent import end_with_parent

end_with_parent()
Path(sys.argv[1]).write_text("ready")
time.sleep(60)
"""
PARENT = """
import sys
from compressor.bench.process import run_python

run_python(["-c", sys.argv[1], sys.argv[2]], threads=1)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_a_measuring_process_does_not_outlive_the_program_that_started_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    root = str(Path(__file__).resolve().parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD, str(ready)], env={**os.environ, "PYTHONPATH": root}, cwd=tmp_path
    )
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text(encoding="ascii").split()
    assert len(children) == 1
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 30
    while is_running(children[0]):
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.02)


def is_running(pid: str) -> bool:
    """False too for what has ended and is waited for by nobody yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2]
    except OSError:
        return False
    return not state.startswith("Z")
