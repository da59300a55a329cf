"""A loaded model and the texts it is tried on: what every workload shares."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.engine import Arrays, Engine
from compressor.bench.job import Job
from compressor.bench.open_engine import open_engine
from compressor.runtime.answers import answer
from compressor.runtime.encoder import Encoder

__all__ = ["Bench"]


@dataclass(frozen=True)
class Bench:
    """A loaded model with the texts it is tried on."""

    engine: Engine
    encoder: Encoder
    task: str
    labels: Sequence[str]
    """For post-processing; empty where they aren't known."""
    texts: Sequence[str]
    pairs: Sequence[str] | None
    seed: int

    @classmethod
    def load(cls, job: Job) -> Bench:
        """Load the model and the tokenizer a job names.

        Raises:
            TargetUnavailable, BundleError: as `open_engine` does.
        """
        return cls(
            engine=open_engine(job.subject, job.placement),
            encoder=Encoder.from_folder(job.subject.folder, job.subject.max_length),
            task=job.subject.task,
            labels=job.labels,
            texts=job.texts,
            pairs=job.pairs,
            seed=job.seed,
        )

    def shuffled(self) -> Iterator[int]:
        """Texts in seeded order, again and again."""
        return cycle(np.random.default_rng(self.seed).permutation(len(self.texts)).tolist())

    def by_length(self, rows: Iterable[int]) -> list[int]:
        """These rows, the shortest in tokens first."""
        return sorted(rows, key=lambda row: self.encode([row])["input_ids"].size)

    def encode(self, rows: Sequence[int]) -> Arrays:
        """Inputs [batch, sequence] of these texts, padded to the longest."""
        pairs = None if self.pairs is None else [self.pairs[row] for row in rows]
        return self.encoder.encode([self.texts[row] for row in rows], pairs)

    def made_up(self, batch: int, sequence: int) -> Arrays:
        """Inputs of a fixed shape without padding. Ids come from real texts: some models read meaning into a few."""
        known = np.concatenate([self.encode([row])["input_ids"][0] for row in range(min(64, len(self.texts)))])
        ids = np.random.default_rng(self.seed).choice(known[known != self.encoder.pad_id], (batch, sequence))
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}

    def outputs(self, inputs: Arrays) -> list[npt.NDArray[Any]]:
        """The model's outputs on the host."""
        return self.engine.collect(self.engine.compute(self.engine.place(inputs)))

    def call(self, row: int) -> tuple[float, float]:
        """Answer one text as a user would be answered: (model alone, end to end), in ms, from the same call."""
        begin = time.perf_counter()
        placed = self.engine.place(self.encode([row]))
        ready = time.perf_counter()
        computed_outputs = self.engine.compute(placed)
        computed = time.perf_counter()
        outputs = self.engine.collect(computed_outputs)
        answer(self.task, outputs, self.labels or [str(column) for column in range(outputs[0].shape[-1])])
        return 1000 * (computed - ready), 1000 * (time.perf_counter() - begin)

    def logits(self) -> npt.NDArray[np.float32]:
        """First output of every text [texts, ...], in their order."""
        order = self.by_length(range(len(self.texts)))
        size = self.engine.accuracy_batch
        found: dict[int, npt.NDArray[np.float32]] = {}
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            output = np.asarray(self.outputs(self.encode(rows))[0], dtype=np.float32)
            found.update(zip(rows, output, strict=True))
        return np.stack([found[row] for row in range(len(order))])
