"""A loaded model and the examples it is tried on: what every workload shares."""

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
from compressor.runtime.encoder import Encoder
from compressor.runtime.outputs import Ragged, joined
from compressor.runtime.tasks import Encoded, Example, RuntimeTask, Settings, runtime_task

__all__ = ["Bench"]


@dataclass(frozen=True)
class Bench:
    """A loaded model with the examples it is tried on."""

    engine: Engine
    encoder: Encoder
    task: RuntimeTask
    settings: Settings
    """For post-processing."""
    examples: Sequence[Example]
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
            task=runtime_task(job.subject.task),
            settings=Settings(job.labels, job.options),
            examples=job.examples,
            seed=job.seed,
        )

    def shuffled(self) -> Iterator[int]:
        """Examples in seeded order, again and again."""
        return cycle(np.random.default_rng(self.seed).permutation(len(self.examples)).tolist())

    def by_length(self, examples: Iterable[int]) -> list[int]:
        """These examples, the shortest in tokens first."""
        return sorted(examples, key=lambda example: sum(map(len, self.encode([example]).rows)))

    def encode(self, examples: Sequence[int]) -> Encoded:
        """These examples as rows of tokens."""
        return self.task.encode(self.encoder, [self.examples[example] for example in examples])

    def inputs(self, examples: Sequence[int]) -> Arrays:
        """Inputs [batch, sequence] of these examples, padded to the longest."""
        return self.encode(examples).inputs(self.encoder)

    def made_up(self, batch: int, sequence: int) -> Arrays:
        """Inputs of a fixed shape without padding. Ids come from real texts: some models read meaning into a few."""
        known = np.concatenate([self.inputs([row])["input_ids"].ravel() for row in range(min(64, len(self.examples)))])
        ids = np.random.default_rng(self.seed).choice(known[known != self.encoder.pad_id], (batch, sequence))
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}

    def outputs(self, inputs: Arrays) -> list[npt.NDArray[Any]]:
        """The model's outputs on the host."""
        return self.engine.collect(self.engine.compute(self.engine.place(inputs)))

    def call(self, example: int) -> tuple[float, float]:
        """Answer one example as a user would be answered: (model alone, end to end), in ms, from the same call."""
        begin = time.perf_counter()
        encoded = self.encode([example])
        placed = self.engine.place(encoded.inputs(self.encoder))
        ready = time.perf_counter()
        computed_outputs = self.engine.compute(placed)
        computed = time.perf_counter()
        arrays = self.engine.collect(computed_outputs)
        self.task.decode(self._reduced(arrays, encoded), encoded, self.settings)
        return 1000 * (computed - ready), 1000 * (time.perf_counter() - begin)

    def all_outputs(self) -> dict[str, Ragged]:
        """What is kept of the outputs for every row that the examples became, in their order."""
        rows = [
            (len(row), example, place)
            for example in range(len(self.examples))
            for place, row in enumerate(self.encode([example]).rows)
        ]
        order = sorted(range(len(rows)), key=lambda position: rows[position][0])
        size = self.engine.accuracy_batch
        found: dict[int, dict[str, npt.NDArray[Any]]] = {}
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            encoded = self._rows([rows[position][1:] for position in batch])
            reduced = self.kept_outputs(encoded, size)
            for place, position in enumerate(batch):
                found[position] = {name: np.asarray(ragged[place]) for name, ragged in reduced.items()}
            ragged_names = {name for name, ragged in reduced.items() if ragged.offsets is not None}
        return {
            name: Ragged.of([found[position][name] for position in range(len(rows))], ragged=name in ragged_names)
            for name in found[0]
        }

    def kept_outputs(self, encoded: Encoded, batch: int) -> dict[str, Ragged]:
        """What is kept of the outputs for every row, `batch` rows computed at once, in single precision."""
        parts = []
        for start in range(0, len(encoded.rows), batch):
            rows = slice(start, start + batch)
            part = Encoded(encoded.examples, encoded.rows[rows], encoded.example_of_row[rows])
            arrays = [np.asarray(array, dtype=np.float32) for array in self.outputs(part.inputs(self.encoder))]
            parts.append(self._reduced(arrays, part))
        return joined(parts)

    def _rows(self, chosen: Sequence[tuple[int, int]]) -> Encoded:
        """Single rows, (example, which of its rows), as one batch."""
        wholes = {example: self.encode([example]) for example, _ in chosen}
        return Encoded(
            [self.examples[example] for example, _ in chosen],
            [wholes[example].rows[place] for example, place in chosen],
            np.arange(len(chosen), dtype=np.int64),
        )

    def _reduced(self, arrays: Sequence[npt.NDArray[Any]], encoded: Encoded) -> dict[str, Ragged]:
        options = self.settings.options
        return self.task.reduce(arrays, encoded, pads_left=self.encoder.pads_left, options=options)
