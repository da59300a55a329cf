from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from compressor.compare import latency
from compressor.compare.arm import ModelSpec
from compressor.compare.latency import LatencyCase
from compressor.compare.trial import decide
from compressor.compare.unit import BLOCKS, CALLS, UnitJob
from compressor.errors import TargetUnavailable, WorkerError
from compressor.events import Silent

A, B = ModelSpec("a.onnx", "inputs.npz"), ModelSpec("b.onnx", "inputs.npz")


class Units:
    """Stands in for processes: times of a quiet machine on which B takes `ratio` times as long as A."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.ratio = ratio
        self.jobs: list[UnitJob] = []
        self.threads: list[int] = []

    def run(self, arguments: list[str], *, threads: int) -> subprocess.CompletedProcess[str]:
        assert arguments[:3] == ["-m", "compressor.child", "compressor.compare.unit"]
        job = UnitJob.read(Path(arguments[3]))
        self.jobs.append(job)
        self.threads.append(threads)
        noise = np.exp(np.random.default_rng(job.seed).normal(0, 0.01, (3, job.blocks, job.calls - 1)))
        np.save(job.out, np.array([2.0, 2.0, 2.0 * self.ratio])[:, None, None] * noise)
        return subprocess.CompletedProcess(arguments, 0, stderr="")


def ending(code: int, words: str = "") -> object:
    return lambda arguments, threads: subprocess.CompletedProcess(arguments, code, stderr=words)


def test_a_case_is_as_many_processes_as_asked_for_each_with_a_seed_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = Units(ratio=1.5)
    monkeypatch.setattr(latency, "run_python", units.run)
    case = LatencyCase("int8, 1x128", A, B, tmp_path / "times", processes=5, threads=3, loads=2, pinned=True)
    found = case.measure(7, Silent())

    assert found.sample.effects == pytest.approx(np.full(5, np.log(1.5)), abs=0.01)
    assert found.sample.controls == pytest.approx(np.zeros(5), abs=0.01)
    assert [found.a, found.b] == pytest.approx([2.0, 3.0], rel=0.01)
    assert units.threads == [3] * 5
    assert len({job.seed for job in units.jobs}) == 5
    assert {(job.a, job.b, job.loads, job.pinned, job.blocks, job.calls) for job in units.jobs} == {
        (A, B, 2, True, BLOCKS, CALLS)
    }


def test_slower_by_construction_fails_and_every_raw_time_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = Units(ratio=1.2)
    monkeypatch.setattr(latency, "run_python", units.run)
    (row,) = decide([LatencyCase("int8, 1x128", A, B, tmp_path, processes=4)], seed=0, events=Silent())

    assert row.verdict == "fail"
    assert row.loss is not None and row.loss.value == pytest.approx(0.2, abs=0.01)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == len(units.jobs) == 8, "the first look and the confirmation; no job file with its paths"
    assert {np.load(file).shape for file in kept} == {(3, BLOCKS, CALLS - 1)}


def test_a_process_that_is_killed_is_an_error_that_names_the_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "0.npy", np.ones((3, 2, 2)))  # of an earlier comparison into the same folder
    monkeypatch.setattr(latency, "run_python", ending(-9))
    with pytest.raises(WorkerError, match="The process comparing int8, texts was killed by SIGKILL") as caught:
        LatencyCase("int8, texts", A, B, tmp_path).measure(0, Silent())
    assert caught.value.hint and "memory ran out" in caught.value.hint

    monkeypatch.setattr(latency, "run_python", ending(0))
    with pytest.raises(WorkerError, match="int8, texts"):
        LatencyCase("int8, texts", A, B, tmp_path).measure(0, Silent())


def test_a_device_that_is_not_there_is_another_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "run_python", ending(3, "there is no GPU\n"))
    with pytest.raises(TargetUnavailable, match="int8, texts can't be compared: there is no GPU"):
        LatencyCase("int8, texts", A, B, tmp_path).measure(0, Silent())


def test_real_processes_time_a_real_model(onnx_folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", allow_pickle=False, **{"0": np.full((1, 8), 7)})
    spec = ModelSpec(str(onnx_folder / "model.onnx"), str(tmp_path / "inputs.npz"))
    found = LatencyCase("tiny", spec, spec, tmp_path / "times", processes=2).measure(0, Silent())

    assert len(found.sample.effects) == len(found.sample.controls) == 2
    assert found.a > 0 and found.b > 0
    assert np.isfinite([*found.sample.effects, *found.sample.controls]).all()


def test_a_real_process_that_cannot_load_its_model_says_so(tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz")
    spec = ModelSpec(str(tmp_path / "none.onnx"), str(tmp_path / "inputs.npz"))
    with pytest.raises(WorkerError, match=r"(?s)comparing tiny.*none\.onnx is not there"):
        LatencyCase("tiny", spec, spec, tmp_path / "times").measure(0, Silent())
