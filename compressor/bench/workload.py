"""The workloads: which inputs in which order, and for how long. They run inside the worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, product

import numpy as np
import numpy.typing as npt

from compressor.bench.engine import Arrays, Engine
from compressor.bench.results import Latency, Throughput
from compressor.bench.statistics import percentiles
from compressor.recipe.benchmark import DatasetWorkload, GridWorkload, ThroughputWorkload, WorkloadConfig
from compressor.runtime.answers import answer
from compressor.runtime.encoder import Encoder

__all__ = ["Bench", "Samples"]

WARM_UP_CALLS = 10
WARM_UP_SECONDS = 1.0

Samples = dict[str, npt.NDArray[np.float64]]
"""Raw latency samples in ms, by workload."""


@dataclass
class Bench:
    """A loaded model with the texts it is tried on."""

    engine: Engine
    encoder: Encoder
    task: str
    labels: Sequence[str]
    texts: Sequence[str]
    pairs: Sequence[str] | None
    seed: int
    latencies: list[Latency] = field(default_factory=list)
    throughput: Throughput | None = None
    samples: Samples = field(default_factory=dict)

    def run(self, workload: WorkloadConfig) -> None:
        """Run one workload; results are added to `latencies` or become `throughput`."""
        match workload:
            case DatasetWorkload():
                self._dataset(workload)
            case GridWorkload():
                for batch, sequence in product(workload.batch, workload.sequence):
                    self._cell(workload, batch, sequence)
            case ThroughputWorkload():
                self._throughput(workload)

    def logits(self) -> npt.NDArray[np.float32]:
        """First output of every text [texts, ...], in their order."""
        order = self._by_length()
        size = self.engine.accuracy_batch
        found: dict[int, npt.NDArray[np.float32]] = {}
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            output = np.asarray(self.engine.run(self._encode(rows))[0], dtype=np.float32)
            found.update(zip(rows, output, strict=True))
        return np.stack([found[row] for row in range(len(order))])

    def shuffled(self) -> Iterator[int]:
        """Texts in seeded order, again and again."""
        return cycle(np.random.default_rng(self.seed).permutation(len(self.texts)).tolist())

    def call(self, row: int) -> tuple[float, float]:
        """Answer one text as a user would be answered: (model alone, end to end), in ms, from the same call."""
        begin = time.perf_counter()
        inputs = self._encode([row])
        ready = time.perf_counter()
        outputs = self.engine.run(inputs)
        computed = time.perf_counter()
        answer(self.task, outputs, self.labels)
        return 1000 * (computed - ready), 1000 * (time.perf_counter() - begin)

    def _dataset(self, workload: DatasetWorkload) -> None:
        rows = self.shuffled()
        taken = _timed(lambda: self.call(next(rows)), workload)
        model, end_to_end = taken[:, 0], taken[:, 1]
        self.samples |= {"dataset.model": model, "dataset.end_to_end": end_to_end}
        self.latencies.append(Latency("dataset", 1, None, percentiles(model), percentiles(end_to_end)))

    def _cell(self, workload: GridWorkload, batch: int, sequence: int) -> None:
        inputs = self._made_up(batch, sequence)

        def call() -> tuple[float, float]:
            begin = time.perf_counter()
            self.engine.run(inputs)
            taken = 1000 * (time.perf_counter() - begin)
            return taken, taken

        model = _timed(call, workload)[:, 0]
        self.samples[f"grid.{batch}x{sequence}"] = model
        self.latencies.append(Latency("grid", batch, sequence, percentiles(model), None))

    def _throughput(self, workload: ThroughputWorkload) -> None:
        """Whole passes are not needed: batches are taken evenly from the shortest to the longest, in seeded order."""
        order = self._by_length()
        starts = np.random.default_rng(self.seed).permutation(range(0, len(order), workload.batch)).tolist()
        batches = [self._encode(order[start : start + workload.batch]) for start in starts]
        _warm_up(lambda: self.engine.run(batches[0]))
        samples = tokens = positions = 0
        begin = time.perf_counter()
        for inputs in cycle(batches):
            self.engine.run(inputs)
            samples += len(inputs["input_ids"])
            tokens += int(inputs["attention_mask"].sum())
            positions += inputs["attention_mask"].size
            seconds = time.perf_counter() - begin
            if seconds >= workload.min_seconds and samples >= len(order):
                break
        self.throughput = Throughput(
            batch=workload.batch,
            n=samples,
            samples_per_second=samples / seconds,
            tokens_per_second=tokens / seconds,
            padding_ratio=1 - tokens / positions,
        )

    def _encode(self, rows: Sequence[int]) -> Arrays:
        pairs = None if self.pairs is None else [self.pairs[row] for row in rows]
        return self.encoder.encode([self.texts[row] for row in rows], pairs)

    def _by_length(self) -> list[int]:
        lengths = [len(text) + len(self.pairs[row] if self.pairs else "") for row, text in enumerate(self.texts)]
        return sorted(range(len(lengths)), key=lengths.__getitem__)

    def _made_up(self, batch: int, sequence: int) -> Arrays:
        """Inputs of a fixed shape without padding. Ids come from real texts: some models read meaning into a few."""
        known = np.concatenate([self._encode([row])["input_ids"][0] for row in range(min(64, len(self.texts)))])
        ids = np.random.default_rng(self.seed).choice(known[known != self.encoder.pad_id], (batch, sequence))
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def _timed(call: Callable[[], tuple[float, float]], timing: DatasetWorkload | GridWorkload) -> npt.NDArray[np.float64]:
    """Samples [calls, 2] in ms, after a warm-up: at least `min_seconds` and `min_calls`, at most `max_seconds`."""
    _warm_up(call)
    taken = []
    begin = time.perf_counter()
    while True:
        taken.append(call())
        seconds = time.perf_counter() - begin
        if seconds >= timing.max_seconds or (seconds >= timing.min_seconds and len(taken) >= timing.min_calls):
            return np.asarray(taken, dtype=np.float64)


def _warm_up(call: Callable[[], object]) -> None:
    begin = time.perf_counter()
    calls = 0
    while calls < WARM_UP_CALLS or time.perf_counter() - begin < WARM_UP_SECONDS:
        call()
        calls += 1
