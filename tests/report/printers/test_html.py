from __future__ import annotations

import re
from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest

from compressor.bench.results import Failed, Latency, Measurement, Memory, Percentiles, Size, Skipped
from compressor.report.document import RunReport, StageRecord
from compressor.report.render import html_page
from tests.report import sample
from tests.report.printers.parsed import Page

EVERY_SECTION = [
    "Gates",
    "What to try next",
    "Measured",
    "Metrics",
    "Accuracy against latency",
    "Paired differences",
    "Alone and in a batch",
    "Without VNNI",
    "Latency",
    "Latency by shape",
    "Under load",
    "Throughput",
    "Cold start",
    "Memory",
    "Size and work",
    "Where the time goes",
    "Lengths of the texts",
    "Cost of the compression",
    "What each stage found",
    "Machine",
]
EVIL = """<script>alert("1 & 2")</script>'>"""


@pytest.fixture(scope="module")
def full() -> Page:
    return Page(html_page(sample.full()))


def titled(drawings: list[Element], words: str) -> list[Element]:
    return [drawing for drawing in drawings if words in (drawing.findtext("title") or "")]


def test_a_run_that_measured_everything_shows_every_section(full: Page) -> None:
    assert full.headings == EVERY_SECTION


def test_the_contents_link_to_every_section(full: Page) -> None:
    links = [href for href in full.attributes("href") if href]
    assert len(links) == len(EVERY_SECTION)
    assert {link.removeprefix("#") for link in links} == {
        attributes["id"] for tag, attributes in full.tags if tag == "section"
    }


