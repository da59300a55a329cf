"""Files made to fill the memory or the disk, and rows no reader can hold: told early, with little memory."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from compressor.data import compression, json_files
from compressor.data.columns import Columns
from compressor.data.formats import read_batches
from compressor.data.source import FileSource
from compressor.errors import DataError
from compressor.memory import read_resident, reset_peak
from tests.data.support import ENCODERS, Listener, reviews, write

COLUMNS = Columns({"text": "text"}, {"label": "label"}, {})
MIB = 1 << 20


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Fail where this process grows by more than 100 MB. Not by `tracemalloc`: stopping it while a thread of Arrow
    allocates crashes the interpreter (CPython issue 128679)."""
    reset_peak()
    before_mb = read_resident().peak_mb
    yield
    after_mb = read_resident().peak_mb
    assert before_mb is not None and after_mb is not None
    assert after_mb - before_mb < 100


def read(file: Path, format: str | None = None) -> int:  # noqa: A002  # the recipe's word
    source = FileSource({"train": file}, format)
    return source.read("train", COLUMNS, file.parent / "scratch", Listener()).count


def bomb(path: Path, begin: bytes, filling: bytes = b"a" * MIB, times: int = 400) -> Path:
    """A file of `times` MiB in some hundred KiB. Gzip files may be written one after the other."""
    path.write_bytes(gzip.compress(begin) + gzip.compress(filling) * times)
    return path


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("row.csv.gz", b"text,label\n"),
        ("quoted.csv.gz", b'text,label\n"'),
        ("header.csv.gz", b""),
        ("quoted-header.tsv.gz", b'"'),
        ("row.jsonl.gz", b'{"text": "'),
        ("row.json.gz", b'[{"text": "'),
        ("object.json.gz", b'{"text": "'),
    ],
)
@pytest.mark.usefixtures("little_memory")
def test_a_row_without_an_end_is_told_after_a_few_mib(tmp_path: Path, name: str, begin: bytes) -> None:
    with pytest.raises(DataError, match="longer than 4 MiB"):
        read(bomb(tmp_path / name, begin))


@pytest.mark.parametrize("name", ["x.json.gz", "x.jsonl.gz", "x.csv.gz"])
@pytest.mark.usefixtures("little_memory")
def test_blanks_without_an_end_are_told_after_a_few_mib(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="longer than 4 MiB"):
        read(bomb(tmp_path / name, b"", b" " * MIB))


@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_long_rows_are_held_a_few_at_a_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "_BATCH_BYTES", MIB)
    content = ENCODERS[kind]([{"text": "a" * (MIB // 4), "label": "good"}] * 20)
    batches = list(read_batches(io.BytesIO(content), kind, COLUMNS.wanted, "long"))
    assert sum(batch.num_rows for batch in batches) == 20
    assert max(batch.num_rows for batch in batches) <= 5


@pytest.mark.usefixtures("little_memory")
def test_a_row_without_an_end_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("bomb.jsonl", b'{"text": "' + b"a" * (40 * MIB))
    with pytest.raises(DataError, match="longer than 4 MiB"):
        read(tmp_path / "bomb.zip")


def test_what_unpacks_beyond_all_measure_is_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MIN_BOMB_BYTES", 4 * MIB)
    rows = b'{"text": "a", "label": "good"}\n' * 30_000
    file = bomb(tmp_path / "rows.jsonl.gz", b"", rows, times=20)
    with pytest.raises(DataError, match="unpacks to more than 200 times its size") as caught:
        read(file)
    assert "unpack it and name the file" in str(caught.value.hint)
    unpacked = tmp_path / "rows.jsonl"
    unpacked.write_bytes(rows)
    assert read(unpacked) == 30_000


def test_a_parquet_file_in_an_archive_has_a_limit_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MIN_PARQUET_BOMB_BYTES", 16 * MIB)
    with pytest.raises(DataError, match="more than 20 times its size"):
        read(bomb(tmp_path / "bomb.parquet.gz", b"PAR1"))
    assert not (tmp_path / "scratch" / "train.parquet").exists() or (
        (tmp_path / "scratch" / "train.parquet").stat().st_size < 32 * MIB
    )
    honest = tmp_path / "honest.parquet"
    pyarrow.parquet.write_table(pa.Table.from_pylist(reviews(50)), honest)
    (tmp_path / "honest.parquet.gz").write_bytes(gzip.compress(honest.read_bytes()))
    assert read(tmp_path / "honest.parquet.gz") == 50


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"text": ' + "9" * 5_000 + ', "label": "good"}', "a number has 5000 digits"),
        ('{"text": "a", "label": -' + "9" * 400 + "}", "digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"text": ' * 100_000, "nested too deeply"),
    ],
    ids=["digits", "negative", "lists", "objects"],
)
def test_values_that_json_readers_stumble_over(tmp_path: Path, name: str, row: str, said: str) -> None:
    text = row if name.endswith("l") else f"[{row}"
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"{name}, line 1: .*{said}"):
        read(tmp_path / name)


def test_a_row_as_long_as_the_limit_is_read(tmp_path: Path) -> None:
    empty = json.dumps({"text": "", "label": "good"})
    text = "a" * (compression.MAX_ROW_BYTES - len(empty))
    (tmp_path / "long.jsonl").write_text(json.dumps({"text": text, "label": "good"}), encoding="utf-8")
    assert read(tmp_path / "long.jsonl") == 1


def test_blank_lines_before_the_first_object_keep_the_numbers_of_lines(tmp_path: Path) -> None:
    good = '{"text": "a", "label": "good"}\n'
    (tmp_path / "rows.json").write_text("\n" * 100 + good * 2 + "{\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 103: not valid JSON"):
        read(tmp_path / "rows.json")


def test_thousands_of_columns_are_counted_in_the_message(tmp_path: Path) -> None:
    header = ",".join(f"column-{number}" for number in range(100_000))
    (tmp_path / "wide.csv").write_text(f"{header}\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(tmp_path / "wide.csv")
    assert len(str(caught.value)) < 2_200


def test_every_packing_is_still_read_whole(tmp_path: Path) -> None:
    for packing in (".gz", ".bz2", ".xz", ".zip"):
        assert read(write(tmp_path, reviews(3_000), "csv", packing)) == 3_000
