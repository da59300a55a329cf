from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.bench import Subject, measure
from compressor.bench.cold_start import cold_start
from compressor.bench.job import Job
from compressor.bench.placement import Placement
from compressor.bench.results import Measurement
from compressor.errors import WorkerError
from compressor.events import Silent
from compressor.recipe.benchmark import ColdStartWorkload, Target
from tests.bench.models import MAX_LENGTH


def start(subject: Subject, work: Path, processes: int = 3) -> Measurement:
    workload = ColdStartWorkload(kind="cold-start", processes=processes)
    found, _ = measure(subject, Target(), [workload], [], seed=0, work=work, events=Silent())
    return found


def test_a_cold_start_is_the_median_of_fresh_processes_and_all_are_kept(onnx_folder: Path, tmp_path: Path) -> None:
    found = start(Subject("int8", "onnxruntime", onnx_folder, MAX_LENGTH, "text-classification"), tmp_path)

    assert found.cold_start is not None
    assert found.cold_start.n == 3
    with np.load(tmp_path / "cold-start" / "samples.npz") as samples:
        assert found.cold_start.import_ms == np.median(samples["import_ms"])
        assert found.cold_start.total_ms == np.median(samples["total_ms"])
        parts = samples["import_ms"] + samples["load_ms"] + samples["first_answer_ms"]
        np.testing.assert_allclose(parts, samples["total_ms"])
        assert np.all(samples["import_ms"] > 10), "starting Python is part of it"
    assert found.latencies == ()
    assert found.memory is not None
    assert Measurement.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_it_imports_what_answering_takes_and_nothing_of_the_harness(onnx_folder: Path, tmp_path: Path) -> None:
    start(Subject("int8", "onnxruntime", onnx_folder, MAX_LENGTH, "text-classification"), tmp_path, processes=1)

    assert json.loads((tmp_path / "cold-start" / "result.json").read_text())["loaded"] == []


def test_a_pytorch_reference_starts_with_pytorch(classifier_folder: Path, tmp_path: Path) -> None:
    job = Job(
        mode="cold-start",
        subject=Subject("teacher", "torch", classifier_folder, MAX_LENGTH, "text-classification"),
        placement=Placement(),
        workloads=(),
        examples=({"text": "a good film"},),
        labels=(),
        accuracy=False,
        seed=0,
        out=tmp_path,
    )
    found = cold_start(job, Target(), 1)

    assert found.import_ms > found.first_answer_ms
    assert "torch" in json.loads((tmp_path / "result.json").read_text())["loaded"]


def test_a_start_that_fails_names_variant_target_and_part(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is damaged after speed and memory were measured."""
    module: Any = sys.modules["compressor.bench.measure"]
    folder = tmp_path / "model"
    shutil.copytree(onnx_folder, folder)
    real = module.cold_start

    def damaged(*arguments: object) -> object:
        (folder / "model.onnx").write_bytes(b"not a graph")
        return real(*arguments)

    monkeypatch.setattr(module, "cold_start", damaged)
    with pytest.raises(WorkerError, match=r"int8 on cpu-1 \(cold-start\) ended with exit code 2") as caught:
        start(Subject("int8", "onnxruntime", folder, MAX_LENGTH, "text-classification"), tmp_path / "work")
    assert "can't be loaded" in str(caught.value)
    assert "Traceback" not in str(caught.value)
