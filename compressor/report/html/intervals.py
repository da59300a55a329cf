"""Differences with their intervals around nought: which way each points, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compressor.report.html.markup import Element, tag
from compressor.report.html.scales import Linear
from compressor.report.html.svg import axis_x, figure, label, line, shorten, svg, text_width

__all__ = ["IntervalRow", "interval_chart"]


@dataclass(frozen=True)
class IntervalRow:
    """A value and its interval."""

    name: str
    colour: str
    low: float
    value: float
    high: float
    note: str


def interval_chart(
    title: str, rows: Sequence[IntervalRow], axis: str, *, zero: float = 0.0, caption: str = ""
) -> Element:
    """One row a value; a line at `zero`, where there is no difference."""
    return figure(lambda width: _draw(width, title, rows, axis, zero), caption)


def _draw(width: float, title: str, rows: Sequence[IntervalRow], axis: str, zero: float) -> Element:
    wide = width > 500
    left = min(max(text_width(row.name) for row in rows), 0.36 * width) + 16 if wide else 8.0
    right = width - 12
    pitch = 34.0 if wide else 46.0
    bottom = 8 + pitch * len(rows)
    values = [value for row in rows for value in (row.low, row.value, row.high)]
    x = Linear.over([*values, zero], left, right, margin=0.06)
    marks = axis_x(x, 4, bottom, axis, count=7 if wide else 5, middle=(left + right) / 2)
    marks.append(line(x(zero), 4, x(zero), bottom, "base"))
    for i, row in enumerate(rows):
        middle = 8 + pitch * (i + (0.5 if wide else 0.72))
        if wide:
            marks.append(label(left - 10, middle + 4.5, shorten(row.name, left - 12), "name", anchor="end"))
        else:
            marks.append(label(left, middle - 12, shorten(row.name, right - left), "name"))
        marks.append(
            tag(
                "g",
                tag("title", f"{row.name}: {row.note}"),
                line(x(row.low), middle, x(row.high), middle, "interval thick"),
                line(x(row.low), middle - 5, x(row.low), middle + 5, "interval"),
                line(x(row.high), middle - 5, x(row.high), middle + 5, "interval"),
                tag("circle", cx=x(row.value), cy=middle, r=5.5, class_="disc variant"),
                class_=row.colour,
            )
        )
    return svg(width, bottom + 42, title, *marks)
