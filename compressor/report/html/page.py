"""The page around what is shown: one file, no network, no script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from compressor.report.html.markup import Element, render, tag

__all__ = ["Section", "page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Even if something foreign got in, the browser would neither run nor fetch it."""


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading; one without content is left out."""

    title: str
    content: Sequence[Element] = field(default_factory=tuple)
    remark: str = ""
    """How to read it."""

    @property
    def anchor(self) -> str:
        return re.sub(r"[^a-z]+", "-", self.title.lower()).strip("-")


def page(title: str, header: Sequence[Element], sections: Sequence[Section], footer: str = "") -> str:
    """A whole HTML document.

    Args:
        header: what stands below the title, before the contents.
    """
    shown = [section for section in sections if section.content]
    links = [tag("a", section.title, href=f"#{section.anchor}") for section in shown]
    body = tag(
        "body",
        tag("header", tag("h1", title), *header),
        tag("nav", *links, aria_label="Contents") if len(links) > 2 else None,
        tag("main", *(_section(section) for section in shown)),
        tag("footer", footer) if footer else None,
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", title),
        tag("style", files(__package__).joinpath("style.css").read_text(encoding="utf-8")),
    )
    return f"<!doctype html>\n{render(tag('html', head, body, lang='en'))}\n"


def _section(section: Section) -> Element:
    remark = tag("p", section.remark, class_="remark") if section.remark else None
    return tag("section", tag("h2", section.title), remark, *section.content, id=section.anchor)
