"""A model that remembers what it was asked, and time that passes as a test wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.workloads import Bench, Found, run
from compressor.recipe.benchmark import WorkloadConfig
from compressor.runtime import Encoder


class Recorder:
    """A model that answers with the sum of the ids, and remembers what it was asked."""

    def __init__(self, accuracy_batch: int = 1) -> None:
        self.accuracy_batch = accuracy_batch
        self.asked: list[npt.NDArray[np.int64]] = []

    def place(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> Mapping[str, npt.NDArray[np.int64]]:
        return inputs

    def collect(self, outputs: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        return outputs

    def multiply_adds(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> None:
        return None

    def compute(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> list[npt.NDArray[Any]]:
        self.asked.append(inputs["input_ids"])
        total = (inputs["input_ids"] * inputs["attention_mask"]).sum(axis=1, dtype=np.float32)
        return [np.stack([total, -total], axis=1)]


class Clock:
    """Time that passes only when the model runs."""

    def __init__(self, engine: Recorder, seconds_a_call: float) -> None:
        self.engine, self.step = engine, seconds_a_call

    def __call__(self) -> float:
        return self.step * len(self.engine.asked)


def bench(engine: Recorder, encoder: Encoder, texts: list[str], **changes: Any) -> Bench:
    settings = {"task": "text-classification", "labels": ("bad", "good"), "pairs": None, "seed": 5} | changes
    return Bench(engine=engine, encoder=encoder, texts=texts, **settings)


def measured(model: Bench, workload: WorkloadConfig) -> Found:
    found = Found()
    run(model, workload, found)
    return found
