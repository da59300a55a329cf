"""Blocks as a page: one file, no network, no script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from compressor.report.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Heading,
    Highlighted,
    Mark,
    Notice,
    Pairs,
    Prose,
    Table,
    Tiles,
)
from compressor.report.charts import draw
from compressor.report.content.run import Document
from compressor.report.markup import Element, render, tag

__all__ = ["page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Even if something foreign got in, the browser would neither run nor fetch it."""
HOTTEST = 0.55
"""Opacity behind the largest figure: text stays readable on it."""
FAINTEST = 0.02
"""Weight of a word below which it isn't marked."""
SIGNS = {"good": "✓", "bad": "✗", "open": "?"}


def page(document: Document) -> str:
    """A whole HTML document; what stands before the first heading is its header."""
    (_, header), *sections = _sections(document.blocks)
    links = [tag("a", title, href=f"#{_anchor(title)}") for title, _ in sections]
    badge = _badge(document.verdict) if document.verdict else None
    about = tag("p", badge, f" {document.about}", class_="about") if badge is not None or document.about else None
    body = tag(
        "body",
        tag("header", tag("h1", document.title), about, *map(_element, header)),
        tag("nav", *links, aria_label="Contents") if len(links) > 2 else None,
        tag("main", *(_section(title, content) for title, content in sections)),
        tag("footer", document.footer),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", document.title),
        tag("style", files(__package__).joinpath("style.css").read_text(encoding="utf-8")),
    )
    return f"<!doctype html>\n{render(tag('html', head, body, lang='en'))}\n"


def _sections(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    """Blocks by the heading above them; the first have none."""
    found: list[tuple[str, list[Block]]] = [("", [])]
    for block in blocks:
        if isinstance(block, Heading) and block.level == 2:
            found.append((block.text, [Prose(block.remark, "remark")] if block.remark else []))
        else:
            found[-1][1].append(block)
    return found


def _section(title: str, content: Sequence[Block]) -> Element:
    return tag("section", tag("h2", title), *map(_element, content), id=_anchor(title))


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _element(block: Block) -> Element:
    if isinstance(block, Heading):
        return tag("h3", block.text)
    if isinstance(block, Prose):
        return tag("p", block.text, class_=block.style or None)
    if isinstance(block, Notice):
        return tag("ul", *(tag("li", item) for item in block.items), class_=f"notices {block.tone}".strip())
    if isinstance(block, Pairs):
        return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in block.rows))
    if isinstance(block, Highlighted):
        return tag("p", *map(_piece, block.pieces), class_="highlighted")
    if isinstance(block, Tiles):
        return _tiles(block)
    if isinstance(block, Details):
        return tag("details", tag("summary", block.title), *map(_element, block.blocks))
    if isinstance(block, Table):
        return _table(block)
    return draw(block)


def _piece(piece: tuple[str, float]) -> Element | str:
    """A heavy piece stands on its colour, and says its weight to who can't see that."""
    text, weight = piece
    if abs(weight) < FAINTEST:
        return text
    side = "for" if weight > 0 else "against"
    return tag("mark", text, class_=side, style=f"--heat: {HOTTEST * abs(weight):.2f}", title=f"{weight:+.2f}")


def _tiles(block: Tiles) -> Element:
    tiles = [
        tag("div", tag("dt", one.title), tag("dd", one.value), tag("dd", one.note, class_="note") if one.note else None)
        for one in block.tiles
    ]
    return tag("dl", *tiles, class_="tiles")


def _badge(mark: Mark) -> Element:
    """A verdict that stands out by its sign as well as by its colour."""
    sign = tag("span", f"{SIGNS[mark.tone]} ", aria_hidden="true") if mark.tone else None
    return tag("span", sign, mark.text, class_=f"badge {mark.tone}".strip())


def _table(block: Table) -> Element:
    head = [
        tag("th", column.title, tag("small", column.unit) if column.unit else None, scope="col", class_=_side(column))
        for column in block.columns
    ]
    drawn = tag(
        "table",
        tag("thead", tag("tr", *head)),
        tag("tbody", *(_row(block, number) for number in range(len(block.rows)))),
        class_="stacked" if block.stacked else None,
    )
    # A region that scrolls must be reachable with the keyboard.
    return tag("div", drawn, class_="scroll", tabindex="0", role="region", aria_label=block.columns[0].title or "table")


def _row(block: Table, number: int) -> Element:
    row = block.rows[number]
    name = _spanning(block, number) if block.grouped else tag("th", _cell(row.cells[0]), scope="row")
    cells = [
        tag("td", _cell(cell), class_=_side(column), data_title=column.title if block.stacked else None)
        for column, cell in zip(block.columns[1:], row.cells[1:], strict=True)
    ]
    return tag("tr", name, *cells, class_="strong" if row.strong else None)


def _spanning(block: Table, number: int) -> Element | None:
    """The name of a row and of those below it that are called the same; None where a row above has named this one."""
    names = [row.cells[0] for row in block.rows]
    if number and names[number - 1] == names[number]:
        return None
    count = next((i for i, name in enumerate(names[number:]) if name != names[number]), len(names) - number)
    scope = "rowgroup" if count > 1 else "row"
    return tag("th", _cell(names[number]), scope=scope, rowspan=count if count > 1 else None)


def _cell(cell: Cell) -> Element | str:
    if isinstance(cell, str):
        return cell
    if cell.tone:
        return _badge(cell)
    return tag("span", cell.text, class_="heat", style=f"--heat: {HOTTEST * cell.heat:.2f}")


def _side(column: Column) -> str | None:
    return None if column.words else "figure"
