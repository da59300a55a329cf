"""Every format in every packing reads the same, and a damaged file is an error that names it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import given
from hypothesis import strategies as st

from compressor.data.arrow import read_arrow
from compressor.data.columns import Columns
from compressor.data.delimited import read_delimited
from compressor.data.source import FileSource, RawSplit
from compressor.errors import DataError
from tests.data.support import ENCODERS, PACKERS, Listener, Row, reviews, run, write

COLUMNS = Columns({"text": "text"}, {"label": "label"}, {})
TRICKY: list[Row] = [
    {"text": "null", "label": "NA"},
    {"text": 'two\nlines, "quoted"', "label": "01"},
    {"text": "ünïcödé \u2028 and a\ttab", "label": "None"},
    {"text": "007", "label": "true"},
]


def rows_of(raw: RawSplit) -> list[Row]:
    return [row for batch in read_arrow(raw.path) for row in batch.to_pylist()]


def read(path: Path, columns: Columns = COLUMNS, kind: str | None = None, header: bool = True) -> list[Row]:
    raw = FileSource({"train": path}, kind, header=header).read("train", columns, path.parent / "scratch", Listener())
    return rows_of(raw)


def content(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("kind", ENCODERS)
def test_every_format_in_every_packing_gives_the_text_as_written(tmp_path: Path, kind: str, packing: str) -> None:
    assert read(write(tmp_path, TRICKY, kind, packing)) == TRICKY


@pytest.mark.parametrize("kind", ENCODERS)
def test_only_mapped_columns_are_read_and_named_after_their_roles(tmp_path: Path, kind: str) -> None:
    rows = [{"id": str(i), "review": f"r{i}", "stars": "5", "other": "x"} for i in range(3)]
    found = read(write(tmp_path, rows, kind), Columns({"text": "review"}, {"label": "stars"}, {}))
    assert found == [{"text": f"r{i}", "label": "5"} for i in range(3)]


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_missing_column_names_those_that_are_there(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, [{"Text": "a", "category": "x"}], kind)
    with pytest.raises(DataError, match=r"no column 'text'.*columns are: Text, category[\s\S]*Did you mean 'Text'"):
        read(path)


def test_a_format_the_name_does_not_tell_is_taken_from_the_recipe(tmp_path: Path) -> None:
    path = content(tmp_path, "reviews.txt", "text,label\na,b\n")
    assert read(path, kind="csv") == [{"text": "a", "label": "b"}]
    with pytest.raises(DataError, match=r"reviews\.txt doesn't tell its format[\s\S]*data\.format"):
        read(path)


def test_json_lines_in_a_file_called_json_are_read(tmp_path: Path) -> None:
    lines = '{"text": "a", "label": 1}\n\n{"label": 2.0, "text": null}\n{"text": 5, "label": true}'
    assert read(content(tmp_path, "a.json", lines)) == [
        {"text": "a", "label": "1"},
        {"text": None, "label": "2"},
        {"text": "5", "label": "true"},
    ]


@pytest.mark.parametrize("window", [1, 7, 64])
def test_a_json_list_reads_the_same_however_it_is_cut_into_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr("compressor.data.json_files._CHUNK", window)
    rows = [*TRICKY, {"text": 'esc \\ " \u00e9', "label": "x", "more": {"deep": [1, 2.5e-3, None, True]}}]
    path = content(tmp_path, "a.json", json.dumps(rows, indent=2))
    assert read(path) == [{"text": row["text"], "label": row["label"]} for row in rows]


def test_a_byte_order_mark_and_windows_line_ends_leave_no_trace(tmp_path: Path) -> None:
    path = content(tmp_path, "a.csv", b"\xef\xbb\xbftext,label\r\n\r\ngood,1\r\n")
    assert read(path) == [{"text": "good", "label": "1"}]
    assert read(content(tmp_path, "a.json", b'\xef\xbb\xbf[{"text": "a", "label": "b"}]')) == [
        {"text": "a", "label": "b"}
    ]


NUMBERED = Columns({"text": "2"}, {"label": "1"}, {})


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_columns_of_a_file_without_a_header_are_numbers(tmp_path: Path, kind: str, packing: str) -> None:
    rows = [{"label": row["label"], "text": row["text"]} for row in TRICKY]
    # The first of `named` is written as the header, and so is the first row of the file.
    named = [dict(zip(rows[0].values(), row.values(), strict=True)) for row in rows[1:]]
    assert read(write(tmp_path, named, kind, packing), NUMBERED, header=False) == [
        {"text": row["text"], "label": row["label"]} for row in TRICKY
    ]


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), min_size=2, max_size=2),
        min_size=1,
    )
)
def test_no_row_of_a_file_without_a_header_is_lost_or_changed(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    batches = read_delimited(io.BytesIO(text.getvalue().encode()), {"a": "1", "b": "2"}, "a.csv", ",", header=False)
    assert [[row["1"], row["2"]] for batch in batches for row in batch.to_pylist()] == rows


def test_a_file_without_a_header_may_begin_with_a_byte_order_mark_and_empty_lines(tmp_path: Path) -> None:
    for number, quote in enumerate((b"", b'"')):
        line = b"".join([b"\r\n", quote, b"1", quote, b",good\r\n0,bad\r\n"])
        path = content(tmp_path, f"{number}.csv", b"\xef\xbb\xbf" + line)
        assert read(path, NUMBERED, header=False) == [{"text": "good", "label": "1"}, {"text": "bad", "label": "0"}]


def test_a_file_without_a_header_is_no_other_format_for_how_it_begins(tmp_path: Path) -> None:
    one = Columns({"text": "1"}, {}, {})
    path = content(tmp_path, "a.csv", "I came; I saw\nI | won\n")
    assert read(path, one, header=False) == [{"text": "I came; I saw"}, {"text": "I | won"}]
    with pytest.raises(DataError, match=r"separated by ';'[\s\S]*data\.delimiter"):
        read(path, NUMBERED, header=False)
    with pytest.raises(DataError, match=r"no column '3'.*its columns are: 1, 2\."):
        read(content(tmp_path, "b.csv", "a,b\n"), Columns({"text": "3"}, {}, {}), header=False)
    with pytest.raises(DataError, match=r"Expected 2 columns, got 3[\s\S]*Rows are counted from 1"):
        read(content(tmp_path, "b.csv", "a,b\nc,d,e\n"), NUMBERED, header=False)
    with pytest.raises(DataError, match=r"empty\.csv is empty"):
        read(content(tmp_path, "empty.csv", ""), NUMBERED, header=False)
    with pytest.raises(DataError, match=r"a\.jsonl is jsonl[\s\S]*data\.format"):
        read(content(tmp_path, "a.jsonl", "{}"), NUMBERED, header=False)


def test_numbers_of_a_class_label_in_parquet_become_names(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    data = Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    path = tmp_path / "a.parquet"
    # Written as `datasets` writes it, names of the classes in the schema's metadata.
    pyarrow.parquet.write_table(data.data.table.cast(features.arrow_schema), path)
    columns = replace(COLUMNS, nested=frozenset({"label"}))
    raw = FileSource({"train": path}).read("train", columns, tmp_path, Listener())
    assert raw.classes == ("neg", "pos")
    assert [row["label"] for row in rows_of(raw)] == ["pos", "neg", "-1"]


def test_typed_parquet_columns_become_plain_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": pa.array(["a", "b", None]).dictionary_encode(),
            "label": pa.array([1.0, float("nan"), 2.5]),
            "whole": pa.array([3, 4, 5]),
        }
    )
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(table, path)
    assert [row["label"] for row in read(path)] == ["1", None, "2.5"]
    assert [row["text"] for row in read(path)] == ["a", "b", None]
    assert [row["label"] for row in read(path, Columns({"text": "text"}, {"label": "whole"}, {}))] == ["3", "4", "5"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "text,label\na,b\nc,d,e\n", r"a\.csv: Row #2: Expected 2 columns, got 3"),
        ("a.csv", "text,label\na\n", r"a\.csv: Row #1: Expected 2 columns, got 1"),
        ("a.csv", b"text,label\nh\xe9,b\n", r"a\.csv: .*Row #1: invalid UTF8[\s\S]*Save the file as UTF-8"),
        ("a.csv", "text,label\na,b\n".encode("utf-16"), r"a\.csv: the header is not UTF-8"),
        ("a.csv", 'text,label\n"never closed,b\nc,d\n', r"a\.csv: Row #1"),
        ("a.csv", "text,label,text\na,b,c\n", r"two columns called 'text'"),
        ("a.csv", "", r"a\.csv is empty"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label"\n', r"a\.jsonl, line 2: not valid JSON"),
        ("a.jsonl", b'{"text": "\xe9", "label": 1}\n', r"a\.jsonl, line 1: not UTF-8"),
        ("a.jsonl", '{"text": "a", "label": 1}\n["b", 1]\n', r"a\.jsonl, line 2: expected an object"),
        ("a.jsonl", '\n{"text": ["a"], "label": 1}\n', r"a\.jsonl, line 2: 'text' holds a list"),
        ("a.jsonl", '{"text": "\\ud800", "label": 1}\n', r"a\.jsonl, line 1: 'text' holds half a surrogate"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl, line 1: not valid JSON: nested too deeply"),
        ("a.json", '[{"text": "a", "label": 1},\n {"text": b}]', r"a\.json, line 2: not valid JSON"),
        ("a.json", '[{"text": "a", "label": 1}\n {"text": "b"}]', r"a\.json, line 2: not valid JSON: Expecting ','"),
        ("a.json", '[\n\n{"text": "a", "label": 1', r"a\.json, line 3: not valid JSON"),
        ("a.json", '[{"text": "a", "label": 1},', r"a\.json, line 1: not valid JSON"),
        ("a.json", b'[{"text": "\xe9", "label": 1}]', r"a\.json, after line 1: not UTF-8"),
        ("a.parquet", "PAR0", r"a\.parquet is not a parquet file"),
        ("a.parquet", "", r"a\.parquet is not a parquet file"),
        ("a.csv.gz", "text,label\na,b\n", r"a\.csv\.gz can't be read"),
        ("a.csv.gz", gzip.compress(b"text,label\n" + b"a,b\n" * 9999, mtime=0)[:60], r"a\.csv\.gz can't be read"),
        ("a.csv.bz2", "text,label\na,b\n", r"a\.csv\.bz2 can't be read"),
        ("a.csv.xz", "text,label\na,b\n", r"a\.csv\.xz can't be read"),
        ("a.csv.zip", "text,label\na,b\n", r"a\.csv\.zip can't be read"),
        ("a.parquet.gz", "text", r"a\.parquet\.gz can't be read"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_file_and_place(
    tmp_path: Path, name: str, text: str | bytes, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        read(content(tmp_path, name, text))


def test_nested_parquet_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table({"text": [["a"]], "label": ["b"]}), path)
    with pytest.raises(DataError, match=r"a\.parquet: the column 'text' holds list<"):
        read(path)


def test_a_zip_of_two_files_asks_which(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "text,label\n")
        archive.writestr("b.csv", "text,label\n")
    with pytest.raises(DataError, match=r"must hold one data file; it holds a\.csv, b\.csv"):
        read(path)


def test_a_row_that_fills_a_block_is_an_error_and_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compressor.data.delimited._BLOCK_BYTES", 1 << 10)
    with pytest.raises(DataError, match=r"a\.csv: a row is longer than"):
        read(content(tmp_path, "a.csv", "text,label\n" + "x" * 5000 + ",b\na,b\n"))


def test_reading_tells_how_far_it_is(tmp_path: Path) -> None:
    events = Listener()
    path = write(tmp_path, reviews(50), "csv", ".gz")
    run(tmp_path / "out", path, events=events)
    size = path.stat().st_size
    assert ("prepare: reading", size, size) in events.steps
    assert ("prepare: checking", 50, 50) in events.steps
