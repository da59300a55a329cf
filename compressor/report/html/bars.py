"""Horizontal bars, whole or in segments, with the figure at their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compressor.report.html.markup import Element, tag
from compressor.report.html.scales import Linear
from compressor.report.html.svg import axis_x, figure, label, line, shorten, svg, text_width

__all__ = ["Bar", "bar_chart"]


@dataclass(frozen=True)
class Bar:
    """One row: its name, how long each segment is, and what is written at its end."""

    name: str
    colour: str
    segments: tuple[float, ...]
    """Drawn one after the other in shades `s0`, `s1`, `s2`; below 0 is nothing."""
    note: str
    strong: bool = False

    @property
    def length(self) -> float:
        return sum(max(segment, 0.0) for segment in self.segments)


def bar_chart(title: str, bars: Sequence[Bar], axis: str, *, legend: Sequence[str] = (), caption: str = "") -> Element:
    """Bars from 0 on one linear scale; `legend` says what each shade stands for."""
    keys = [(f"shade s{i}", meaning) for i, meaning in enumerate(legend)]
    return figure(lambda width: _draw(width, title, bars, axis), caption, keys)


def _draw(width: float, title: str, bars: Sequence[Bar], axis: str) -> Element:
    wide = width > 500
    left = min(max(text_width(bar.name) for bar in bars), 0.36 * width) + 12 if wide else 4.0
    right = width - min(max(text_width(bar.note) for bar in bars), 0.34 * width) - 12
    pitch, thick = (30.0, 18.0) if wide else (44.0, 18.0)
    bottom = 6 + pitch * len(bars)
    x = Linear.over([bar.length for bar in bars], left, right, zero=True)
    marks = axis_x(x, 4, bottom, axis, count=5 if wide else 4, middle=(left + right) / 2)
    if wide:
        marks.append(line(left, 4, left, bottom, "base"))
    for i, bar in enumerate(bars):
        top = 6 + pitch * i + (pitch - thick) - (6 if wide else 2)
        strong = " strong" if bar.strong else ""
        if wide:
            marks.append(label(left - 8, top + 13.5, shorten(bar.name, left - 8), f"name{strong}", anchor="end"))
        else:
            marks.append(label(left, top - 5, shorten(bar.name, width - 8), f"name{strong}"))
        marks.append(_segments(bar, x, top, thick))
        marks.append(label(x(bar.length) + 6, top + 13.5, shorten(bar.note, width - right), f"note{strong}"))
    return svg(width, bottom + 42, title, *marks)


def _segments(bar: Bar, x: Linear, top: float, thick: float) -> Element:
    marks, begin = [tag("title", f"{bar.name}: {bar.note}")], 0.0
    for i, segment in enumerate(bar.segments):
        if segment > 0:
            width = x(begin + segment) - x(begin)
            marks.append(tag("rect", x=x(begin), y=top, width=width, height=thick, class_=f"shade s{i}"))
            begin += segment
    return tag("g", *marks, class_=bar.colour)
