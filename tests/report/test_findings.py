"""What a room hands over as a finding is in every report, and comes back from JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

from compressor.report.document import RunReport
from compressor.report.render import html_page, markdown
from tests.report import sample
from tests.report.findings import FINDINGS
from tests.report.printers.parsed import Page

REPORT = replace(sample.report(), findings=FINDINGS)


def test_findings_survive_json() -> None:
    assert RunReport.from_json(json.loads(json.dumps(REPORT.to_json()))) == REPORT


def test_a_page_shows_findings_as_sections_with_their_charts() -> None:
    page = Page(html_page(REPORT))
    assert {finding.title for finding in FINDINGS} <= set(page.headings)
    assert page.table("rotten")["rotten"] == ["410", "70"]
    assert any("--heat: 0.55" in (style or "") for style in page.attributes("style")), "the largest count is hottest"
    charts = [drawing for drawing in page.drawings() if drawing.findtext("title") == "Reliability on the test texts"]
    assert len(charts) == 2
    assert [line for line in charts[0].iter("line") if line.get("class") == "front"], "the diagonal: well calibrated"
    assert "<b>not</b> | bad" in page.text


def test_markdown_shows_findings_without_their_charts() -> None:
    document = markdown(REPORT)
    for words in (
        "## Confusion matrix",
        "| rotten | 410 | 70 |",
        "### Per class",
        "- expected calibration error: 0.031",
    ):
        assert words in document
    assert r"| &lt;b>not&lt;/b> \| bad | fresh | rotten |" in document
    assert "Reliability" not in document


def test_blocks_are_had_without_printers_charts_or_rich() -> None:
    code = (
        "import sys, compressor.report.blocks.charts; "
        "print(*[name for name in sys.modules if name == 'rich' or 'printers' in name or 'report.charts' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
