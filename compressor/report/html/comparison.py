"""`comparison.html`: what `compressor compare` found, as one file that needs no network and no script."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.compare.results import Comparison, Row
from compressor.report.comparison import (
    LEGEND,
    allowed,
    by_subject,
    comparison_sentence,
    figures,
    loss_text,
    notes,
    row_name,
)
from compressor.report.facts import flatten
from compressor.report.html.losses import REMARK, loss_chart
from compressor.report.html.markup import Element, tag
from compressor.report.html.page import Section, page
from compressor.report.html.summary import verdict_badge
from compressor.report.html.tables import pairs, table

__all__ = ["comparison_page"]

PASSED = {"pass": True, "fail": False, "warn": None, "inconclusive": None}


def comparison_page(found: Comparison) -> str:
    """Everything a comparison found."""
    told = [
        tag("li", f"{row.metric}, {row.case}: {note}")
        for rows in by_subject(found.rows).values()
        for row in rows
        for note in notes(row)
    ]
    sections = [
        Section("Figures", list(_tables(found)), LEGEND),
        Section("Losses", list(_charts(found)), REMARK),
        Section("Notes", [tag("ul", *told)] if told else []),
        Section("Machine", [pairs(list(flatten(found.environment)))] if found.environment else []),
    ]
    footer = f"Written by compressor, {found.created}. All of it is drawn from comparison.json beside it."
    return page("Comparison", _header(found), sections, footer)


def _header(found: Comparison) -> list[Element]:
    badge = verdict_badge(found.verdict, passed=PASSED[found.verdict])
    return [
        tag("p", badge, f" on {found.target}", class_="about"),
        tag("p", comparison_sentence(found), class_="lead"),
        pairs([("A", found.a), ("B", found.b)]),
    ]


def _tables(found: Comparison) -> Iterator[Element]:
    header = ("figure", "A", "B", "loss", "allowed", "verdict")
    for subject, rows in by_subject(found.rows).items():
        yield tag("h3", subject)
        yield table(header, [_cells(row) for row in rows], words=(3, 5))


def _charts(found: Comparison) -> Iterator[Element]:
    subjects = by_subject(found.rows)
    for subject, rows in subjects.items():
        chart = loss_chart(subject, rows)
        if chart is not None:
            yield from [tag("h3", subject)] if len(subjects) > 1 else []
            yield chart


def _cells(row: Row) -> tuple[str | Element, ...]:
    verdict = verdict_badge(row.verdict, passed=PASSED[row.verdict])
    return (row_name(row), *figures(row), loss_text(row.loss, row.metric), allowed(row), verdict)
