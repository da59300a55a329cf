"""Spoilt data files of every format, read as `init`, the stage `prepare` and `predict --input` read them."""

from __future__ import annotations

import bz2
import csv
import functools
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from compressor.data import prepare as prepare_data
from compressor.init import draft
from compressor.init.estimate import Speed
from compressor.recipe.data import DataSection
from compressor.report.console import console_events
from compressor.task_specs import task_spec
from tests import tiny
from tests.fuzz.case import Call, Case, randomness
from tests.fuzz.raw import spoil_bytes, spoil_lines
from tests.fuzz.values import ODD_TEXTS, odd_value, spoil_tree
from tests.runtime import bundles

__all__ = ["make", "prepare"]

Row = dict[str, Any]
_PACKERS: dict[str, Callable[[bytes, str], bytes]] = {
    ".gz": lambda content, _: gzip.compress(content, 1),
    ".bz2": lambda content, _: bz2.compress(content, 1),
    ".xz": lambda content, _: lzma.compress(content, preset=0),
    ".zip": lambda content, name: _zipped(content, name),  # noqa: PLW0108  # defined below
}
_ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis", "utf-7")


def prepare(bases: Path) -> None:
    """A good bundle, for `predict`; and the time that training takes isn't measured, which would be half a second."""
    bundles.write(bases)
    vars(draft)["measure_speed"] = lambda *_, **__: Speed(0.01, 0.01, "cpu", "fp32")


def make(seed: int, bases: Path, folder: Path) -> Case:
    """A spoilt data file: its rows, its text, its bytes or its packing."""
    chance = randomness("data_files", seed)
    kind = chance.choice(["csv", "csv", "tsv", "jsonl", "jsonl", "json", "parquet", "parquet", "conll", "squad", "txt"])
    told, content = _spoilt(chance, kind)
    name = f"spoilt.{_ending(chance, kind)}"
    if chance.random() < 0.3:
        packing = chance.choice(list(_PACKERS))
        content, name = _PACKERS[packing](content, name), name + packing
        if chance.random() < 0.5:
            content, how = spoil_bytes(chance, content)
            told += f"; packed, {how}"
    file = folder / name
    file.write_bytes(content)
    read = functools.partial(_prepared, file, kind, folder)
    read.__name__ = f"prepare {file}"  # type: ignore[attr-defined]
    calls: list[Call] = [("init", file, "--yes", "--out", folder / "first.yaml"), read]
    if kind in ("csv", "tsv", "jsonl", "parquet", "txt"):
        calls[chance.randrange(2)] = (
            "predict",
            bases / "bundle",
            "--input",
            file,
            "--output",
            folder / "answers.jsonl",
        )
    return Case(f"{name}: {told}", ("spoilt",), tuple(calls))


def _prepared(file: Path, kind: str, folder: Path) -> None:
    """The stage `prepare` of a recipe that says as little as it can."""
    task = {"conll": "token-classification", "squad": "question-answering"}.get(kind, "text-classification")
    columns = {"text": "text", "label": "label"} if kind not in ("conll", "squad") else {}
    section = DataSection(source=str(file), columns=columns)
    with console_events() as events:
        prepare_data(
            section, task_spec(task), seed=1, files={"train": file}, out=folder / "prepared", events=events, keep={}
        )


def _spoilt(chance: random.Random, kind: str) -> tuple[str, bytes]:
    rows = _rows(kind)
    told = []
    if chance.random() < 0.5:
        told.append(_spoil_rows(chance, rows, kind))
    content = _written(chance, kind, rows)
    while chance.random() < (0.3 if told else 1):
        if kind != "parquet" and chance.random() < 0.5:
            text, how = spoil_lines(chance, content.decode("utf-8", "surrogateescape"))
            content = text.encode("utf-8", "surrogatepass" if chance.random() < 0.5 else "replace")
        elif kind != "parquet" and chance.random() < 0.3:
            encoding = chance.choice(_ENCODINGS)
            how = encoding
            content = content.decode("utf-8", "replace").encode(encoding, "replace")
        else:
            content, how = spoil_bytes(chance, content)
        told.append(how)
    return f"{kind}; " + "; ".join(told), content


def _rows(kind: str) -> list[Row]:
    if kind == "conll":
        return [{"sentence": [list(token) for token in sentence]} for sentence in tiny.tagged_texts(30)]
    if kind == "squad":
        return tiny.questions(30)
    return [
        {"text": text, "label": label, "stars": number % 5} for number, (text, label) in enumerate(tiny.reviews(60))
    ]


