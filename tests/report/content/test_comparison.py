from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from compressor.compare.results import Comparison, Loss
from compressor.report.content.comparison import SENTENCES, allowed, loss_text
from compressor.report.render import console_table, markdown
from tests.report.comparisons import ROWS, comparison


def drawn(found: Comparison, width: int = 80) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, markup=False, emoji=False).print(console_table(found))
    return file.getvalue().splitlines()


def row(lines: list[str], name: str) -> str:
    """The words of a row."""
    return next(" ".join(found.split()) for found in lines if found.strip().startswith(f"{name}  "))


def test_in_a_terminal_of_80_columns_every_row_is_one_line() -> None:
    lines = drawn(comparison())

    assert max(map(len, lines)) <= 80
    assert row(lines, "latency texts") == "latency texts 12.3 ms 13.9 ms +13.2% (+11.8 to +14.7) 5% FAIL"
    assert row(lines, "accuracy") == "accuracy 87.2% 86.9% +0.3 points (-0.4 to +1.1) 1 point INCONCLUSIVE"
    assert row(lines, "operators") == "operators 212 260 n/a n/a WARN"
    assert row(lines, "size") == "size 90.4 MB 22.9 MB -74.7% 2% PASS"
    assert "…" not in "".join(lines)


def test_the_table_says_how_to_read_it() -> None:
    text = " ".join(" ".join(drawn(comparison())).split())

    assert "Loss: how much worse B is, with 99% bounds; below 0 it is better." in text
    assert "A: runs/a|b/model.onnx" in text


def test_each_note_stands_once_below_the_table() -> None:
    text = " ".join(" ".join(drawn(comparison(), width=200)).split())

    assert text.count("measured again: +12.9% (+11.0 to +14.8)") == 1, "a failure shows what confirmed it"
    assert text.count("measured again") == 1, "the note of a warning has said it"
    assert text.count("a copy of A is -9.0% to +8.1% beside A") == 1
    assert text.count("a copy of A beside A") == 2, "of the failure and the warning"


def test_several_models_are_told_apart_whatever_order_they_come_in() -> None:
    rows = [replace(row, case=row.case.replace("fp32 and int8", name)) for row in ROWS for name in ("int8", "int4")]
    lines = [found.strip() for found in drawn(comparison(*rows))]

    assert lines.count("int8") == lines.count("int4") == 1
    between = lines[lines.index("int8") : lines.index("int4")]
    assert sum(found.startswith(tuple(row.metric for row in ROWS)) for found in between) == len(ROWS)


@pytest.mark.parametrize(
    ("loss", "unit", "expected"),
    [
        (None, "ms", "n/a"),
        (Loss(-0.747, -0.747, -0.747, 1, 1.0), "MB", "-74.7%"),
        (Loss(-0.0001, -0.0004, 0.0004, 8), "ms", "+0.0% (+0.0 to +0.0)"),
        (Loss(0.01, -0.02, 0.03, 8), "%", "+1.0 point (-2.0 to +3.0)"),
        (Loss(1.5, 1.2, 1.8, 8), "ms", "+150.0% (+120.0 to +180.0)"),
        (Loss(0.012, -0.0001, 0.031, 8), "", "+0.012 (+0.000 to +0.031)"),
    ],
)
def test_how_a_loss_is_written(loss: Loss | None, unit: str, expected: str) -> None:
    assert loss_text(loss, unit) == expected


def test_how_a_tolerance_is_written() -> None:
    assert [allowed(row) for row in ROWS[:3]] == ["1 point", "n/a", "2%"]
    assert allowed(replace(ROWS[4], tolerance=0.07)) == "7%"
    assert allowed(replace(ROWS[0], tolerance=0.005)) == "0.5 points"
    assert allowed(replace(ROWS[0], metric="spearman", unit="", tolerance=0.02)) == "0.02"


def test_markdown_is_a_table_with_a_row_each() -> None:
    text = markdown(comparison())
    table = [found for found in text.splitlines() if found.startswith("|")]

    assert text.startswith("# Comparison: fail\n\nB is worse than A by more than is allowed.\n")
    assert len(table) == 2 + len(ROWS)
    assert {found.count("|") for found in table} == {7}
    assert "| latency texts | 12.3 ms | 13.9 ms | +13.2% (+11.8 to +14.7) | 5% | **fail** |" in table
    assert "- latency, fp32 and int8, texts: measured again: +12.9% (+11.0 to +14.8)" in text
    assert "- cpu: AMD EPYC\n- cores: 2\n- steal_percent: 0.2000\n" in text
    assert "2026-11-24" in text


def test_an_upright_bar_in_a_name_breaks_no_table() -> None:
    text = markdown(comparison(replace(ROWS[2], case="a|b, c|<script>d")))

    assert "### a\\|b\n" in text
    assert r"| size c\|&lt;script>d | 90.4 MB |" in text


def test_a_comparison_of_a_machine_that_tells_nothing() -> None:
    assert "## Machine" not in markdown(replace(comparison(), environment={}))


@pytest.mark.parametrize(
    ("number", "words"),
    [(2, "no worse"), (1, "may be worse"), (6, "no failure, and no pass"), (4, "by more than is allowed")],
)
def test_the_sentence_says_what_the_verdict_means(number: int, words: str) -> None:
    found = comparison(ROWS[number])

    assert words in SENTENCES[found.verdict]
    assert words in " ".join(drawn(found, width=200))
    assert words in markdown(found)
