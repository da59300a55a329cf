"""Losses of a comparison beside what is allowed: one scale for latency, size and accuracy, in multiples of that."""

from __future__ import annotations

from collections.abc import Sequence

from compressor.compare.results import Loss, Row
from compressor.report.comparison import loss_text, row_name
from compressor.report.html.markup import Element, tag
from compressor.report.html.scales import Linear
from compressor.report.html.svg import axis_x, figure, label, line, path, shorten, svg, text_width

__all__ = ["REMARK", "loss_chart"]

REMARK = (
    "Bars are 99% bounds. At 1 a loss is what is allowed, at 0 there is none, and left of it B is better; what lies "
    "beyond the axis has an arrow. A copy of A shows what this machine makes of no difference at all."
)
LEGEND = (
    ("line", "B beside A"),
    ("line faint", "a copy of A beside A"),
    ("line dashed", "measured again"),
    ("bound", "allowed"),
)
_COLOURS = {"pass": "verdict-good", "warn": "verdict-open", "inconclusive": "verdict-open", "fail": "verdict-bad"}
"""Verdict -> class in style.css."""
FARTHEST = 3.0
"""Multiples of what is allowed that the axis shows at most: beyond, how far no longer matters."""


def loss_chart(subject: str, rows: Sequence[Row]) -> Element | None:
    """A line for each row with a loss; None where there is none."""
    named = [(row_name(row), row) for row in rows if row.loss is not None and row.tolerance > 0]
    if not named:
        return None
    return figure(lambda width: _draw(width, f"Losses beside what is allowed: {subject}", named), legend=LEGEND)


def _draw(width: float, title: str, named: Sequence[tuple[str, Row]]) -> Element:
    wide = width > 500
    notes = [loss_text(row.loss, row.metric) for _, row in named]
    left = min(max(text_width(name) for name, _ in named), 0.3 * width) + 16 if wide else 12.0
    right = width - min(max(map(text_width, notes)), 0.3 * width) - 16 if wide else width - 12
    pitch = 40.0 if wide else 58.0
    bottom = 8 + pitch * len(named)
    bounds = [
        bound for _, row in named for loss in _losses(row) for bound in (_share(loss.low, row), _share(loss.high, row))
    ]
    x = Linear.over([min(max(value, -FARTHEST), FARTHEST) for value in (*bounds, -1, 1.5)], left, right, margin=0.04)
    marks = axis_x(x, 4, bottom, "loss, in multiples of what is allowed", count=7, middle=(left + right) / 2)
    marks += [line(x(0), 4, x(0), bottom, "base"), line(x(1), 4, x(1), bottom, "bound")]
    for i, ((name, row), note) in enumerate(zip(named, notes, strict=True)):
        middle = 8 + pitch * (i + (0.5 if wide else 0.68))
        if wide:
            marks.append(label(left - 10, middle + 4.5, shorten(name, left - 12), "name", anchor="end"))
            marks.append(label(right + 10, middle + 4.5, shorten(note, width - right - 10), "note"))
        else:
            room = right - left - text_width(note) - 12
            marks.append(label(left, middle - 19, shorten(name, room), "name"))
            marks.append(label(right, middle - 19, note, "note", anchor="end"))
        marks.append(_row(name, row, x, middle))
    return svg(width, bottom + 42, title, *marks)


def _row(name: str, row: Row, x: Linear, middle: float) -> Element:
    marks = [tag("title", f"{name}: {loss_text(row.loss, row.metric)}, {row.verdict}")]
    if row.control:
        marks.append(_interval(row.control, row, x, middle - 10, "interval faint"))
    if row.confirmation:
        marks.append(_interval(row.confirmation, row, x, middle + 10, "interval dashed"))
    assert row.loss is not None
    marks.append(_interval(row.loss, row, x, middle, "interval thick"))
    value = _share(row.loss.value, row)
    if x.low <= value <= x.high:
        marks.append(tag("circle", cx=x(value), cy=middle, r=5.5, class_="disc variant"))
    return tag("g", *marks, class_=_COLOURS[row.verdict])


def _interval(loss: Loss, row: Row, x: Linear, y: float, class_: str) -> Element:
    """From bound to bound, with an arrow at the end that lies beyond the axis."""
    low, high = _share(loss.low, row), _share(loss.high, row)
    first, last = x(min(max(low, x.low), x.high)), x(min(max(high, x.low), x.high))
    marks = [line(first, y, last, y, class_)]
    if low < x.low:
        marks.append(path([(x.start, y), (x.start + 9, y - 5), (x.start + 9, y + 5)], "disc variant", closed=True))
    if high > x.high:
        marks.append(path([(x.end, y), (x.end - 9, y - 5), (x.end - 9, y + 5)], "disc variant", closed=True))
    return tag("g", *marks)


def _losses(row: Row) -> list[Loss]:
    return [loss for loss in (row.loss, row.control, row.confirmation) if loss is not None]


def _share(loss: float, row: Row) -> float:
    return loss / row.tolerance
