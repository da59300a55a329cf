"""What the tests of this room share: a listener that remembers, rows in any format, a split prepared from rows."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from compressor.data import load_split, prepare
from compressor.events import Silent
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec, task_spec

Row = dict[str, Any]

SPLITS = ("train", "validation", "test")

SPLITS = ("train", "validation", "test")


class Listener(Silent):
    """An `Events` that keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.steps: list[tuple[str, float, float | None]] = []

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        self.steps.append((what, done, total))

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def reviews(count: int, labels: Sequence[str] = ("bad", "good"), *, start: int = 0) -> list[Row]:
    """`count` distinct rows, the labels in turn."""
    return [{"text": f"review number {i}", "label": labels[i % len(labels)]} for i in range(start, start + count)]


def _delimited(rows: list[Row], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(rows: list[Row]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


ENCODERS: dict[str, Callable[[list[Row]], bytes]] = {
    "csv": lambda rows: _delimited(rows, ","),
    "tsv": lambda rows: _delimited(rows, "\t"),
    "jsonl": lambda rows: "".join(json.dumps(row) + "\n" for row in rows).encode(),
    "json": lambda rows: json.dumps(rows, indent=1).encode(),
    "parquet": _parquet,
}


def _zip(content: bytes, name: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr("__MACOSX/._" + name, b"litter")
    return sink.getvalue()


PACKERS: dict[str, Callable[[bytes, str], bytes]] = {
    "": lambda content, _: content,
    ".gz": lambda content, _: gzip.compress(content),
    ".bz2": lambda content, _: bz2.compress(content),
    ".xz": lambda content, _: lzma.compress(content),
    ".zip": _zip,
}


def write(folder: Path, rows: list[Row], kind: str = "jsonl", packing: str = "", stem: str = "reviews") -> Path:
    """Write rows as a file of that format and packing."""
    name = f"{stem}.{kind}"
    path = folder / (name + packing)
    path.write_bytes(PACKERS[packing](ENCODERS[kind](rows), name))
    return path


def run(
    out: Path,
    files: dict[str, Path] | Path | None,
    *,
    spec: TaskSpec | None = None,
    seed: int = 1,
    events: Listener | None = None,
    **section: Any,
) -> dict[str, Any]:
    """`prepare` with a section made of keywords."""
    given = {"train": files} if isinstance(files, Path) else files
    return prepare(
        DataSection(**{"source": "some/data", **section}),
        spec or task_spec("text-classification"),
        seed=seed,
        files=given,
        out=out,
        events=events or Listener(),
    )


def made_spec(target: str, *roles: str, optional: tuple[str, ...] = (), name: str = "made-up-task") -> TaskSpec:
    """The spec of a task that isn't installed; its last role is the target's."""
    return TaskSpec(
        name=name,
        title=name,
        roles=roles,
        optional_roles=optional,
        target_role=(*roles, *optional)[-1],
        target=target,
        outputs=(),
        auto_class="",
        metrics=(),
        pipeline_tag="",
    )


def install(monkeypatch: pytest.MonkeyPatch, *specs: TaskSpec) -> None:
    """Let messages find these tasks, and no other."""
    known = {spec.name: spec for spec in specs}
    monkeypatch.setattr("compressor.data.mistaken.TASK_SPECS", SimpleNamespace(names=tuple(known), get=known.get))


def rows_of(out: Path, *splits: str) -> list[Row]:
    """The rows of splits as they were written, without `example_id`."""
    every = [dict(row) for split in splits or SPLITS if has(out, split) for row in load_split(out, split)]
    return [{name: value for name, value in row.items() if name != "example_id"} for row in every]


def has(out: Path, split: str) -> bool:
    return (out / f"{split}.arrow").is_file()


def texts(out: Path, split: str) -> list[str]:
    return list(load_split(out, split)["text"])
