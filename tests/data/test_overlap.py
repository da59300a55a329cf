from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from compressor.data.overlap import Overlap

TEXTS = st.lists(st.sampled_from("abc"), max_size=8).map(" ".join)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), max_size=6)


def runs(row: Sequence[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(text.split()[at : at + length]) for text in row for at in range(len(text.split()) - length + 1)}


@given(known=ROWS, asked=ROWS, length=st.integers(2, 4))
def test_a_text_is_found_where_it_has_a_run_of_words_that_was_there(
    known: list[tuple[str, str]], asked: list[tuple[str, str]], length: int
) -> None:
    overlap = Overlap(length)
    overlap.add(known[:3])
    overlap.add(known[3:])
    there = set[tuple[str, ...]]().union(*(runs(row, length) for row in known))
    assert overlap.found_in(asked).tolist() == [bool(runs(row, length) & there) for row in asked]


def test_case_and_punctuation_do_not_count() -> None:
    overlap = Overlap(4)
    overlap.add([["“Straße” of no RETURN, he said."]])
    said = [["the strasse: of no return!"], ["strasse of return"], ["of no return he"], ["of no returns he"]]
    assert overlap.found_in(said).tolist() == [True, False, True, False]


def test_rows_are_told_apart_however_many_there_are() -> None:
    overlap = Overlap(3)
    overlap.add([[f"number {i} of many"] for i in range(0, 3_000, 7)])
    found = overlap.found_in([["a b", f"the number {i} of all"] for i in range(3_000)])
    assert found.nonzero()[0].tolist() == list(range(0, 3_000, 7))
