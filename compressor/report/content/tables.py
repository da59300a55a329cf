"""Tables and bar charts with a row a model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from compressor.report.blocks import Block, Cell, Column, Heading, Table, table
from compressor.report.blocks.charts import Bar, BarChart
from compressor.report.figures import Figure
from compressor.report.models import Model

__all__ = ["Targets", "bar_chart", "figures_table", "model_table", "section"]

Targets = Sequence[tuple[str, list[Model]]]
"""Targets with what was measured on each."""


def section(
    title: str, targets: Targets, draw: Callable[[str, list[Model]], Iterable[Block | None]], remark: str = ""
) -> list[Block]:
    """A heading and what there is to show of each target; nothing where there is nothing."""
    content: list[Block] = []
    for target, models in targets:
        parts = [part for part in draw(target, models) if part is not None]
        if parts:
            content += [Heading(f"On {target}", 3)] if len(targets) > 1 else []
            content += parts
    return [Heading(title, remark=remark), *content] if content else []


def figures_table(figures: Sequence[Figure], models: Sequence[Model], above: Sequence[Sequence[Cell]] = ()) -> Table:
    """A column a figure; `above`: rows that come before the models'."""
    header = (Column("model", words=True), *(one.header for one in figures))
    rows = [*above, *((model.name, *(one.text(model) for one in figures)) for model in models)]
    strong = [len(above) + i for i, model in enumerate(models) if model.chosen]
    return table(header, rows, strong=strong, optional=[i for i, one in enumerate(figures, 1) if one.optional])


def model_table(
    header: Sequence[str],
    rows: Sequence[tuple[Model, Sequence[Cell]]],
    *,
    words: Collection[int] = (),
    optional: Collection[int] = (),
) -> Table | None:
    """Rows of cells, each after its model's name; None where there is none."""
    strong = [i for i, (model, _) in enumerate(rows) if model.chosen]
    cells = [(model.name, *row) for model, row in rows]
    shown = table(("model", *header), cells, words=words, optional=optional, strong=strong, grouped=True)
    return shown if rows else None


def bar_chart(
    title: str, axis: str, bars: Sequence[tuple[Model, tuple[float, ...], str]], legend: tuple[str, ...] = ()
) -> BarChart | None:
    """A bar for each model: its segments, and what is written at its end; None where there is no bar."""
    drawn = tuple(Bar(model.name, model.colour, segments, note, model.chosen) for model, segments, note in bars)
    keys = tuple((f"shade s{i}", meaning) for i, meaning in enumerate(legend))
    return BarChart(title, axis, drawn, keys) if bars else None
