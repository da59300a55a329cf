from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compressor.report.charts.scatter import pareto_front

coordinate = st.integers(0, 6).map(float)
points = st.lists(st.tuples(coordinate, coordinate), max_size=14)


def better(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """As the definition has it: no worse in both, better in one."""
    return one[0] <= other[0] and one[1] >= other[1] and (one[0] < other[0] or one[1] > other[1])


def test_the_front_of_a_known_set() -> None:
    known = [(9.3, 0.848), (4.5, 0.809), (4.5, 0.826), (3.0, 0.826), (0.91, 0.8234)]
    assert pareto_front(known) == [4, 3, 0]


def test_equal_points_are_both_on_the_front() -> None:
    assert pareto_front([(1, 1), (1, 1), (2, 1)]) == [0, 1]
    assert pareto_front([]) == []


@given(points)
def test_nothing_beats_the_front_and_something_beats_the_rest(found: list[tuple[float, float]]) -> None:
    front = set(pareto_front(found))
    for i, point in enumerate(found):
        assert (i in front) == (not any(better(other, point) for other in found))


@given(points)
def test_along_the_front_more_costs_more(found: list[tuple[float, float]]) -> None:
    along = [found[i] for i in pareto_front(found)]
    assert along == sorted(along)
    assert [gain for _, gain in along] == sorted(gain for _, gain in along)
