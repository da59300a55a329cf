from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from compressor.report.charts.labels import Box, place_labels
from compressor.report.charts.svg import shorten, text_width

BOUNDS = Box(50, 20, 330, 300)


def test_names_of_points_close_together_do_not_cover_one_another() -> None:
    points = [(100.0, 100.0), (104.0, 103.0), (98.0, 108.0), (110.0, 99.0), (320.0, 100.0), (318.0, 110.0)]
    names = ["onnx int8", "onnx int8-trim", "onnx fp32", "student", "teacher", "baseline"]
    placed = place_labels(points, names, BOUNDS)
    assert all(one.box.overlap(other.box) == 0 for one, other in combinations(placed, 2))
    discs = [Box(x - 4, y - 4, x + 4, y + 4) for x, y in points]
    assert all(one.box.overlap(disc) == 0 for one in placed for disc in discs)


@given(st.floats(60, 320), st.floats(30, 290))
def test_a_name_stays_within_the_drawing_beside_its_point(x: float, y: float) -> None:
    (placed,) = place_labels([(x, y)], ["onnx int8"], BOUNDS)
    assert placed.box.overlap(BOUNDS) > 0.999 * placed.box.area
    assert placed.distance < 30


def test_a_name_moves_off_a_line_where_it_can() -> None:
    (free,) = place_labels([(150.0, 150.0)], ["student"], BOUNDS)
    line = Box(150, 148, 330, 152)
    (moved,) = place_labels([(150.0, 150.0)], ["student"], BOUNDS, [line])
    assert free.box.overlap(line) > 0
    assert moved.box.overlap(line) == 0


@given(st.text(max_size=40), st.floats(30, 200))
def test_a_shortened_text_fits(text: str, width: float) -> None:
    assert text_width(shorten(text, width)) <= width
    if text_width(text) <= width:
        assert shorten(text, width) == text
