from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compressor.child import ENDS_WITH_PARENT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")

CHILD = """
import sys, time
from pathlib import Path
from compressor.child import end_with_parent

end_with_parent()
Path(sys.argv[1]).write_text("ready")
time.sleep(60)
"""
PARENT = """
import sys
from compressor.bench.process import run_python

run_python(["-c", sys.argv[1], sys.argv[2]], threads=1)
"""


def test_a_measuring_process_does_not_outlive_the_program_that_started_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    root = str(Path(__file__).resolve().parents[1])
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


def test_it_does_so_before_it_loads_anything_else(tmp_path: Path) -> None:
    """A library takes a second to load, in which the child would live on."""
    (tmp_path / "large.py").write_text(
        "import os, signal, sys\nos.kill(os.getppid(), signal.SIGKILL)\n" + "while True: ...\n"
    )
    program = (
        "import sys\nfrom compressor.bench.process import run_python\nfrom compressor.child import ENDS_WITH_PARENT\n"
        "import os\nos.environ['PYTHONPATH'] += os.pathsep + sys.argv[1]\n"
        "run_python([*ENDS_WITH_PARENT, 'large'], threads=1)\n"
    )
    root = str(Path(__file__).resolve().parents[1])
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": root},
        start_new_session=True,
    )
    assert parent.wait(timeout=60) == -signal.SIGKILL
    nothing_lives_on(parent.pid)


def nothing_lives_on(session: int) -> None:
    """Assert that every process of a session ends soon."""
    deadline = time.monotonic() + 30
    while any(session_of(folder.name) == session for folder in Path("/proc").iterdir() if folder.name.isdigit()):
        if time.monotonic() > deadline:
            os.killpg(session, signal.SIGKILL)
            raise AssertionError("the child lives on")
        time.sleep(0.02)


def session_of(pid: str) -> int:
    """0 for what has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[3])


def test_ctrl_c_ends_it_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", encoding="utf-8"
    )
    ended = subprocess.run(
        [sys.executable, "-P", *ENDS_WITH_PARENT, "interrupted"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[1]), str(tmp_path)])},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")
