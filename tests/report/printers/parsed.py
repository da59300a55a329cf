"""A page as a browser's parser sees it: tags in balance, and the few things the tests ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element, fromstring

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}


@dataclass
class Table:
    """Cells by row, header first; a cell that spans rows stands in the first of them."""

    rows: list[list[str]] = field(default_factory=list)


class Page(HTMLParser):
    """Fails where a tag is closed that isn't open, or left open."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.document = document
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.headings: list[str] = []
        self.tables: list[Table] = []
        self.feed(document)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append(Table())
        elif tag == "tr":
            self.tables[-1].rows.append([])
        elif tag in ("td", "th"):
            self.tables[-1].rows[-1].append("")
        elif tag == "h2":
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1].rows[-1][-1] += data
        elif "h2" in self.open:
            self.headings[-1] += data

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def attributes(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]

    def drawings(self) -> list[Element]:
        """Every SVG, read by an XML parser."""
        found = []
        rest = self.document
        while (start := rest.find("<svg")) >= 0:
            end = rest.index("</svg>") + len("</svg>")
            found.append(fromstring(rest[start:end]))
            rest = rest[end:]
        return found

    def table(self, first: str) -> dict[str, list[Any]]:
        """Rows of the first table that has this title in its header, by their first cell."""
        table = next(table for table in self.tables if first in table.rows[0])
        return {row[0]: row[1:] for row in table.rows[1:]}
