"""What a report is made of: frozen, JSON-able, and free of any printer.

A room that finds something out hands over a `Finding` of these blocks; `report/printers/` write them to a terminal, as
Markdown and as HTML.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from compressor.report.blocks.charts import Chart
from compressor.report.format import NA

__all__ = [
    "Block",
    "Cell",
    "Chart",
    "Column",
    "Details",
    "Finding",
    "Heading",
    "Highlighted",
    "Mark",
    "Notice",
    "Pairs",
    "Prose",
    "Row",
    "Table",
    "Tile",
    "Tiles",
    "Tone",
    "table",
]

Tone = Literal["", "good", "bad", "open"]
"""Of a verdict: `open` is neither good nor bad."""


@dataclass(frozen=True)
class Heading:
    """Begins a section (level 2) or a part of one (level 3)."""

    text: str
    level: Literal[2, 3] = 2
    remark: str = ""
    """How to read what follows."""
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True)
class Prose:
    """A paragraph. `lead`: what to read first; `remark`: small print."""

    text: str
    style: Literal["", "lead", "remark"] = ""
    tone: Tone = ""
    kind: Literal["prose"] = "prose"


@dataclass(frozen=True)
class Notice:
    """Sentences in a list; with a tone they stand out."""

    items: tuple[str, ...]
    tone: Tone = ""
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True)
class Highlighted:
    """A text whose words have weights: what speaks for an answer, and what against it."""

    pieces: tuple[tuple[str, float], ...]
    """Piece of the text -> its weight from -1 (against) to 1 (for)."""
    kind: Literal["highlighted"] = "highlighted"


@dataclass(frozen=True)
class Pairs:
    """Names and what they stand for."""

    rows: tuple[tuple[str, str], ...]
    kind: Literal["pairs"] = "pairs"


@dataclass(frozen=True)
class Tile:
    """A key figure: its name, its value, and what it is beside."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Tiles:
    """Key figures at a glance. Each of them is also in a table or a sentence: only a page shows them."""

    tiles: tuple[Tile, ...]
    kind: Literal["tiles"] = "tiles"


@dataclass(frozen=True)
class Mark:
    """A cell that stands out: a verdict, or a figure with heat behind it."""

    text: str
    tone: Tone = ""
    heat: float = 0.0
    """0 to 1."""


Cell = str | Mark


@dataclass(frozen=True)
class Column:
    """A column's title and how it is set."""

    title: str
    unit: str = ""
    words: bool = False
    """Whether it holds words, not figures: aligned left."""
    rank: int = 0
    """Columns of the highest rank are left out first where a terminal is too narrow; those of rank 0 stay."""


@dataclass(frozen=True)
class Row:
    """A cell for each column; the first names the row."""

    cells: tuple[Cell, ...]
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    grouped: bool = False
    """Rows that follow one another with the same name share it."""
    stacked: bool = False
    """On a phone each row is a list of titles and values, so that none is out of sight."""
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Details:
    """Blocks that a reader may unfold."""

    title: str
    blocks: tuple[Block, ...]
    kind: Literal["details"] = "details"


Block = Heading | Prose | Notice | Pairs | Highlighted | Tiles | Table | Chart | Details


@dataclass(frozen=True)
class Finding:
    """What an evaluation found: a section of the report."""

    title: str
    blocks: tuple[Block, ...]
    figures: dict[str, float] = field(default_factory=dict)
    """Key -> value, for programs and gates."""


def table(
    header: Sequence[str | Column],
    rows: Sequence[Sequence[Cell]],
    *,
    words: Collection[int] = (),
    strong: Collection[int] = (),
    optional: Collection[int] = (),
    grouped: bool = False,
    stacked: bool = False,
) -> Table:
    """A table whose first column names its rows.

    Args:
        header: columns, or titles; what follows a line break is the unit.
        words: columns besides the first that hold words and not figures.
        strong: rows that stand out.
        optional: columns that are left out where no row has a figure in them.
    """
    shown = [i for i in range(len(header)) if i not in optional or any(row[i] not in (NA, "") for row in rows)]
    columns = [
        title if isinstance(title, Column) else Column(*title.partition("\n")[::2], i == 0 or i in words)
        for i, title in enumerate(header)
    ]
    body = tuple(Row(tuple(row[i] for i in shown), number in strong) for number, row in enumerate(rows))
    return Table(tuple(columns[i] for i in shown), body, grouped, stacked)
