"""The page of an audit in a real browser, as wide as a desk and as a phone."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from compressor.clients import web
from tests import tiny
from tests.command import compressor
from tests.tiny_run import TinyRun

pytestmark = pytest.mark.slow

WIDTHS = {"desk": 1280, "phone": 375}
"""In CSS pixels."""
FRAME = """<!doctype html><meta charset="utf-8"><title>audit</title>
<iframe style="border: 0; width: WIDTHpx; height: 800px"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument;
  page.querySelectorAll("details").forEach((one) => { one.open = true; });
  const root = page.scrollingElement;
  // What scrolls within a box of its own, such as a wide table, may be wider than the window.
  root.scrollLeft = 10_000;
  const found = {
    window: frame.contentWindow.innerWidth,
    page: root.scrollWidth,
    scrolled: root.scrollLeft,
    sections: [...page.querySelectorAll("h2")].map((one) => one.textContent.trim()),
    hidden: [...page.querySelectorAll("h2")].filter((one) => one.getClientRects().length === 0).length,
  };
  fetch("/found", { method: "POST", body: JSON.stringify(found) });
};
frame.src = "/audit.html";
</script>
"""


@pytest.fixture(scope="module")
def page(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With every kind of block: tables, curves, marked text, texts to unfold."""
    folder = tmp_path_factory.mktemp("page")
    data, words = folder / "reviews.csv", folder / "words.tsv"
    with data.open("w", encoding="utf-8", newline="") as file:
        rows = [(text, label, "north" if i % 2 else "south") for i, (text, label) in enumerate(tiny.reviews(120))]
        csv.writer(file).writerows([("text", "label", "place"), *rows])
    words.write_text("good\tgreat\ndull\tboring\n", encoding="utf-8")
    more = ("--slice", "place", "--terms", "good,dull", "--training", data, "--synonyms", words, "--texts", "20")
    call = ("audit", tiny_run.bundle, "--data", data, *more, "--attack", "5", "--attack-queries", "20")
    compressor(*call, "--out", folder / "audit").succeeds()
    return folder / "audit" / "audit.html"


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_a_browser_shows_it_without_an_error_and_nothing_sticks_out(page: Path, tmp_path: Path, width: int) -> None:
    browser = next(filter(None, map(shutil.which, web.BROWSERS)), None)
    if browser is None:
        pytest.skip(f"there is no {' or '.join(web.BROWSERS)} here")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    flags = ("--disable-gpu", "--enable-logging=stderr", "--window-size=1400,900")
    with (
        web.served({}, {"/": frame, "/audit.html": page, "/favicon.ico": frame}) as (address, answers),
        web.opened(browser, address, tmp_path, flags),
    ):
        found = json.loads(answers.get(timeout=60))
    assert found["window"] == width and found["hidden"] == 0
    assert {"Robustness", "Groups of texts", "Reasons"} <= set(found["sections"])
    assert found["page"] <= width and found["scrolled"] == 0, "the page can be scrolled sideways"
    said = (tmp_path / "browser.log").read_text(encoding="utf-8", errors="replace")
    assert re.findall(r".*:CONSOLE[:(].*", said) == []
