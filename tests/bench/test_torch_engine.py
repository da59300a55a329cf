from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from compressor.bench.placement import Placement
from compressor.bench.subject import Subject
from compressor.bench.torch_engine import TorchEngine, assert_parameters
from compressor.errors import TargetUnavailable
from tests.deploy.models import write_classifier

Precision = Literal["fp32", "bf16"]
INPUTS = {
    "input_ids": np.array([[2, 9, 7, 8, 10, 6, 3], [2, 5, 3, 0, 0, 0, 0]]),
    "attention_mask": np.array([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0]]),
    "not_an_input_of_the_model": np.zeros((2, 7), dtype=np.int64),
}


def open_(folder: Path, placement: Placement | None = None, precision: Precision = "fp32") -> TorchEngine:
    subject = Subject("teacher", "torch", folder, 32, "text-classification", precision=precision)
    return TorchEngine(subject, placement or Placement())


def answer(engine: TorchEngine) -> np.ndarray:
    (logits,) = engine.collect(engine.compute(engine.place(INPUTS)))
    return logits


def test_bf16_answers_nearly_as_fp32_and_not_quite(classifier_folder: Path) -> None:
    exact, rounded = answer(open_(classifier_folder)), answer(open_(classifier_folder, precision="bf16"))

    assert rounded.dtype == np.float32
    assert 0 < np.abs(rounded - exact).max() < 0.02


def test_a_student_without_layers_is_measured_too(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "static", "static-embeddings")
    exact, rounded = answer(open_(folder)), answer(open_(folder, precision="bf16"))
    assert exact.shape == (2, 2)
    assert 0 < np.abs(rounded - exact).max() < 0.1


def test_inputs_that_lie_on_the_device_give_the_same_answer(classifier_folder: Path) -> None:
    bound = open_(classifier_folder, Placement(io_binding=True))
    placed = bound.place(INPUTS)

    assert set(placed) == {"input_ids", "attention_mask"}
    assert all(isinstance(tensor, torch.Tensor) for tensor in placed.values())
    np.testing.assert_array_equal(answer(bound), answer(open_(classifier_folder)))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_multiply_adds_are_those_of_the_formula_attention_included(
    classifier_folder: Path, precision: Precision
) -> None:
    """Of the tiny BERT: 4 layers, 32 wide, 64 in between, 2 classes."""
    batch, sequence, hidden, between, layers, classes = 2, 7, 32, 64, 4, 2
    projections = 4 * sequence * hidden * hidden
    attention = 2 * sequence * sequence * hidden
    feed_forward = 2 * sequence * hidden * between
    head = hidden * hidden + hidden * classes

    found = open_(classifier_folder, precision=precision).multiply_adds(INPUTS)
    assert found == batch * (layers * (projections + attention + feed_forward) + head)


def test_a_parameter_in_another_precision_is_refused() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2, dtype=torch.bfloat16), torch.nn.LayerNorm(2))
    with pytest.raises(TargetUnavailable, match=r"1\.weight is torch\.float32, and torch\.bfloat16 was asked for"):
        assert_parameters(model, torch.bfloat16, torch.device("cpu"))


def test_a_parameter_on_another_device_is_refused() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2, device="meta"))
    with pytest.raises(TargetUnavailable, match=r"1\.weight is on meta, and cpu was asked for"):
        assert_parameters(model, torch.float32, torch.device("cpu"))


@pytest.mark.parametrize("device", ["tensorrt", "openvino"])
def test_torch_has_no_part_in_other_providers(tmp_path: Path, device: Literal["tensorrt", "openvino"]) -> None:
    with pytest.raises(TargetUnavailable, match=f"PyTorch doesn't run on {device}"):
        open_(tmp_path, Placement(device))


def test_a_gpu_that_torch_cannot_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TargetUnavailable, match="finds no GPU"):
        open_(tmp_path, Placement("cuda"))


@pytest.mark.parametrize("bound", [False, True])
def test_a_gpu_is_waited_for_before_the_clock_stops(
    classifier_folder: Path, monkeypatch: pytest.MonkeyPatch, bound: bool
) -> None:
    """Without binding the copy to the host waits, and needs no second wait."""
    engine = open_(classifier_folder, Placement(io_binding=bound))
    waits: list[None] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waits.append(None))
    monkeypatch.setattr(engine, "on_device", lambda inputs, real=engine.on_device: real(inputs))
    placed = engine.place(INPUTS)
    monkeypatch.setattr(engine, "_device", torch.device("cuda"))
    monkeypatch.setattr(engine, "on_device", lambda _: {k: torch.from_numpy(v) for k, v in list(INPUTS.items())[:2]})
    outputs = engine.compute(placed)

    (logits,) = outputs
    assert logits.shape == (2, 2)
    assert len(waits) == bound
