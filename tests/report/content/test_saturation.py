"""What reports say of 8-bit products on CPUs without VNNI."""

from __future__ import annotations

from typing import Any

from compressor.report.blocks import Table
from compressor.report.content.saturation import saturation_blocks, saturation_sentence
from compressor.report.document import StageRecord
from tests.report import sample

SAFE = {"products": 20, "possible": 0, "saturating": 0}
LUCKY = {"products": 20, "possible": 12, "saturating": 0, "texts": 64, "share": 0.0, "largest_share": 0.0}


def stages(**found: dict[str, Any]) -> list[StageRecord]:
    return [StageRecord(f"quantize/{name}", "k", False, 1.0, {"saturation": facts}) for name, facts in found.items()]


def test_a_row_a_variant_says_whether_it_is_safe() -> None:
    _, shown = saturation_blocks(
        [StageRecord("export", "k", False, 1.0), *stages(a=SAFE, b=LUCKY, c=sample.SATURATION)]
    )
    assert isinstance(shown, Table)
    cells = [[getattr(cell, "text", cell) for cell in row.cells] for row in shown.rows]
    assert [row[:5] for row in cells] == [
        ["a", "for every text", "20", "0", "0"],
        ["b", "for these texts", "20", "12", "0"],
        ["c", "no", "20", "20", "7"],
    ]
    assert cells[2][5:] == ["0.0380%", "0.410%", "0.214", "0.0163", "1.6%", "64"]


def test_nothing_is_shown_of_runs_without_such_products() -> None:
    assert list(saturation_blocks([StageRecord("quantize/weights", "k", False, 1.0, {})])) == []
    assert saturation_sentence(stages(int8=SAFE), "fp32") is None


def test_a_sentence_claims_no_more_than_was_computed() -> None:
    found = stages(a=SAFE, b=LUCKY, c=sample.SATURATION, d=sample.SATURATION | {"saturating": 1})
    said = {name: saturation_sentence(found, name) or "" for name in "abcd"}
    assert "none of its 20 products of 8 bits can saturate" in said["a"]
    assert "Other texts may differ." in said["b"]
    assert "7 of its 20" in said["c"] and "at most 0.410% of their outputs (computed for 64 texts)" in said["c"]
    assert "by 0.0163 of their spread on average and by 0.214 at most, and 1.6% of its answers change." in said["c"]
    assert all("reduce_range" in said[name] for name in "cd") and "reduce_range" not in said["a"] + said["b"]
