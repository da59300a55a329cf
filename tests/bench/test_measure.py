from __future__ import annotations

import json
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from compressor.bench import Subject, measure
from compressor.bench.results import Measurement
from compressor.errors import TargetUnavailable, WorkerError
from compressor.events import Silent
from compressor.recipe.benchmark import DatasetWorkload, GridWorkload, Target, ThroughputWorkload, WorkloadConfig
from compressor.runtime.outputs import Ragged
from tests.bench.models import MAX_LENGTH, logits_by_hand

DATASET = DatasetWorkload(kind="dataset", min_seconds=0.01, min_calls=70)
WORKLOADS: list[WorkloadConfig] = [
    DATASET,
    GridWorkload(kind="grid", batch=(2,), sequence=(8, 500), min_seconds=0.01, min_calls=10),
    ThroughputWorkload(kind="throughput", batch=8, min_seconds=0.01),
]


class Notes(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.steps: list[tuple[float, float | None]] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        self.steps.append((done, total))


def onnx(folder: Path) -> Subject:
    return Subject("int8", "onnxruntime", folder, MAX_LENGTH, "text-classification", parameters=1234)


def run(
    subject: Subject,
    work: Path,
    *,
    target: Target = Target(),  # noqa: B008  # frozen
    workloads: list[WorkloadConfig] | None = None,
    examples: list[dict[str, str]] | None = None,
    events: Silent | None = None,
) -> tuple[Measurement, Mapping[str, Ragged] | None]:
    return measure(
        subject,
        target,
        [DATASET] if workloads is None else workloads,
        examples or [],
        seed=3,
        work=work,
        events=events or Silent(),
    )


def executable(path: Path, script: str) -> Path:
    """A stand-in for the Python that workers are started with."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(scope="module")
def examples(texts: list[str]) -> list[dict[str, str]]:
    return [{"text": text} for text in texts]


def test_an_onnx_model_is_measured_in_every_way(
    onnx_folder: Path, tmp_path: Path, examples: list[dict[str, str]], texts: list[str]
) -> None:
    events = Notes()
    found, logits = run(onnx(onnx_folder), tmp_path, workloads=WORKLOADS, examples=examples, events=events)

    assert logits is not None
    np.testing.assert_allclose(logits["logits"].values, logits_by_hand(onnx_folder, texts), atol=1e-5)
    assert (found.subject, found.engine, found.target) == ("int8", "onnxruntime", "cpu-1")
    assert found.size.parameters == 1234
    assert found.size.model_mb == (onnx_folder / "model.onnx").stat().st_size / 1e6

    assert [(cell.workload, cell.batch, cell.sequence) for cell in found.latencies] == [
        ("dataset", 1, None),
        ("grid", 2, 8),
    ]
    assert events.warnings == ["int8 takes at most 64 tokens: longer cells of the grid are left out."]
    latency = found.latency()
    assert latency is not None
    assert latency.end_to_end is not None
    assert latency.end_to_end.n == latency.model.n >= 70
    assert found.throughput is not None
    assert found.throughput.n >= len(texts)
    assert found.environment["threads"]["OMP_NUM_THREADS"] == "1"
    assert list(latency.model.intervals) == ["p50", "p90"]
    assert latency.histogram is not None
    assert sum(latency.histogram.counts) == latency.model.n
    assert found.graph is not None
    assert (found.graph.tokens, found.graph.operators["Gather"]) == (64, 1)
    assert found.lengths is not None
    assert (found.lengths.n, found.lengths.cut) == (len(texts), 0)
    assert found.memory is not None and found.measuring_peak_mb is not None
    assert found.measuring_peak_mb >= found.memory.peak_mb
    assert (events.steps[0], events.steps[-1]) == ((0, 2), (2, 2))

    assert Measurement.from_json(json.loads(json.dumps(found.to_json()))) == found
    with np.load(tmp_path / "speed" / "samples.npz") as samples:
        assert len(samples["dataset.model"]) == latency.model.n
        assert set(samples) == {"dataset.model", "dataset.end_to_end", "grid.2x8"}
    assert not list(tmp_path.rglob("job.json")), "the texts stay out of what is kept"


def test_a_grid_of_lengths_a_model_does_not_take_is_left_out_and_the_rest_is_measured(
    onnx_folder: Path, tmp_path: Path
) -> None:
    grid = GridWorkload(kind="grid", sequence=(128, 500), min_seconds=0.01, min_calls=10)
    events = Notes()
    found, _ = run(onnx(onnx_folder), tmp_path, workloads=[grid, DATASET], events=events)

    assert [latency.workload for latency in found.latencies] == ["dataset"]
    assert found.memory is not None
    assert len(events.warnings) == 1


def test_memory_is_read_in_a_process_that_holds_the_model_and_nothing_else(onnx_folder: Path, tmp_path: Path) -> None:
    found, logits = run(onnx(onnx_folder), tmp_path)

    assert logits is None, "without examples there is nothing to be right about"
    assert found.memory is not None
    assert 10 < found.memory.imports_mb <= found.memory.load_mb
    assert found.memory.peak_mb >= found.memory.imports_mb
    if sys.platform == "linux":
        assert found.memory.anonymous_mb is not None
        assert found.memory.file_mb is not None
        assert found.memory.anonymous_mb + found.memory.file_mb <= found.memory.peak_mb + 1
    assert json.loads((tmp_path / "memory" / "result.json").read_text())["loaded"] == []
    assert "torch" not in json.loads((tmp_path / "speed" / "result.json").read_text())["loaded"]


def test_a_torch_reference_answers_in_order_and_pays_for_its_imports(
    classifier_folder: Path, tmp_path: Path, examples: list[dict[str, str]], texts: list[str]
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    subject = Subject("teacher", "torch", classifier_folder, MAX_LENGTH, "text-classification")
    found, logits = run(subject, tmp_path, examples=examples)

    model = AutoModelForSequenceClassification.from_pretrained(classifier_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(classifier_folder)
    with torch.inference_mode():
        expected = torch.cat([model(**tokenizer(text, return_tensors="pt")).logits for text in texts]).numpy()
    assert logits is not None
    np.testing.assert_allclose(logits["logits"].values, expected, atol=1e-5)
    assert found.size.model_mb == (classifier_folder / "model.safetensors").stat().st_size / 1e6
    assert found.memory is not None
    assert found.memory.imports_mb > 100
    assert (found.precision, found.size.parameters) == ("fp32", model.num_parameters())
    assert found.latency() is not None


def test_without_workloads_only_the_answers_are_taken(
    onnx_folder: Path, tmp_path: Path, examples: list[dict[str, str]]
) -> None:
    found, logits = run(onnx(onnx_folder), tmp_path, workloads=[], examples=examples)

    assert logits is not None
    assert (found.latencies, found.throughput, found.memory) == ((), None, None)
    assert (found.graph, found.lengths) == (None, None)


def test_a_target_that_is_not_here_is_skipped_with_its_reason(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found, logits = run(onnx(onnx_folder), tmp_path, target=Target(device="cuda"))

    assert logits is None
    assert found.skipped is not None
    assert found.skipped.reason == "there is no NVIDIA GPU"
    assert found.size.model_mb > 0
    assert Measurement.from_json(found.to_json()) == found


def test_a_required_target_that_is_not_here_is_an_error(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(TargetUnavailable, match=r"cuda is required.*no NVIDIA GPU") as caught:
        run(onnx(onnx_folder), tmp_path, target=Target(device="cuda", required=True))
    assert caught.value.exit_code == 3


def test_a_device_that_would_fall_back_silently_is_an_error_even_where_it_is_not_required(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CPU figure under the name of a GPU is worse than none: here the device files lie, and the worker finds out."""
    monkeypatch.setattr(sys.modules["compressor.bench.measure"], "target_reason", lambda *_: None)
    with pytest.raises(TargetUnavailable, match=r"int8 can't be measured on cuda: .*CUDAExecutionProvider"):
        run(onnx(onnx_folder), tmp_path, target=Target(device="cuda"))


def test_a_damaged_model_is_named_with_the_last_words_of_its_process(onnx_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes((onnx_folder / "tokenizer.json").read_bytes())
    (folder / "model.onnx").write_bytes(b"not a graph")

    with pytest.raises(WorkerError, match=r"int8 on cpu-1 \(speed\)") as caught:
        run(onnx(folder), tmp_path / "work")
    assert "can't be loaded" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_crash_shows_the_end_of_what_it_said(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "i=1; while [ $i -le 20 ]; do echo line $i >&2; i=$((i+1)); done; exit 1"
    monkeypatch.setattr(sys, "executable", str(executable(tmp_path / "python", script)))
    with pytest.raises(WorkerError, match="ended with exit code 1") as caught:
        run(onnx(onnx_folder), tmp_path / "work")
    assert "line 20" in str(caught.value)
    assert "line 12\n" not in str(caught.value)


def test_of_a_traceback_only_its_message_is_shown(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    said.write_text('Traceback (most recent call last):\n  File "a.py", line 1, in run\n    go()\nOops: no room\n')
    monkeypatch.setattr(sys, "executable", str(executable(tmp_path / "python", f"cat {said} >&2; exit 1")))
    with pytest.raises(WorkerError, match="Oops: no room") as caught:
        run(onnx(onnx_folder), tmp_path / "work")
    assert "Traceback" not in str(caught.value) and "a.py" not in str(caught.value)


def test_a_killed_process_points_to_memory(onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(executable(tmp_path / "python", "kill -9 $$")))
    with pytest.raises(WorkerError, match=r"int8 on cpu-1.*was killed by SIGKILL") as caught:
        run(onnx(onnx_folder), tmp_path / "work")
    assert "memory ran out" in str(caught.value)


def test_a_process_that_leaves_no_result_is_not_taken_for_success(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where an earlier attempt left one in the same folder."""
    (tmp_path / "work" / "speed").mkdir(parents=True)
    (tmp_path / "work" / "speed" / "result.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(sys, "executable", str(executable(tmp_path / "python", "exit 0")))
    with pytest.raises(WorkerError):
        run(onnx(onnx_folder), tmp_path / "work")


def test_an_interrupt_ends_the_worker_too(onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_file = tmp_path / "pid"
    stand_in = executable(tmp_path / "python", f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 60")
    monkeypatch.setattr(sys, "executable", str(stand_in))

    def interrupt() -> None:
        while not pid_file.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(onnx(onnx_folder), tmp_path / "work")
    thread.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text(encoding="utf-8")), 0)


def test_a_file_of_the_users_folder_does_not_stand_in_for_a_library(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    _, logits = run(onnx(onnx_folder), tmp_path / "work", workloads=[], examples=[{"text": "a good film"}])

    assert logits is not None


def test_pairs_of_texts_are_measured_as_pairs(onnx_folder: Path, tmp_path: Path) -> None:
    pair = [{"text": "a good film", "text_pair": "the plot"}]
    _, together = run(onnx(onnx_folder), tmp_path / "pair", workloads=[], examples=pair)
    _, alone = run(onnx(onnx_folder), tmp_path / "alone", workloads=[], examples=[{"text": "a good film"}])

    assert together is not None
    assert alone is not None
    assert not np.allclose(together["logits"].values, alone["logits"].values)
