"""Binding to `cpu` is the real thing, without a device to copy to; what a GPU adds is told by fakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.bench.io_binding import IoBindingEngine
from compressor.bench.open_engine import open_engine
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject
from compressor.errors import BundleError
from tests.bench.models import MAX_LENGTH

INPUTS = {
    "input_ids": np.array([[2, 9, 7, 3], [2, 5, 3, 0]]),
    "attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0]]),
    "token_type_ids": np.zeros((2, 4), dtype=np.int64),
}


@pytest.fixture
def subject(onnx_folder: Path) -> Subject:
    return Subject("fp32", "onnxruntime", onnx_folder, MAX_LENGTH, "text-classification")


@pytest.fixture
def engine(subject: Subject) -> IoBindingEngine:
    return IoBindingEngine(subject, Placement(), device="cpu")


def test_bound_answers_are_those_of_the_session(engine: IoBindingEngine, subject: Subject) -> None:
    plain = open_engine(subject, Placement())
    bound = engine.collect(engine.compute(engine.place(INPUTS)))

    np.testing.assert_array_equal(bound[0], plain.collect(plain.compute(plain.place(INPUTS)))[0])


def test_what_is_placed_can_be_computed_again_and_shapes_may_change(engine: IoBindingEngine) -> None:
    placed = engine.place(INPUTS)
    first = engine.collect(engine.compute(placed))[0].copy()
    shorter = engine.place({name: array[:1, :3] for name, array in INPUTS.items()})

    assert engine.collect(engine.compute(shorter))[0].shape == (1, 2)
    np.testing.assert_array_equal(engine.collect(engine.compute(placed))[0], first)


def test_inputs_the_model_cannot_compute_are_an_error_of_the_model(engine: IoBindingEngine) -> None:
    with pytest.raises(BundleError, match="bound inputs"):
        engine.compute(engine.place(INPUTS | {"input_ids": np.full((2, 4), 10**6)}))


def test_a_missing_input_is_named(engine: IoBindingEngine) -> None:
    with pytest.raises(BundleError, match="attention_mask"):
        engine.place({"input_ids": INPUTS["input_ids"]})


class Binding:
    """Takes the place of onnxruntime's, and of the session that runs it."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def bind_ortvalue_input(self, name: str, value: str) -> None:
        self.log.append(f"{name} is {value}")

    def bind_output(self, name: str, device: str) -> None:
        self.log.append(f"{name} on {device}")

    def synchronize_inputs(self) -> None:
        self.log.append("inputs are there")

    def synchronize_outputs(self) -> None:
        self.log.append("outputs are there")

    def copy_outputs_to_cpu(self) -> list[np.ndarray]:
        self.log.append("copied")
        return []

    def io_binding(self) -> Binding:
        return self

    def run_with_iobinding(self, binding: Binding) -> None:
        assert binding is self
        self.log.append("run")


def test_copies_lie_outside_the_clock_and_the_device_is_waited_for(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(array: np.ndarray, device: str, number: int) -> str:
        return f"{list(array.shape)} on {device}:{number}"

    engine = IoBindingEngine(subject, Placement(), device="cuda")
    log: list[str] = []
    monkeypatch.setattr(engine.session, "inner", Binding(log))
    monkeypatch.setattr("onnxruntime.OrtValue.ortvalue_from_numpy", copy)
    placed: Any = engine.place(INPUTS)

    assert log == [
        "input_ids is [2, 4] on cuda:0",
        "attention_mask is [2, 4] on cuda:0",
        "logits on cuda",
        "inputs are there",
    ]
    log.clear()
    outputs = engine.compute(placed)
    assert log == ["run", "outputs are there"]
    log.clear()
    engine.collect(outputs)
    assert log == ["copied"]
