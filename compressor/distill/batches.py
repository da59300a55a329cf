"""In which order examples come, in which batches, and what of them each of several processes takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import BatchSampler, DataLoader, Sampler

from compressor.data.balance import drawn

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["EpochOrder", "PartOfEachBatch", "PoissonBatches", "WholeBatches", "loader"]

_BATCHES_OF_LIKE_LENGTH = 50
"""So many batches are drawn, then sorted by length: `transformers` takes as many."""
_ROWS_AT_ONCE = 10_000


class EpochOrder(Sampler[int]):
    """The order of the training examples, made of the seed and the epoch alone: a resumed epoch has the same.

    With weights an epoch has as many rows as without, each as often as its weight says: on average the gradient is that
    of the weighted loss, whatever the loss. Source: An, Ying and Zhu 2021 (arXiv 2009.13447), where such draws do
    better than weights on the loss.
    """

    def __init__(
        self,
        size: int,
        lengths: npt.ArrayLike | None,
        batch: int,
        seed: int,
        together: int = 1,
        weights: npt.ArrayLike | None = None,
    ) -> None:
        """
        Args:
            lengths: tokens of each row [rows], where texts of like length are to be in one batch.
            together: how many rows, one behind the other, stay so.
            weights: of each row [rows]; rows that stay together have the same.
        """
        self.size = size
        self.together = together
        # Memory holds 4 bytes a row for these, and 8 for the order.
        self.lengths = None if lengths is None else np.asarray(lengths, np.int32)
        self.weights = None if weights is None else np.asarray(weights, np.float64)[::together]
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer's data loader before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        rows = self.together
        order = self._drawn(self.size // rows)
        if self.lengths is not None:
            longest = np.maximum.reduceat(self.lengths, np.arange(0, self.size, rows)) if rows > 1 else self.lengths
            order = _grouped_by_length(order, longest, max(1, self.batch // rows))
        for start in range(0, len(order), _ROWS_AT_ONCE):
            for place in order[start : start + _ROWS_AT_ONCE].tolist():
                yield from range(rows * place, rows * (place + 1))

    def _drawn(self, count: int) -> npt.NDArray[np.int64]:
        """Places of this epoch, in random order [count]."""
        seed = self.seed * 1_000_003 + self.epoch
        if self.weights is not None:
            return drawn(self.weights, count, np.random.default_rng(seed))
        order: npt.NDArray[np.int64] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).numpy()
        return order


def _grouped_by_length(
    order: npt.NDArray[np.int64], lengths: npt.NDArray[np.int32], batch: int
) -> npt.NDArray[np.int64]:
    """The order, sorted by falling length within every so many batches, and the longest row first of all, so that
    memory fails at once.

    The same as `get_length_grouped_indices` of transformers, which takes three times the memory.
    """
    together = batch * max(1, min(len(order) // (4 * batch), _BATCHES_OF_LIKE_LENGTH))
    starts = range(0, len(order), together)
    found = np.empty_like(order)
    for start in starts:
        drawn = order[start : start + together]
        found[start : start + together] = drawn[np.argsort(-lengths[drawn], kind="stable")]
    if len(found):
        longest = starts[int(np.argmax(lengths[found[::together]]))]
        found[[0, longest]] = found[[longest, 0]]
    return found


class PartOfEachBatch(BatchSampler):
    """For training: of each batch the part of one process, so that all take a step on the batch that one would take.

    Parts differ by no more than one example. Where a batch, the last of an epoch, has fewer examples than there are
    processes, the first example is some parts more than once: every process must have something to compute.
    """

    def __init__(self, order: EpochOrder, batch: int, *, rank: int, size: int) -> None:
        super().__init__(order, batch, drop_last=False)
        self.together = order.together
        self.rank = rank
        self.size = size

    def __iter__(self) -> Iterator[list[int]]:
        rows = self.together
        for batch in super().__iter__():
            examples = [batch[start : start + rows] for start in range(0, len(batch), rows)]
            yield [row for example in examples[self.rank :: self.size] or examples[:1] for row in example]


class PoissonBatches(Sampler[list[int]]):
    """For private training: each step takes each example with the same probability, whatever else it takes, so that
    batches differ in size and may be empty.

    What is drawn comes from the randomness of the operating system, and is another one each time: to know which steps
    took an example would be to know more than the account of privacy allows.
    """

    def __init__(self, examples: npt.NDArray[np.int64], rate: float, steps: int, parts: int = 1) -> None:
        """
        Args:
            examples: number of the example that each row is of [rows]: those of one example lie together.
            steps: of an epoch.
            parts: batches into which each step is parted; some may be empty.
        """
        self.starts = np.flatnonzero(np.diff(examples, prepend=-1, append=-1))
        self.rate = rate
        self.steps = steps
        self.parts = parts
        self.random = np.random.default_rng()

    def __len__(self) -> int:
        return self.steps * self.parts

    def __iter__(self) -> Iterator[list[int]]:
        for _ in range(self.steps):
            drawn = np.flatnonzero(self.random.random(len(self.starts) - 1) < self.rate)
            for part in np.array_split(drawn, self.parts):
                yield [row for one in part for row in range(self.starts[one], self.starts[one + 1])]


class WholeBatches(BatchSampler):
    """For evaluation: every so many-th batch is a process's, as it would be for one alone."""

    def __init__(self, order: Sampler[int], batch: int, *, rank: int, size: int) -> None:
        super().__init__(order, batch, drop_last=False)
        self.rank = rank
        self.size = size

    def __len__(self) -> int:
        return len(range(self.rank, super().__len__(), self.size))

    def __iter__(self) -> Iterator[list[int]]:
        return (batch for number, batch in enumerate(super().__iter__()) if number % self.size == self.rank)


def loader(
    dataset: Dataset, batches: Sampler[list[int]], collate: Any, device: torch.device, *, pin_memory: bool
) -> Any:
    """Loads these batches, as they are, onto the device."""
    plain: DataLoader[Any] = DataLoader(
        dataset,
        batch_sampler=batches,
        collate_fn=collate,
        pin_memory=pin_memory,
    )
    # Accelerate's own would part batches among processes a second time.
    return prepare_data_loader(plain, device, num_processes=1, process_index=0, put_on_device=True)
