from __future__ import annotations

import pytest
import torch
from torch.utils.data import BatchSampler, SequentialSampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from compressor.distill.batches import EpochOrder, PartOfEachBatch, WholeBatches


def order(rows: int, together: int = 1) -> EpochOrder:
    return EpochOrder(rows, lengths(rows), 12, 7, together)


def lengths(rows: int) -> list[int]:
    found: list[int] = torch.randint(3, 50, (rows,), generator=torch.Generator().manual_seed(1)).tolist()
    return found


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
    known = lengths(rows)
    longest = [max(known[start : start + together]) for start in range(0, rows, together)]
    generator = torch.Generator().manual_seed(7 * 1_000_003)
    theirs = get_length_grouped_indices(longest, 12 // together, generator=generator)
    assert list(order(rows, together)) == [together * place + row for place in theirs for row in range(together)]


def weighed(rows: int, together: int = 1, seed: int = 7) -> EpochOrder:
    """The first quarter of the rows weighs 3, the others a third."""
    weights = [3.0] * (rows // 4) + [1 / 3] * (rows - rows // 4)
    return EpochOrder(rows, lengths(rows), 12, seed, together, weights)


@pytest.mark.parametrize("together", [1, 2])
def test_an_epoch_draws_rows_by_weight_and_is_as_long_as_without(together: int) -> None:
    drawn = list(weighed(400, together))
    assert len(drawn) == len(weighed(400, together)) == 400
    assert sum(row < 100 for row in drawn) == pytest.approx(300, abs=2 * together)
    starts = drawn[::together]
    assert drawn == [start + row for start in starts for row in range(together)], "pairs stay together"
    assert all(start % together == 0 for start in starts)


def test_weighed_rows_of_like_length_share_a_batch_and_the_longest_drawn_comes_first() -> None:
    order, known = weighed(4800), lengths(4800)
    batches = [[known[row] for row in batch] for batch in BatchSampler(order, 12, drop_last=False)]
    assert batches[0][0] == max(map(max, batches))
    assert sum(max(batch) - min(batch) for batch in batches) / len(batches) < 10


def test_an_epoch_of_weighed_rows_is_made_of_seed_and_number_alone() -> None:
    order = weighed(400)
    first = list(order)
    assert list(order) == list(weighed(400)) == first != list(weighed(400, seed=8))
    order.set_epoch(1)
    second = list(order)
    assert sorted(second) != sorted(first), "what is drawn differs, not the order alone"
    order.set_epoch(0)
    assert list(order) == first


@pytest.mark.parametrize("size", [2, 3])
def test_processes_part_the_batches_of_weighed_rows(size: int) -> None:
    whole = list(BatchSampler(weighed(118), 12, drop_last=False))
    parts = [list(PartOfEachBatch(weighed(118), 12, rank=rank, size=size)) for rank in range(size)]
    for step, batch in enumerate(whole):
        assert sorted(row for part in parts for row in part[step]) == sorted(batch)
