"""Blocks as GitHub Markdown. Charts and tiles are left out: their figures are in tables and sentences beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from compressor.report.blocks import (
    Block,
    Cell,
    Chart,
    Details,
    Heading,
    Highlighted,
    Notice,
    Pairs,
    Prose,
    Table,
    Tiles,
)
from compressor.report.format import printable

__all__ = ["blocks_markdown", "escape"]

HALF = 0.5
_SPECIAL = re.compile(
    r"[\\`*|\[\]~]"  # emphasis, code, cells and links, wherever they stand
    r"|(?<![^\W_])_|_(?![^\W_])"  # an underscore that isn't within a word
    r"|^(?:#+|[-+>]|\d+[.)])(?=\s|$)"  # what makes a heading, list or quotation of a line
)


def escape(text: str) -> str:
    """The text on one line, as it is: neither Markdown nor HTML in it means anything."""
    line = printable(" ".join(text.split()))
    line = re.sub(r"&(?=#?\w+;)", "&amp;", line)
    line = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", line)
    return _SPECIAL.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", line)


def blocks_markdown(blocks: Iterable[Block]) -> str:
    """Blocks with an empty line between them; a heading above nothing but charts is left out with them."""
    kept: list[Block] = []
    for block in reversed([block for block in blocks if not isinstance(block, Chart | Tiles)]):
        above_nothing = not kept or (isinstance(kept[-1], Heading) and kept[-1].level <= getattr(block, "level", 9))
        if not isinstance(block, Heading) or not above_nothing:
            kept.append(block)
    return "\n\n".join(filter(None, map(_block, reversed(kept))))


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return "\n\n".join(filter(None, (f"{'#' * block.level} {escape(block.text)}", escape(block.remark))))
    if isinstance(block, Prose):
        return escape(block.text)
    if isinstance(block, Notice):
        return "\n".join(f"- {escape(item)}" for item in block.items)
    if isinstance(block, Pairs):
        return "\n".join(f"- {escape(name)}: {escape(value)}" for name, value in block.rows)
    if isinstance(block, Highlighted):
        return "".join(_piece(*piece) for piece in block.pieces)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Details):
        summary = f"<details><summary>{escape(block.title)}</summary>"
        return f"{summary}\n\n{blocks_markdown(block.blocks)}\n\n</details>"
    return ""


def _piece(text: str, weight: float) -> str:
    """Bold where it weighs at least half of the heaviest piece; what is between pieces stays as it is."""
    words = escape(text)
    if not words:
        return " " if text else ""
    before, after = (" " if edge.isspace() else "" for edge in (text[0], text[-1]))
    return f"{before}**{words}**{after}" if abs(weight) >= HALF else f"{before}{words}{after}"


def _table(block: Table) -> str:
    """A table with a rule below its header; rows that stand out are bold."""
    titles = [filter(None, (column.title, column.unit)) for column in block.columns]
    header = ["<br>".join(map(escape, title)) for title in titles]
    rule = [":--" if column.words else "--:" for column in block.columns]
    body = [[_cell(cell, strong=row.strong) for cell in row.cells] for row in block.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *body))


def _cell(cell: Cell, *, strong: bool) -> str:
    text = escape(cell if isinstance(cell, str) else cell.text)
    bad = not isinstance(cell, str) and cell.tone == "bad"
    return f"**{text}**" if text and (strong or bad) else text
