from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from compressor.compare.results import SCHEMA_VERSION, Comparison, Loss
from compressor.report.render import html_page
from tests.command import compressor
from tests.report.comparisons import ROWS, comparison
from tests.report.printers.parsed import Page

EVIL = """<script>alert("1 & 2")</script>'>"""


def drawings(found: Comparison) -> list[Element]:
    return Page(html_page(found)).drawings()


def lines(drawing: Element, class_: str) -> list[tuple[float, float]]:
    """Where marks of a class begin and end, from left to right."""
    return [
        (float(mark.get("x1", "")), float(mark.get("x2", "")))
        for mark in drawing.iter("line")
        if mark.get("class") == class_
    ]


def test_everything_that_was_found_is_on_the_page() -> None:
    page = Page(html_page(comparison()))

    assert page.headings == ["Figures", "Losses", "Notes", "Machine"]
    rows = page.table("allowed")
    assert [cell.strip() for cell in rows["latency texts"][-5:]] == [
        "12.3 ms", "13.9 ms", "+13.2% (+11.8 to +14.7)", "5%", "✗ fail",
    ]  # fmt: skip
    for words in ("runs/b/bundle", "cpu-1", "B is worse than A", "measured again: +12.9%", "AMD EPYC", "2026-11-24"):
        assert words in page.text


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    page = Page(html_page(replace(comparison(replace(ROWS[4], case=EVIL, note=EVIL)), a=EVIL, target=EVIL)))

    assert {"script", "link", "img", "iframe"}.isdisjoint(name for name, _ in page.tags)
    assert EVIL in page.text
    assert not [name for name in ("src", "onclick", "onload") if page.attributes(name)]


def test_losses_of_every_kind_share_one_scale_on_which_1_is_allowed() -> None:
    """Twice what is allowed, of time and of accuracy, ends at the same place."""
    latency = replace(ROWS[5], loss=Loss(0.05, 0.0, 0.1, 8), tolerance=0.05, control=None)
    accuracy = replace(ROWS[0], loss=Loss(0.01, 0.0, 0.02, 8), tolerance=0.01)
    for drawing in drawings(comparison(latency, accuracy)):
        (first, second), ((allowed, _),) = lines(drawing, "interval thick"), lines(drawing, "bound")
        assert first == second
        assert allowed == pytest.approx(sum(first) / 2, abs=0.1)


def test_control_and_confirmation_stand_beside_the_loss() -> None:
    (wide, _) = drawings(comparison(ROWS[4]))

    (loss,), (control,), (again,) = (lines(wide, f"interval {name}") for name in ("thick", "faint", "dashed"))
    assert control[1] < loss[0], "a copy of A is as fast as A, and B isn't"
    assert again[0] < loss[1] and loss[0] < again[1]


def test_what_lies_beyond_the_axis_has_an_arrow_and_stays_on_the_drawing() -> None:
    far = [replace(ROWS[4], loss=Loss(sign * 50.0, sign * 50.0 - 1, sign * 50.0 + 1, 8)) for sign in (1, -1)]
    for drawing, width in zip(drawings(comparison(*far)), (820, 344), strict=True):
        arrows = [mark for mark in drawing.iter("path") if "disc" in mark.get("class", "")]
        assert len(arrows) == 2
        assert all(0 <= place <= width for pair in lines(drawing, "interval thick") for place in pair)
        assert not list(drawing.iter("circle"))


def test_models_have_a_table_and_a_drawing_each() -> None:
    rows = [replace(row, case=row.case.replace("fp32 and int8", name)) for row in ROWS for name in ("int8", "int4")]
    page = Page(html_page(comparison(*rows)))

    assert len(page.tables) == 2
    assert len(page.drawings()) == 2 * 2, "each wide and narrow"


def test_rows_without_a_loss_need_no_drawing() -> None:
    page = Page(html_page(replace(comparison(ROWS[1]), environment={})))

    assert page.headings == ["Figures", "Notes"]
    assert page.drawings() == []


@pytest.fixture
def written(tmp_path: Path) -> Path:
    file = tmp_path / "comparison.json"
    file.write_text(json.dumps(comparison().to_json()), encoding="utf-8")
    return file


def test_a_page_is_drawn_anew_from_the_json(written: Path) -> None:
    compressor("report", written.parent).succeeds()
    assert "latency 32x128" in written.with_suffix(".html").read_text(encoding="utf-8")

    assert compressor("report", written, "--format", "md").succeeds().out.startswith("# Comparison: fail\n")
    again = compressor("report", written, "--format", "json").succeeds().json
    assert Comparison.from_json(again) == comparison()


def test_a_comparison_that_cannot_be_read_says_why(written: Path) -> None:
    data = json.loads(written.read_text(encoding="utf-8"))
    for change, words in (
        ({"schema_version": SCHEMA_VERSION + 1}, "schema version"),
        ({"rows": [{"metric": "latency"}]}, "rows.0.case"),
    ):
        written.write_text(json.dumps(data | change), encoding="utf-8")
        compressor("report", written).fails(2, words)
