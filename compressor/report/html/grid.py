"""Latency by input shape as a table with the heat behind its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from compressor.report import format as fmt
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model
from compressor.report.html.tables import Cell, table

__all__ = ["grid_table", "heat"]

HOTTEST = 0.55
"""Opacity behind the largest figure: text stays readable on it."""


def heat(value: float, low: float, high: float) -> float:
    """How strong the colour behind a figure is, 0 to `HOTTEST`, by its ratio to the smallest."""
    if low <= 0 or high <= low:
        return 0.0
    return HOTTEST * math.log(value / low) / math.log(high / low)


def grid_table(models: Sequence[Model]) -> Element | None:
    """Median latency: a row for a model and a batch size, a column for a length; None where no grid was measured."""
    found = {
        (model.name, cell.batch, cell.sequence): cell.model.p50_ms
        for model in models
        for cell in model.found.latencies
        if cell.sequence is not None
    }
    if not found:
        return None
    batches = sorted({batch for _, batch, _ in found})
    lengths = sorted({length for *_, length in found})
    low, high = min(found.values()), max(found.values())
    rows: list[tuple[Cell, ...]] = []
    strong = []
    for model in models:
        for batch in batches:
            values = [found.get((model.name, batch, length)) for length in lengths]
            if any(value is not None for value in values):
                strong += [len(rows)] if model.chosen else []
                rows.append((model.name, str(batch), *(_cell(value, low, high) for value in values)))
    header = ("model", "batch\ntexts", *(f"{length} tokens\nms" for length in lengths))
    return table(header, rows, strong=strong, grouped=True)


def _cell(value: float | None, low: float, high: float) -> Cell:
    if value is None:
        return fmt.NA
    return tag("span", fmt.number(value), class_="heat", style=f"--heat: {heat(value, low, high):.2f}")
