"""The first rows of files, every column of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from compressor.data.peek import ROWS, peek


@pytest.mark.parametrize(("delimiter", "found"), [(",", None), (";", ";"), ("\t", "\t"), ("|", "|")])
def test_the_delimiter_of_a_csv_file_is_found(delimiter: str, found: str | None, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'"text"{delimiter}"label"\n"a, b"{delimiter}x\n', encoding="utf-8")
    looked = peek(file)
    assert (looked.delimiter, looked.columns) == (found, {"text": ["a, b"], "label": ["x"]})


def test_columns_without_a_name_of_their_own_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",text,x,x\n0,good,1,2\n", encoding="utf-8")
    assert peek(tmp_path / "a.csv").columns == {"text": ["good"]}


def test_objects_keep_their_lists_and_may_lack_keys(tmp_path: Path) -> None:
    rows = [{"text": "a"}, {"text": "b", "labels": ["x", "y"]}]
    lines, whole = tmp_path / "a.jsonl.gz", tmp_path / "a.json"
    lines.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    whole.write_text(json.dumps(rows), encoding="utf-8")
    for file in (lines, whole):
        assert peek(file).columns == {"text": ["a", "b"], "labels": [None, ["x", "y"]]}


def test_parquet_is_read_packed_too_but_for_bytes(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.parquet", tmp_path / "b.parquet.gz"
    pyarrow.parquet.write_table(pa.table({"text": ["a"], "label": [1], "image": [b"x"]}), plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for file in (plain, packed):
        assert peek(file).columns == {"text": ["a"], "label": ["1"]}


def test_only_the_beginning_of_a_long_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "good,x\n" * (ROWS + 10), encoding="utf-8")
    looked = peek(tmp_path / "a.csv")
    assert looked.count == ROWS and not looked.whole
