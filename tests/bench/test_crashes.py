"""Real processes that really die."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from compressor.bench import Subject, measure
from compressor.bench.command import Asked, bench_path, target_from
from compressor.errors import WorkerError
from compressor.events import Silent
from compressor.recipe.benchmark import DatasetWorkload, Target
from tests.bench.models import MAX_LENGTH, write_bundle, write_graph

MORE_THAN_ANY_MACHINE = 2**56
"""Bytes: more than a 64-bit process has addresses for."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")


def measuring() -> list[int]:
    """Measuring processes of this one that have onnxruntime loaded."""
    tasks = Path("/proc/self/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text(encoding="ascii").split()]
    return [pid for pid in children if "onnxruntime" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")]


@linux
def test_a_worker_that_is_killed_while_it_measures_names_variant_and_target(onnx_folder: Path, tmp_path: Path) -> None:
    def kill() -> None:
        deadline = time.monotonic() + 60
        while not (started := measuring()) and time.monotonic() < deadline:
            time.sleep(0.02)
        for pid in started:
            os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    endless = DatasetWorkload(kind="dataset", min_seconds=300, max_seconds=300)
    subject = Subject("int8", "onnxruntime", onnx_folder, MAX_LENGTH, "text-classification")
    with pytest.raises(WorkerError, match=r"int8 on cpu-1 \(speed\) was killed by SIGKILL") as caught:
        measure(subject, Target(), [endless], [], seed=0, work=tmp_path, events=Silent())
    thread.join()
    assert "memory ran out" in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_model_that_wants_more_memory_than_there_is_says_so(tmp_path: Path, onnx_folder: Path) -> None:
    folder = write_bundle(tmp_path / "bundle", ["int8"])
    write_graph(folder / "onnx" / "int8.onnx", memory=MORE_THAN_ANY_MACHINE)
    subject = Subject("int8", "onnxruntime", folder, MAX_LENGTH, "text-classification", file="onnx/int8.onnx")
    with pytest.raises(WorkerError, match=r"int8 on cpu-1 \(speed\)") as caught:
        measure(subject, Target(), [DatasetWorkload(kind="dataset")], [], seed=0, work=tmp_path, events=Silent())
    assert "Memory ran out" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_variants_that_die_do_not_take_the_others_with_them(tmp_path: Path) -> None:
    """In whatever order: one is damaged, one wants too much memory, two are fine."""
    folder = write_bundle(tmp_path / "bundle", ["damaged", "fp32", "hungry", "int8"])
    (folder / "onnx" / "damaged.onnx").write_bytes(b"not a graph")
    write_graph(folder / "onnx" / "hungry.onnx", memory=MORE_THAN_ANY_MACHINE)
    found = bench_path(folder, target_from(), Asked(seconds=0.1), out=tmp_path / "out", events=Silent())

    damaged, fp32, hungry, int8 = found
    assert [measurement.failed for measurement in (fp32, int8)] == [None, None]
    assert all(measurement.latency() and measurement.memory for measurement in (fp32, int8))
    assert damaged.failed is not None and hungry.failed is not None
    assert "damaged on cpu-1" in damaged.failed.reason and "can't be loaded" in damaged.failed.reason
    assert "hungry on cpu-1" in hungry.failed.reason and "emory" in hungry.failed.reason
    assert damaged.size.model_mb > 0
