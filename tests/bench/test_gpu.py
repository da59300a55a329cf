"""The real thing: skipped, with the reason, where there is no GPU or a package is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from compressor.bench import Subject, measure, target_reason
from compressor.bench.device_memory import process_memory_mb
from compressor.bench.engine import Engine
from compressor.bench.open_engine import open_engine
from compressor.bench.placement import Placement
from compressor.events import Silent
from compressor.recipe.benchmark import GridWorkload, Target
from tests.bench.models import MAX_LENGTH

pytestmark = pytest.mark.gpu

INPUTS = {
    "input_ids": np.array([[2, 9, 7, 3], [2, 5, 3, 0]]),
    "attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0]]),
}
CUDA = Target(device="cuda")
BOUND = Target(device="cuda", io_binding=True)
TENSORRT = Target(device="tensorrt")


def needs(target: Target, engine: Literal["onnxruntime", "torch"] = "onnxruntime") -> None:
    if reason := target_reason(target, engine):
        pytest.skip(f"{target.name} with {engine}: {reason}")


def onnx(folder: Path) -> Subject:
    return Subject("fp32", "onnxruntime", folder, MAX_LENGTH, "text-classification")


def torch_subject(folder: Path, precision: Literal["fp32", "bf16"] = "fp32") -> Subject:
    return Subject("teacher", "torch", folder, MAX_LENGTH, "text-classification", precision=precision)


def answer(engine: Engine) -> np.ndarray:
    (logits,) = engine.collect(engine.compute(engine.place(INPUTS)))
    return np.asarray(logits)


@pytest.mark.parametrize("target", [CUDA, BOUND, TENSORRT], ids=lambda target: target.name)
def test_a_gpu_answers_as_the_cpu_does(onnx_folder: Path, target: Target) -> None:
    needs(target)
    found = answer(open_engine(onnx(onnx_folder), Placement.of(target)))

    np.testing.assert_allclose(found, answer(open_engine(onnx(onnx_folder), Placement())), atol=1e-3)


@pytest.mark.parametrize("target", [CUDA, BOUND], ids=lambda target: target.name)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_torch_reference_answers_as_on_the_cpu(
    classifier_folder: Path, target: Target, precision: Literal["fp32", "bf16"]
) -> None:
    needs(target, "torch")
    found = answer(open_engine(torch_subject(classifier_folder, precision), Placement.of(target)))

    np.testing.assert_allclose(found, answer(open_engine(torch_subject(classifier_folder), Placement())), atol=2e-2)


def test_the_driver_tells_what_a_process_holds(classifier_folder: Path) -> None:
    needs(CUDA, "torch")
    answer(open_engine(torch_subject(classifier_folder), Placement.of(CUDA)))
    held = process_memory_mb()
    if held is None:
        pytest.skip("the driver doesn't account by process here, or the extra cuda is not installed")

    assert held > 10, "a context alone takes more"


def test_binding_is_a_row_of_its_own(onnx_folder: Path, tmp_path: Path) -> None:
    needs(BOUND)
    workload = GridWorkload(kind="grid", batch=(2,), sequence=(8,), min_seconds=0.1, min_calls=100)
    found, _ = measure(onnx(onnx_folder), BOUND, [workload], [], seed=1, work=tmp_path, events=Silent())

    assert found.target == "cuda-bound"
    assert found.latencies[0].model.n >= 100
