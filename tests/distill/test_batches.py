from __future__ import annotations

import pytest
import torch
from torch.utils.data import BatchSampler, SequentialSampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from compressor.distill.batches import EpochOrder, PartOfEachBatch, WholeBatches


def order(rows: int, together: int = 1) -> EpochOrder:
    lengths = torch.randint(3, 50, (rows,), generator=torch.Generator().manual_seed(1)).tolist()
    return EpochOrder(rows, lengths, 12, 7, together)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("together", [1, 2])
def test_the_parts_of_a_step_are_the_batch_of_one_process(size: int, together: int) -> None:
    rows = 118  # 10 in the last batch
    whole = list(BatchSampler(order(rows, together), 12, drop_last=False))
    parts = [list(PartOfEachBatch(order(rows, together), 12, rank=rank, size=size)) for rank in range(size)]
    assert sorted(row for part in parts for step in part for row in step) == list(range(rows))
    for step, batch in enumerate(whole):
        own = [part[step] for part in parts]
        assert sorted(row for part in own for row in part) == sorted(batch)
        assert max(map(len, own)) - min(map(len, own)) <= together
        for part in own:
            starts = part[::together]
            assert part == [start + row for start in starts for row in range(together)], "pairs stay together"


def test_a_last_batch_that_is_too_small_for_all_leaves_nobody_without_a_text() -> None:
    parts = [list(PartOfEachBatch(order(13), 12, rank=rank, size=4)) for rank in range(4)]
    assert [len(part) for part in parts] == [2, 2, 2, 2]
    assert len({part[-1][0] for part in parts}) == 1


def test_a_new_epoch_reaches_the_order_through_the_parts() -> None:
    batches = PartOfEachBatch(order(48), 12, rank=1, size=2)
    before = list(batches)
    assert list(batches) == before
    batches.sampler.set_epoch(1)  # type: ignore[union-attr]  # as the data loader does
    assert list(batches) != before


@pytest.mark.parametrize("size", [1, 2, 3])
def test_evaluation_takes_whole_batches_in_turn(size: int) -> None:
    whole = list(BatchSampler(SequentialSampler(range(20)), 8, drop_last=False))
    parts = [WholeBatches(SequentialSampler(range(20)), 8, rank=rank, size=size) for rank in range(size)]
    assert [list(part) for part in parts] == [whole[rank::size] for rank in range(size)]
    assert [len(part) for part in parts] == [len(whole[rank::size]) for rank in range(size)]


@pytest.mark.parametrize("rows", [2, 14, 640, 5004])
@pytest.mark.parametrize("together", [1, 2])
def test_length_groups_are_those_of_transformers_so_that_an_earlier_training_resumes(rows: int, together: int) -> None:
    lengths = torch.randint(3, 50, (rows,), generator=torch.Generator().manual_seed(1)).tolist()
    longest = [max(lengths[start : start + together]) for start in range(0, rows, together)]
    generator = torch.Generator().manual_seed(7 * 1_000_003)
    theirs = get_length_grouped_indices(longest, 12 // together, generator=generator)
    assert list(order(rows, together)) == [together * place + row for place in theirs for row in range(together)]
