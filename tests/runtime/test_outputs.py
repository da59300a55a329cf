from __future__ import annotations

import numpy as np
import pytest

from compressor.runtime.outputs import Ragged, joined, relative_differences


def test_batches_are_put_behind_each_other_whatever_their_rows_are() -> None:
    dense = joined([{"logits": Ragged(np.ones((2, 3)))}, {"logits": Ragged(np.zeros((1, 3)))}])["logits"]
    assert dense.values.shape == (3, 3) and dense.offsets is None
    rows = [np.arange(2.0), np.arange(0.0), np.arange(3.0)]
    parts = [{"tags": Ragged.of(rows[:2], ragged=True)}, {"tags": Ragged.of(rows[2:], ragged=True)}]
    assert [row.tolist() for row in joined(parts)["tags"]] == [row.tolist() for row in rows]


def test_differences_are_shares_of_how_far_each_number_spreads_about_its_own_mean() -> None:
    # Classes far apart, as of a model that mostly says one: that is no spread.
    one = np.array([[100.0, -1.0], [102.0, 1.0], [101.0, 0.0]], dtype=np.float32)
    other = one + np.array([[0.0, 0.5], [0.0, 0.0], [-1.0, 0.0]], dtype=np.float32)
    found = relative_differences([{"logits": Ragged(one)}], [{"logits": Ragged(other)}])
    spread = np.sqrt((np.var([100, 102, 101]) + np.var([-1, 1, 0])) / 2)
    assert found == pytest.approx(np.array([0, 0.5, 0, 0, 1, 0]) / spread)


def test_outputs_have_each_their_own_spread_and_tokens_of_a_row_one() -> None:
    starts, ends = (Ragged.of([np.array([1.0, 3.0]), np.array([5.0])], ragged=True) for _ in "se")
    wide = Ragged(10 * ends.values, ends.offsets)
    moved = {"start": Ragged(starts.values + 1, starts.offsets), "end": Ragged(wide.values + 1, wide.offsets)}
    found = relative_differences([{"start": starts, "end": wide}], [moved])
    assert found == pytest.approx([1 / np.std([1, 3, 5])] * 3 + [1 / np.std([10, 30, 50])] * 3)


def test_nothing_can_be_said_of_outputs_that_are_all_the_same() -> None:
    same = [{"logits": Ragged(np.ones((3, 2), dtype=np.float32))}]
    assert relative_differences(same, same) is None
    assert relative_differences([], []) is None
