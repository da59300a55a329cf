"""A histogram as upright bars: how long the texts are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from compressor.bench.results import Histogram, Lengths
from compressor.report import format as fmt
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model
from compressor.report.html.scales import Linear
from compressor.report.html.svg import axis_x, axis_y, figure, label, svg
from compressor.report.html.tables import table

__all__ = ["histogram_chart", "lengths_table", "tokenizers"]


def tokenizers(models: Sequence[Model]) -> list[tuple[Lengths, list[Model]]]:
    """Distinct lengths, and the models that see them: those with one tokenizer share them."""
    found: list[tuple[Lengths, list[Model]]] = []
    for model in models:
        lengths = model.found.lengths
        if lengths is None:
            continue
        for known, seen_by in found:
            if known == lengths:
                seen_by.append(model)
                break
        else:
            found.append((lengths, [model]))
    return found


def histogram_chart(title: str, histogram: Histogram, axis: str, colour: str) -> Element:
    """Counts upwards, values across, both linear."""
    return figure(lambda width: _draw(width, title, histogram, axis, colour))


def _draw(width: float, title: str, histogram: Histogram, axis: str, colour: str) -> Element:
    left, right, top, bottom = 48.0, width - 14, 26.0, 190.0
    x = Linear.over(histogram.edges, left, right)
    y = Linear.over(histogram.counts, bottom, top, zero=True)
    bars = [
        tag(
            "rect",
            tag("title", f"{start:g} to {end:g}: {count}"),
            x=x(start),
            y=y(count),
            width=max(x(end) - x(start) - 1, 0.5),
            height=bottom - y(count),
            class_="shade s0",
        )
        for (start, end), count in zip(pairwise(histogram.edges), histogram.counts, strict=True)
        if count
    ]
    marks = [
        label(4, 14, "texts", "axis"),
        *axis_x(x, top, bottom, axis, count=8 if width > 500 else 5, middle=(left + right) / 2),
        *axis_y(y, left, right, count=4),
        tag("g", *bars, class_=colour),
    ]
    return svg(width, bottom + 42, title, *marks)


def lengths_table(found: Sequence[tuple[Lengths, Sequence[Model]]]) -> Element:
    """What a tokenizer makes of the texts."""
    rows = [
        (
            ", ".join(model.name for model in models),
            str(lengths.n),
            fmt.number(lengths.mean_tokens),
            str(lengths.max_tokens),
            fmt.percent(lengths.cut),
        )
        for lengths, models in found
    ]
    return table(("models", "texts", "mean\ntokens", "longest\ntokens", "cut\nshare"), rows)
