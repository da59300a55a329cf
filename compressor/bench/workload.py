"""The workloads: which inputs in which order, and for how long. They run inside the worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice, product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressor.bench.engine import Arrays, Engine
from compressor.bench.results import Latency, Throughput
from compressor.bench.statistics import percentiles
from compressor.runtime.answers import answer
from compressor.runtime.encoder import Encoder

if TYPE_CHECKING:
    from compressor.recipe.benchmark import DatasetWorkload, GridWorkload, ThroughputWorkload, WorkloadConfig

__all__ = ["Bench", "Samples"]

WARM_UP_CALLS = 10
WARM_UP_SECONDS = 1.0
"""Or `min_seconds` of the workload, where that is shorter."""
THROUGHPUT_TEXTS = 512
"""As many texts, or four batches where that is more, are put through again and again in whole passes."""

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
        if workload.kind == "dataset":
            self._dataset(workload)
        elif workload.kind == "grid":
            for batch, sequence in product(workload.batch, workload.sequence):
                self._cell(workload, batch, sequence)
        elif workload.kind == "throughput":
            self._throughput(workload)

    def logits(self) -> npt.NDArray[np.float32]:
        """First output of every text [texts, ...], in their order."""
        order = self._by_length(range(len(self.texts)))
        size = self.engine.accuracy_batch
        found: dict[int, npt.NDArray[np.float32]] = {}
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            output = np.asarray(self._run(self._encode(rows))[0], dtype=np.float32)
            found.update(zip(rows, output, strict=True))
        return np.stack([found[row] for row in range(len(order))])

    def shuffled(self) -> Iterator[int]:
        """Texts in seeded order, again and again."""
        return cycle(np.random.default_rng(self.seed).permutation(len(self.texts)).tolist())

    def call(self, row: int) -> tuple[float, float]:
        """Answer one text as a user would be answered: (model alone, end to end), in ms, from the same call."""
        begin = time.perf_counter()
        placed = self.engine.place(self._encode([row]))
        ready = time.perf_counter()
        computed_outputs = self.engine.compute(placed)
        computed = time.perf_counter()
        outputs = self.engine.collect(computed_outputs)
        answer(self.task, outputs, self.labels or [str(column) for column in range(outputs[0].shape[-1])])
        return 1000 * (computed - ready), 1000 * (time.perf_counter() - begin)

    def _dataset(self, workload: DatasetWorkload) -> None:
        # The warm-up is as long as it takes; every model is then measured from the same text on.
        warm, rows = self.shuffled(), self.shuffled()
        _warm_up(lambda: self.call(next(warm)), workload.min_seconds)
        taken = _timed(lambda: self.call(next(rows)), workload)
        model, end_to_end = taken[:, 0], taken[:, 1]
        self.samples |= {"dataset.model": model, "dataset.end_to_end": end_to_end}
        self.latencies.append(Latency("dataset", 1, None, percentiles(model), percentiles(end_to_end)))

    def _cell(self, workload: GridWorkload, batch: int, sequence: int) -> None:
        placed = self.engine.place(self._made_up(batch, sequence))

        def call() -> tuple[float, float]:
            begin = time.perf_counter()
            self.engine.compute(placed)
            taken = 1000 * (time.perf_counter() - begin)
            return taken, taken

        _warm_up(call, workload.min_seconds)
        model = _timed(call, workload)[:, 0]
        self.samples[f"grid.{batch}x{sequence}"] = model
        self.latencies.append(Latency("grid", batch, sequence, percentiles(model), None))

    def _throughput(self, workload: ThroughputWorkload) -> None:
        """Whole passes over the same seeded choice of texts, tokenized beforehand: short and long have equal parts."""
        chosen = list(islice(self.shuffled(), min(len(self.texts), max(THROUGHPUT_TEXTS, 4 * workload.batch))))
        order = self._by_length(chosen)
        batches = [self._encode(order[i : i + workload.batch]) for i in range(0, len(order), workload.batch)]
        # The longest batch is the one for which memory has to be had.
        _warm_up(lambda: self._run(batches[-1]), workload.min_seconds, calls=2)
        passes, seconds = 0, 0.0
        begin = time.perf_counter()
        while seconds < workload.min_seconds:
            for inputs in batches:
                self._run(inputs)
            passes, seconds = passes + 1, time.perf_counter() - begin
        tokens = sum(int(inputs["attention_mask"].sum()) for inputs in batches)
        positions = sum(inputs["attention_mask"].size for inputs in batches)
        self.throughput = Throughput(
            batch=workload.batch,
            n=passes * len(chosen),
            samples_per_second=passes * len(chosen) / seconds,
            tokens_per_second=passes * tokens / seconds,
            padding_ratio=1 - tokens / positions,
        )

    def _run(self, inputs: Arrays) -> list[npt.NDArray[Any]]:
        return self.engine.collect(self.engine.compute(self.engine.place(inputs)))

    def _encode(self, rows: Sequence[int]) -> Arrays:
        pairs = None if self.pairs is None else [self.pairs[row] for row in rows]
        return self.encoder.encode([self.texts[row] for row in rows], pairs)

    def _by_length(self, rows: Iterable[int]) -> list[int]:
        """These rows, the shortest in tokens first."""
        return sorted(rows, key=lambda row: self._encode([row])["input_ids"].size)

    def _made_up(self, batch: int, sequence: int) -> Arrays:
        """Inputs of a fixed shape without padding. Ids come from real texts: some models read meaning into a few."""
        known = np.concatenate([self._encode([row])["input_ids"][0] for row in range(min(64, len(self.texts)))])
        ids = np.random.default_rng(self.seed).choice(known[known != self.encoder.pad_id], (batch, sequence))
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def _timed(call: Callable[[], tuple[float, float]], timing: DatasetWorkload | GridWorkload) -> npt.NDArray[np.float64]:
    """Samples [calls, 2] in ms: at least `min_seconds` and `min_calls`, at most `max_seconds`."""
    taken = []
    begin = time.perf_counter()
    while True:
        taken.append(call())
        seconds = time.perf_counter() - begin
        if seconds >= timing.max_seconds or (seconds >= timing.min_seconds and len(taken) >= timing.min_calls):
            return np.asarray(taken, dtype=np.float64)


def _warm_up(call: Callable[[], object], min_seconds: float, calls: int = WARM_UP_CALLS) -> None:
    begin = time.perf_counter()
    done = 0
    while done < calls or time.perf_counter() - begin < min(WARM_UP_SECONDS, min_seconds):
        call()
        done += 1
