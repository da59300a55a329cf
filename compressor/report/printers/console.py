"""Blocks on a terminal, and results on stdout, where nothing else goes.

Charts and tiles are left out: their figures are in tables and sentences beside them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement as Measured
from rich.table import Table as RichTable
from rich.text import Text

from compressor.report.blocks import Block, Cell, Details, Heading, Highlighted, Notice, Pairs, Prose, Table
from compressor.report.format import printable

__all__ = ["blocks_console", "print_result", "write"]

WIDTH_OF_A_FILE = 140
HALF = 0.5
"""Weight, beside that of the heaviest word, from which on a word stands out."""
STYLES = {"good": "green", "bad": "bold red", "open": "yellow", "": ""}


def blocks_console(blocks: Iterable[Block]) -> RenderableType:
    """Everything below one another."""
    return Group(*(part for block in blocks for part in _block(block)))


def _block(block: Block) -> Iterator[RenderableType]:
    if isinstance(block, Heading):
        yield _text(block.text, "bold")
    elif isinstance(block, Prose):
        quiet = {"lead": "bold", "remark": "dim"}.get(block.style, "")
        yield _text(block.text, STYLES[block.tone] or quiet)
        yield from [Text()] if block.style == "remark" else []
    elif isinstance(block, Notice):
        yield from (_text(item, STYLES[block.tone]) for item in block.items)
        yield Text()
    elif isinstance(block, Pairs):
        yield from (_text(f"{name}: {value}") for name, value in block.rows)
    elif isinstance(block, Highlighted):
        yield from (Text.assemble(*map(_piece, block.pieces)), Text())
    elif isinstance(block, Table):
        yield from (_Fitted(block), Text())
    elif isinstance(block, Details):
        yield _text(block.title, "bold")
        yield from (part for inner in block.blocks for part in _block(inner))


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)


def _piece(piece: tuple[str, float]) -> Text:
    """Words that weigh much stand out; colour tells for and against, where there is colour."""
    text, weight = piece
    if abs(weight) < HALF:
        return _text(text)
    return _text(text, "bold green" if weight > 0 else "bold red")


class _Fitted:
    """A table that stands closer, and then leaves out columns, where the screen is too narrow for a line a row."""

    def __init__(self, block: Table) -> None:
        self.block = block

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        block, ranks = self.block, sorted({column.rank for column in self.block.columns} - {0}, reverse=True)
        limits = [max(ranks, default=0), *(rank - 1 for rank in ranks)]
        for limit in limits:
            shown = [i for i, column in enumerate(block.columns) if column.rank <= limit]
            for gap in (2, 1):
                drawn = _draw(block, shown, gap)
                if Measured.get(console, options.update(width=1000), drawn).maximum <= options.max_width:
                    yield from self._with_note(drawn, shown)
                    return
        yield from self._with_note(_draw(block, shown, 1, wraps=True), shown)

    def _with_note(self, drawn: RichTable, shown: list[int]) -> Iterator[RenderableType]:
        yield drawn
        if missing := [column.title for i, column in enumerate(self.block.columns) if i not in shown]:
            yield _text(f"A wider terminal also shows: {', '.join(missing)}.", "dim")


def _draw(block: Table, shown: list[int], gap: int, *, wraps: bool = False) -> RichTable:
    # The box itself puts one space between columns.
    table = RichTable(box=box.SIMPLE, show_edge=False, padding=(0, gap - 1, 0, 0), pad_edge=False)
    for i in shown:
        column = block.columns[i]
        title = _text(f"{column.title}\n{column.unit}" if column.unit else column.title)
        table.add_column(title, justify="left" if column.words else "right", no_wrap=not wraps, overflow="fold")
    for row in block.rows:
        cells = [_cell(row.cells[i]) for i in shown]
        if row.strong:
            cells[0].append("*")
        table.add_row(*cells, style="bold" if row.strong else None)
    return table


def _cell(cell: Cell) -> Text:
    if isinstance(cell, str):
        return _text(" ".join(cell.split()))
    return _text(cell.text.upper() if cell.tone else cell.text, STYLES[cell.tone])


def print_result(result: RenderableType | dict[str, Any] | list[Any]) -> None:
    """JSON for data, else a table."""
    if isinstance(result, dict | list):
        write(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        return
    # Texts are printed as they are: `[b]` and `:smile:` in them mean nothing.
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE, markup=False, emoji=False)
    with console.capture() as drawn:
        console.print(result)
    write(drawn.get())


def write(text: str) -> None:
    """Text as it is. A reader that went away, as `| head` does, is no failure."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
