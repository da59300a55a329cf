from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from compressor.memory import PROC, read_resident, reset_peak

STATUS = """Name:\tpython
Umask:\t0022
VmHWM:\t  200000 kB
VmRSS:\t  100000 kB
RssAnon:\t   60000 kB
RssFile:\t   40000 kB
"""


def process(proc: Path, pid: int, status: str, *children: int) -> None:
    """As the kernel shows a process with one thread."""
    (proc / str(pid) / "task" / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "status").write_text(status, encoding="utf-8")
    (proc / str(pid) / "task" / str(pid) / "children").write_text(" ".join(map(str, children)), encoding="ascii")


def test_status_is_read_in_megabytes(tmp_path: Path) -> None:
    process(tmp_path, 7, STATUS)
    found = read_resident(tmp_path, 7)

    assert (found.now_mb, found.peak_mb) == (102.4, 204.8)
    assert (found.anonymous_mb, found.file_mb) == (61.44, 40.96)


def test_children_and_their_children_count(tmp_path: Path) -> None:
    process(tmp_path, 7, STATUS, 8, 9)
    process(tmp_path, 8, STATUS, 10)
    process(tmp_path, 9, "Name:\tzombie\n")
    process(tmp_path, 10, STATUS)
    process(tmp_path, 11, STATUS)
    found = read_resident(tmp_path, 7)

    assert found.now_mb == pytest.approx(3 * 102.4), "a process that has ended holds nothing, a stranger doesn't count"
    assert found.anonymous_mb == pytest.approx(3 * 61.44)


def test_without_proc_the_peak_is_known_and_the_rest_is_not_invented(tmp_path: Path) -> None:
    found = read_resident(tmp_path / "absent")

    assert found.now_mb is not None and found.now_mb > 10
    assert found.peak_mb == found.now_mb
    assert (found.anonymous_mb, found.file_mb) == (None, None)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel keeps no /proc")
def test_what_a_child_holds_is_part_of_it() -> None:
    code = "import sys; held = bytearray(b'x') * 100_000_000; print('ready', flush=True); sys.stdin.read()"
    before = read_resident()
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    during = read_resident()
    child.communicate()

    after = read_resident()
    assert during.now_mb is not None and before.now_mb is not None and after.now_mb is not None
    assert during.now_mb > before.now_mb + 90
    assert during.anonymous_mb is not None and before.anonymous_mb is not None
    assert during.anonymous_mb > before.anonymous_mb + 90
    assert after.now_mb < during.now_mb - 90


@pytest.mark.skipif(not (PROC / "self/clear_refs").exists(), reason="the kernel keeps no /proc/self/clear_refs")
def test_a_reset_forgets_what_was_freed_before() -> None:
    """In a process of its own: what an allocator keeps of earlier tests would hide what is freed here."""
    code = """
import mmap
from compressor.memory import read_resident, reset_peak
used = mmap.mmap(-1, 100_000_000)
for place in range(0, len(used), mmap.PAGESIZE):
    used[place] = 1
used.close()
before = read_resident().peak_mb
reset_peak()
print(before, read_resident().peak_mb)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(float, found.stdout.split())
    assert after < before - 50


def test_a_kernel_that_refuses_the_reset_does_not_stop_the_measurement(tmp_path: Path) -> None:
    reset_peak(tmp_path / "absent")
