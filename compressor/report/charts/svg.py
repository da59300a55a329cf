"""Drawings: an SVG element with a title, the marks charts are made of, and how wide a text is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from compressor.report.charts.scales import Scale, tick_text
from compressor.report.markup import Element, tag

__all__ = ["TEXT", "axis_x", "axis_y", "label", "line", "path", "shorten", "svg", "text_width"]

TEXT = 13.0
"""Height of text in units of the drawing."""


def svg(width: float, height: float, title: str, *marks: Element | None) -> Element:
    """A drawing that scales to the width it is given; `title` is what a screen reader says of it."""
    return tag("svg", tag("title", title), *marks, viewBox=f"0 0 {width:g} {height:g}", role="img")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Element:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str, *, closed: bool = False) -> Element:
    """A line through points, or the area within it."""
    steps = "L".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return tag("path", d=f"M{steps}{'Z' if closed else ''}", class_=class_)


def label(x: float, y: float, text: str, class_: str = "", *, anchor: str | None = None) -> Element:
    """A text with its baseline at y; `anchor` is `middle` or `end` where x isn't its beginning."""
    return tag("text", text, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def axis_x(scale: Scale, top: float, bottom: float, title: str, *, count: int) -> list[Element]:
    """Grid lines from top to bottom, a figure below each, and the title below those (36 units in all)."""
    marks = []
    for value in scale.ticks(count):
        x = scale(value)
        marks += [line(x, top, x, bottom, "grid"), label(x, bottom + 16, tick_text(value), "tick", anchor="middle")]
    return [*marks, label((scale.start + scale.end) / 2, bottom + 34, title, "axis", anchor="middle")]


def axis_y(scale: Scale, left: float, right: float, *, count: int = 5) -> list[Element]:
    """Grid lines from left to right and a figure before each."""
    marks = []
    for value in scale.ticks(count):
        y = scale(value)
        marks += [line(left, y, right, y, "grid"), label(left - 6, y + 4.5, tick_text(value), "tick", anchor="end")]
    return marks


def text_width(text: str, size: float = TEXT) -> float:
    """About how wide a text is drawn: fonts differ, so it is estimated on the wide side."""
    return sum(size if unicodedata.east_asian_width(c) in "WF" else size * 0.58 for c in text)


def shorten(text: str, width: float, size: float = TEXT) -> str:
    """The text, or its beginning and an ellipsis where it is wider."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text}…"
