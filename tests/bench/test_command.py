"""`compressor bench`."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compressor.bench.command import Asked, bench_path, target_from
from compressor.bench.results import Failed, Measurement
from compressor.bench.subject import Subject
from compressor.errors import MissingExtra, TargetUnavailable
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from tests.bench.models import write_bundle, write_graph
from tests.command import compressor, finish, spawn

QUICK = ("--seconds", "0.1")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two variants that work. Read only."""
    return write_bundle(tmp_path_factory.mktemp("bundles") / "bundle", ["fp32", "int8"])


def test_every_workload_can_be_asked_for_and_is_kept(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    server = ("--server-rate", "500", "--server-rate", "2000", "--p99-bound", "50", "--cold-start")
    options = (*QUICK, "--variant", "int8", *server, "--grid", "--out", out, "--format", "json")
    (found,) = compressor("bench", bundle, *options).succeeds().json

    measured = Measurement.from_json(found)
    assert [serving.rate_per_second for serving in measured.serving] == [500, 2000]
    assert measured.highest_rate is not None
    assert measured.highest_rate.trials
    assert measured.cold_start is not None
    assert measured.cold_start.n == 5
    assert measured.lengths is not None
    assert measured.graph is not None
    assert measured.graph.operators["MatMul"] == 1
    assert {latency.workload for latency in measured.latencies} == {"dataset", "grid"}
    assert json.loads((out / "measurements.json").read_text(encoding="utf-8")) == [found]
    assert "<svg" in (out / "report.html").read_text(encoding="utf-8")
    assert "int8" in (out / "report.md").read_text(encoding="utf-8")
    with np.load(out / "raw" / "int8" / "speed" / "samples.npz") as samples:
        assert len(samples["server.500.waiting"]) == measured.serving[0].n == 700


@pytest.mark.parametrize("format_", ["table", "json"])
def test_a_variant_that_fails_leaves_the_others_and_the_exit_code_tells(
    bundle: Path, tmp_path: Path, format_: str
) -> None:
    folder = write_bundle(tmp_path / "bundle", ["damaged", "fp32"])
    (folder / "onnx" / "damaged.onnx").write_bytes(b"not a graph")
    done = compressor("bench", folder, *QUICK, "--format", format_)

    assert done.code == 4
    assert "error: The process measuring damaged on cpu-1 (speed)" in done.err
    assert "Traceback" not in done.err
    if format_ == "json":
        damaged, fp32 = done.json
        assert damaged["failed"]["reason"] in done.err
        assert fp32["latencies"] and fp32["memory"]
    else:
        row = next(line for line in done.out.splitlines() if "onnx fp32" in line)
        assert any(word.replace(".", "").isdigit() for word in row.split()), row


def test_where_all_fail_every_reason_is_told(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle", ["fp32", "int8"])
    write_graph(folder / "onnx" / "fp32.onnx", memory=2**56)
    (folder / "onnx" / "int8.onnx").unlink()
    done = compressor("bench", folder, *QUICK)

    assert done.code == 4
    assert "fp32 on cpu-1" in done.err and "int8 on cpu-1" in done.err


def test_a_variant_the_device_can_not_run_leaves_what_is_measured_already(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def falls_back(subject: Subject, target: Target, *_: object, **__: object) -> tuple[Measurement, None]:
        if subject.name == "int8":
            raise TargetUnavailable("no operator of the model runs on it")
        return Measurement(subject.name, subject.engine, target.name, subject.size), None

    monkeypatch.setattr("compressor.bench.command.measure", falls_back)
    target = target_from()
    fp32, int8 = bench_path(bundle, target, Asked(), out=tmp_path, events=Silent())

    assert (fp32.failed, int8.failed) == (None, Failed("no operator of the model runs on it"))
    assert len(json.loads((tmp_path / "measurements.json").read_text(encoding="utf-8"))) == 2
    with pytest.raises(TargetUnavailable):
        bench_path(bundle, target, Asked(), variants=["int8"], events=Silent())


def test_a_pytorch_model_folder_is_measured_in_the_precision_asked_for(classifier_folder: Path) -> None:
    options = (*QUICK, "--precision", "bf16", "--format", "json")
    (found,) = compressor("bench", classifier_folder, *options).succeeds().json

    assert (found["engine"], found["precision"], found["subject"]) == ("torch", "bf16", classifier_folder.name)
    assert found["size"]["parameters"] > 10_000
    assert found["graph"]["multiply_adds_per_token"] > 10_000
    assert found["graph"]["operators"] == {}


def test_without_pytorch_its_models_are_refused_with_what_to_install(
    classifier_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr("compressor.bench.command.find_spec", lambda name: None if name == "torch" else real(name))
    with pytest.raises(MissingExtra, match=r"pip install 'compressor\[toolkit\]'"):
        bench_path(classifier_folder, target_from(), Asked(), events=Silent())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--affinity", "first"), "0,1"),
        (("--io-binding",), "cuda"),
        (("--precision", "bf16"), "--precision"),
        (("--device", "openvino", "--no-arena"), "arena"),
        (("--server-rate", "0"), "0.001"),
        (("--affinity", "-1"), "affinity"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_measured(
    bundle: Path, options: tuple[str, ...], words: str
) -> None:
    compressor("bench", bundle, *options).fails(2, words)


def test_the_options_of_the_target_reach_it(bundle: Path) -> None:
    cpu = str(min(os.sched_getaffinity(0)))
    options = ("--variant", "int8", "--threads", "2", "--affinity", cpu, "--no-arena", "--spinning", "--format", "json")
    (found,) = compressor("bench", bundle, *QUICK, *options).succeeds().json

    assert found["target"] == f"cpu-2-spin-no-arena-on-{cpu}"


def test_a_folder_that_can_not_be_written_is_an_error_in_words(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    compressor("bench", bundle, *QUICK, "--out", tmp_path / "file" / "out").fails(2, "can't be written")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_measurement_leaves_no_process_and_no_folder_behind(
    bundle: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    options = {"env": os.environ | {"TMPDIR": str(tmp_path)}, "start_new_session": True}
    process = spawn("bench", bundle, "--seconds", "60", **options)
    try:
        until(lambda: any(tmp_path.rglob("job.json")))
        process.send_signal(sent)
        result = finish(process, timeout=30)

        assert result.code == 130, result.err
        assert "Traceback" not in result.err
        assert list(tmp_path.iterdir()) == []
        until(lambda: not alive(process.pid))
    finally:
        if alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)