def test_the_page_needs_nothing_but_itself(full: Page) -> None:
    assert not {"script", "link", "img", "iframe", "object", "use", "image"} & {tag for tag, _ in full.tags}
    assert full.attributes("src") == []
    assert "://" not in full.document
    assert not re.search(r"url\(|@import", full.document)
    assert not [name for _, attributes in full.tags for name in attributes if name.startswith("on")]
    (policy,) = [found["content"] for _, found in full.tags if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_it_is_made_for_phones_and_for_the_dark(full: Page) -> None:
    metas = {found["name"]: found["content"] for tag, found in full.tags if tag == "meta" and "name" in found}
    assert metas == {"viewport": "width=device-width, initial-scale=1", "color-scheme": "light dark"}
    assert "prefers-color-scheme: dark" in full.document


def test_every_table_scrolls_within_itself_and_is_rectangular(full: Page) -> None:
    scrolling = [found for tag, found in full.tags if tag == "div" and found.get("class") == "scroll"]
    assert len(scrolling) == len(full.tables) > 15
    for table in full.tables:
        # A name may span the rows below it.
        assert {len(row) for row in table.rows} <= {len(table.rows[0]), len(table.rows[0]) - 1}


def test_charts_are_well_formed_titled_and_drawn_for_screen_and_phone(full: Page) -> None:
    drawings = full.drawings()
    assert len(drawings) > 20
    assert [drawing.get("class") for drawing in drawings] == ["wide", "narrow"] * (len(drawings) // 2)
    for drawing in drawings:
        assert drawing.findtext("title")
        _, _, width, height = map(float, (drawing.get("viewBox") or "").split())
        for mark in drawing.iter():
            for name, limit in (("x", width), ("x1", width), ("cx", width), ("y", height), ("y2", height)):
                assert -1 <= float(mark.get(name, 0)) <= limit + 1, (drawing.findtext("title"), mark.attrib)
            assert float(mark.get("width", 0)) >= 0
            assert float(mark.get("height", 0)) >= 0


def test_text_in_charts_stays_within_them(full: Page) -> None:
    """By an average letter's width: a long name is cut or moved, never off the drawing."""
    for drawing in full.drawings():
        width = float((drawing.get("viewBox") or "").split()[2])
        for mark in drawing.iter("text"):
            x, length = float(mark.get("x", 0)), 6.0 * len(mark.text or "")
            start = {"middle": x - length / 2, "end": x - length}.get(mark.get("text-anchor", ""), x)
            assert start >= -4, mark.text
            assert start + length <= width + 4, mark.text


def test_a_model_keeps_its_colour_on_the_whole_page(full: Page) -> None:
    for drawing in full.drawings():
        for group in drawing.iter("g"):
            title = group.findtext("title") or ""
            if title.startswith("onnx int8:"):
                assert group.get("class") == "v1", title
            if title.startswith("teacher:"):
                assert group.get("class") == "teacher", title


def test_a_teacher_in_another_precision_is_drawn_as_a_teacher() -> None:
    teacher, *others = sample.full().measurements
    both = [replace(teacher, precision="fp32"), replace(teacher, subject="teacher-bf16", precision="bf16"), *others]
    titles = {
        group.findtext("title"): group.get("class")
        for drawing in Page(html_page(both)).drawings()
        for group in drawing.iter("g")
    }
    assert titles["teacher bf16: 118"] == "teacher"
    assert titles["onnx int8: 1206"] == "v1"


def test_names_and_reasons_cannot_break_the_page() -> None:
    report = sample.full()
    odd = replace(
        report,
        name=EVIL,
        task=EVIL,
        labels=(EVIL, "a&b"),
        measurements=tuple(
            replace(found, subject=EVIL if found.subject == "int8" else found.subject, target=EVIL)
            for found in report.measurements
        ),
        gates=(replace(report.gates[0], name=EVIL, reason=EVIL, expression=">= 0.5"),),
        stages=(
            StageRecord(EVIL, "k", False, 3.0, {EVIL: EVIL}, 7.0),
            StageRecord(f"quantize/{EVIL}", "k", False, 3.0, {"saturation": sample.SATURATION}),
        ),
        environment={EVIL: EVIL},
        chosen=EVIL,
    )
    found = Page(html_page(odd))
    assert "script" not in {tag for tag, _ in found.tags}
    assert found.headings == [one for one in EVERY_SECTION if one != "What to try next"]
    assert found.drawings()
    assert found.text.count(EVIL) > 20


def test_control_characters_and_halves_of_surrogates_can_be_written() -> None:
    document = html_page(replace(sample.bare(), name="a\x00b\ud800c"))
    assert "<h1>a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c</h1>" in document
    document.encode()


def test_the_least_a_report_may_hold_is_a_page() -> None:
    found = Page(html_page(sample.bare()))
    assert found.headings == []
    assert "The recipe sets no gates." in found.text


def test_figures_that_were_not_measured_leave_their_section_out() -> None:
    little = Measurement("fp32", "onnxruntime", "cpu-1", Size(3.5))
    found = Page(html_page(replace(sample.bare(), measurements=(little,))))
    assert found.headings == ["Measured", "Size and work"]
    assert "nan" not in found.text.lower()
    without = {
        "Paired differences",
        "Alone and in a batch",
        "Without VNNI",
        "Under load",
        "Cold start",
        "Where the time goes",
        "Lengths of the texts",
    }
    assert Page(html_page(sample.report())).headings == [one for one in EVERY_SECTION if one not in without]


def test_figures_that_are_nought_or_alike_can_be_drawn() -> None:
    zero = Percentiles(1, 0.0, 0.0, 0.0, None, None, None)
    same = Measurement(
        "fp32",
        "onnxruntime",
        "cpu-1",
        Size(0.0),
        accuracy=sample.report().measurements[0].accuracy,
        latencies=(Latency("dataset", 1, None, zero, None), Latency("grid", 1, 8, zero, None)),
        memory=Memory(0.0, 0.0, 0.0, None, None),
    )
    found = Page(html_page(replace(sample.bare(), measurements=(same, replace(same, subject="int8")))))
    assert "Accuracy against latency" in found.headings
    assert found.drawings()


def test_what_was_skipped_or_failed_is_said_in_words(full: Page) -> None:
    assert f"cuda is not on this machine: not measured ({sample.REASON})." in full.text
    assert "cpu-2: teacher failed, the measuring process was killed (out of memory?)" in full.text
    assert [row[0] for row in full.tables[2].rows] == ["model", "onnx fp32", "onnx int8"]


def test_what_a_failed_measurement_had_found_is_kept() -> None:
    first, *others = sample.report().measurements
    broke = replace(first, memory=None, failed=Failed("killed while its memory was measured"))
    found = Page(html_page(replace(sample.report(), measurements=(broke, *others))))
    assert found.table("speedup" + "teacher")["teacher"][2:4] == ["9.31", "15.8"]
    assert "cpu-1: teacher failed, killed while its memory was measured" in found.text


def test_a_gate_stands_with_its_verdict_and_reason() -> None:
    found = Page(html_page(sample.failing()))
    assert found.table("must be")["accuracy kept"] == ["✗ fails", "0.96996", ">= 0.97", ""]
    latency = found.table("must be")["95th percentile of latency"]
    assert latency == ["✗ fails", "n/a", "<= 5", "not measured: cpu-1 has no p95"]
    assert "2 of 3 gates failed" in found.text


def test_paired_differences_carry_the_test(full: Page) -> None:
    table = next(table for table in full.tables if "against" in table.rows[0])
    assert table.rows[0] == [
        "model",
        "against",
        "differencepoints",
        "95% intervalpoints",
        "bettertexts",
        "worsetexts",
        "pMcNemar",
    ]
    assert ["onnx int8", "onnx fp32", "-0.3", "-0.9 to +0.3", "6", "9", "0.607"] in table.rows
    assert ["onnx int8", "teacher", "-2.5", "-3.7 to -1.3", "60", "90", "0.023"] in table.rows


def test_the_cost_of_the_whole_compression_is_told(full: Page) -> None:
    cost = full.table("this run")
    assert cost["teach"] == ["4 min 11 s", "2140", "115", "ran"]
    assert cost["all"] == ["9 min 48 s", "2140", "", "ran for 9 min 44 s"]
    assert "9 min 48 s of computing in 5 stages, at most 2140 MB of memory." in full.text


def test_models_with_one_tokenizer_share_a_histogram(full: Page) -> None:
    lengths = titled(full.drawings(), "Lengths of the texts")
    assert len(lengths) == 2 * 2  # two targets, each drawn twice
    assert (lengths[0].findtext("title") or "").endswith(
        "teacher, baseline, student, onnx fp32, onnx int8, onnx int8-trim"
    )


def test_how_busy_the_machine_was_is_read_from_old_and_new_reports() -> None:
    new = sample.full().measurements[0]
    old = {"load_average": [0.83], "cpu_pressure": "some avg10=1.25 avg60=0.06", "steal_percent": 0.04}
    found = Page(html_page([new, replace(new, subject="student", environment=old)]))
    busy = found.table("load" + "1 min")
    assert busy["teacher"][1:5] == ["0.830", "0.400", "0.00", "0.0100"]
    assert busy["student"][1:5] == ["0.830", "1.25", "n/a", "0.0400"]


def test_a_bench_has_no_gates_and_no_choice() -> None:
    found = Page(html_page(sample.full().measurements[3:5]))
    assert "Gates" not in found.headings
    assert "Cost of the compression" not in found.headings
    assert "In bold" not in found.text
    assert Page(html_page([])).headings == []
    skipped = [Measurement("int8", "onnxruntime", "cuda", Size(0.0), skipped=Skipped("no GPU"))]
    assert "cuda is not on this machine: not measured (no GPU)." in Page(html_page(skipped)).text


def test_a_report_read_back_from_json_gives_the_same_page() -> None:
    report = sample.full()
    assert html_page(RunReport.from_json(report.to_json())) == html_page(report)


def test_on_a_phone_a_gate_is_a_list_in_which_nothing_lies_out_of_sight() -> None:
    found = Page(html_page(sample.failing()))
    assert found.attributes("data-title")[:4] == ["verdict", "measured", "must be", "why"]
    (phone,) = re.findall(r"@media \(max-width: 30rem\) \{.*?\n\}", found.document, re.DOTALL)
    assert ".stacked thead { display: none; }" in phone
    assert "content: attr(data-title)" in phone


def test_a_verdict_stands_beside_the_title(full: Page) -> None:
    assert "all 2 gates hold" in full.text[:200]
    assert Page(html_page(sample.failing())).text.index("2 of 3 gates failed") < 200
