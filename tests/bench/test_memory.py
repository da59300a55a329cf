from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compressor.bench.memory import CLEAR_REFS, read_resident, reset_peak

STATUS = """Name:\tpython
VmHWM:\t  200000 kB
VmRSS:\t  100000 kB
RssAnon:\t   60000 kB
RssFile:\t   40000 kB
"""


def test_status_is_read_in_megabytes(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(STATUS, encoding="utf-8")
    found = read_resident(status)

    assert (found.now_mb, found.peak_mb) == (102.4, 204.8)
    assert (found.anonymous_mb, found.file_mb) == (61.44, 40.96)


def test_without_proc_the_peak_is_known_and_the_rest_is_not_invented(tmp_path: Path) -> None:
    found = read_resident(tmp_path / "absent")

    assert found.now_mb == found.peak_mb > 10
    assert (found.anonymous_mb, found.file_mb) == (None, None)


@pytest.mark.skipif(not CLEAR_REFS.exists(), reason="the kernel keeps no /proc/self/clear_refs")
def test_a_reset_forgets_what_was_freed_before() -> None:
    used = np.ones(12_500_000)  # 100 MB, written
    del used
    before = read_resident().peak_mb
    reset_peak()

    assert read_resident().peak_mb < before - 50


def test_a_kernel_that_refuses_the_reset_does_not_stop_the_measurement(tmp_path: Path) -> None:
    reset_peak(tmp_path)  # a folder can't be written to as a file
    reset_peak(tmp_path / "absent")