def _spoil_rows(chance: random.Random, rows: list[Row], kind: str) -> str:
    """Odd values in some rows, or odd columns in all."""
    if kind in ("conll", "squad") or chance.random() < 0.5:
        return spoil_tree(chance, rows)
    column = chance.choice(["text", "label", "stars"])
    name = chance.choice(["", " ", "TEXT", "label ", "text", "\x1b[2J", "a,b", 'a"b', "long" * 200, "text.0", "стр"])
    way = chance.randrange(5)
    for row in rows:
        if way == 0:
            row.pop(column)
        elif way == 1:
            row[name] = row.pop(column)
        elif way == 2:
            row[column] = odd_value(chance)
        elif way == 3:
            row.update({f"column {number}": number for number in range(chance.choice([2, 300]))})
        elif chance.random() < 0.5:
            row.pop(column)
    if way == 4:
        del rows[chance.choice([0, 1, 5]) :]
    return f"{column}: way {way}, {name[:20]!r}"


def _written(chance: random.Random, kind: str, rows: Sequence[Any]) -> bytes:
    good = [row for row in rows if isinstance(row, dict)]
    if kind in ("csv", "tsv"):
        names = list(dict.fromkeys(str(name) for row in good for name in row))
        text = io.StringIO(newline="")
        # With NUL or lone surrogates a writer refuses what a file may hold all the same.
        writer = csv.writer(text, delimiter=chance.choice([",", ",", ",", ";", "|"]) if kind == "csv" else "\t")
        writer.writerows([names, *([row.get(name, "") for name in names] for row in good)])
        return text.getvalue().encode("utf-8", "replace")
    if kind == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=chance.random() < 0.5) + "\n" for row in rows).encode(
            "utf-8", "replace"
        )
    if kind == "json":
        shown: Any = list(rows) if chance.random() < 0.7 else {"data": list(rows), "version": "1"}
        return json.dumps(shown, indent=chance.choice([None, 1])).encode()
    if kind == "parquet":
        return _parquet(chance, good)
    if kind == "conll":
        sentences = [row.get("sentence") for row in good]
        return "\n\n".join(_conll(sentence) for sentence in sentences).encode("utf-8", "replace")
    if kind == "squad":
        return json.dumps(_squad(rows)).encode()
    return "".join(f"{row.get('text')}\n" for row in good).encode("utf-8", "replace")


def _conll(sentence: Any) -> str:
    tokens = sentence if isinstance(sentence, list) else [sentence]
    return "\n".join(" ".join(map(str, token)) if isinstance(token, list | tuple) else str(token) for token in tokens)


def _squad(rows: Sequence[Any]) -> dict[str, Any]:
    found = [row if isinstance(row, dict) else {"question": row} for row in rows]
    paragraphs = [
        {
            "context": row.get("context"),
            "qas": [{"id": str(number), "question": row.get("question"), "answers": row.get("answers")}],
        }
        for number, row in enumerate(found)
    ]
    return {"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}


def _parquet(chance: random.Random, rows: list[Row]) -> bytes:
    """Columns of types that text rarely has, too."""
    sink = io.BytesIO()
    try:
        table = pa.Table.from_pylist(rows)
    except (pa.ArrowException, OverflowError, UnicodeError):  # columns of mixed types: as text then
        table = pa.Table.from_pylist([{name: ascii(value) for name, value in row.items()} for row in rows])
    if chance.random() < 0.5 and table.num_columns:
        at = chance.randrange(table.num_columns)
        table = table.set_column(at, table.column_names[at], _column(chance, table.num_rows))
    pyarrow.parquet.write_table(table, sink, row_group_size=chance.choice([7, 1_000]))
    return sink.getvalue()


def _column(chance: random.Random, count: int) -> pa.Array:
    """A column of one odd type."""
    columns: tuple[Callable[[], pa.Array], ...] = (
        lambda: pa.nulls(count),
        lambda: pa.array([b"\xff\xfe"] * count, pa.binary()),
        lambda: pa.array([1] * count, pa.timestamp("ns")),
        lambda: pa.array([1.5] * count, pa.float16() if hasattr(pa, "float16") else pa.float32()),
        lambda: pa.array([None] * count, pa.list_(pa.list_(pa.string()))),
        lambda: pa.array([{"a": {"b": 1}}] * count),
        lambda: pa.array([[("k", 1)]] * count, pa.map_(pa.string(), pa.int64())),
        lambda: pa.array(["x", "y"] * count).dictionary_encode()[:count],
        lambda: pa.array([True] * count),
        lambda: pa.array([chance.choice(ODD_TEXTS) for _ in range(count)], pa.large_string()),
        lambda: pa.array(["1"] * count).cast(pa.decimal128(38, 2)),
        lambda: pa.array([3] * count, pa.duration("s")),
        lambda: pa.array([float("nan")] * count),
    )
    return chance.choice(columns)()


def _ending(chance: random.Random, kind: str) -> str:
    """Sometimes a wrong one."""
    right = "json" if kind == "squad" else kind
    if chance.random() < 0.9:
        return right
    return chance.choice(["csv", "tsv", "jsonl", "json", "parquet", "conll", "conllu", "txt", "bin", "gz"])


def _zipped(content: bytes, name: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return sink.getvalue()
