from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compressor.data.seen import Seen


@given(st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=20))
def test_it_knows_what_a_set_knows(batches: list[list[int]]) -> None:
    seen, known = Seen(), set[int]()
    for batch in batches:
        keys = np.array(batch, np.uint64)
        assert seen.contains(keys).tolist() == [key in known for key in batch]
        expected = [key not in known and key not in batch[:place] for place, key in enumerate(batch)]
        assert seen.add(keys).tolist() == expected
        known |= set(batch)
    assert len(seen) == len(known)


def test_a_growing_set_is_held_in_few_runs() -> None:
    seen = Seen()
    for start in range(0, 100_000, 100):
        seen.add(np.arange(start, start + 100, dtype=np.uint64))
    assert len(seen) == 100_000
    assert len(seen._runs) <= 12
