"""A model that remembers what it was asked, and time that passes as a test wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.workloads import Bench, Found, run
from compressor.recipe.benchmark import WorkloadConfig
from compressor.runtime import Encoder, runtime_task
from compressor.runtime.tasks import Settings


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


def bench(
    engine: Recorder,
    encoder: Encoder,
    texts: list[str],
    *,
    pairs: list[str] | None = None,
    labels: tuple[str, ...] = ("bad", "good"),
) -> Bench:
    examples = [{"text": text} for text in texts]
    if pairs is not None:
        examples = [example | {"text_pair": pair} for example, pair in zip(examples, pairs, strict=True)]
    task = runtime_task("text-classification")
    return Bench(engine=engine, encoder=encoder, task=task, settings=Settings(labels), examples=examples, seed=5)


def measured(model: Bench, workload: WorkloadConfig) -> Found:
    found = Found()
    run(model, workload, found)
    return found
