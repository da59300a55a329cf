"""The prepare stage: labelled text from anywhere becomes clean, leak-free splits in Arrow files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset
from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from compressor.data.arrow import write_arrow
from compressor.data.clean import CleanSplit, Rejected, check_rejected, chosen_batches, clean, describe
from compressor.data.columns import role_columns
from compressor.data.duplicates import Duplicates, drop_duplicates, refuse_duplicates
from compressor.data.hub import HubSource
from compressor.data.labels import Labels, choose_labels
from compressor.data.source import FileSource, Source
from compressor.data.splits import EVALUATION, SplitPlan, carve, plan_splits
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.tasks.base import Task

__all__ = ["load_labels", "load_split", "prepare", "quiet_datasets"]

_LABELS_FILE = "labels.json"


def prepare(
    section: DataSection,
    task: Task,
    *,
    seed: int,
    files: Mapping[str, Path] | None,
    out: Path,
    events: Events,
) -> dict[str, Any]:
    """Read, clean, de-duplicate and split; write {train,validation,test}.arrow and labels.json into `out`.

    A split holds the task's text columns, `label` (index into the labels) and `example_id` (0, 1, ... in its order).
    Memory holds some numbers a row, never the texts. The result depends on the content and the seed alone.

    Args:
        files: split -> local file; one file that isn't split yet is {"train": path}. None: `section.source` is a
            data set on the hub.

    Returns:
        Counts for the report: rows read, rejected and dropped, duplicates, labels and sizes of the splits, words.

    Raises:
        DataError: the data can't be used.
        SourceError: the hub can't be reached or doesn't have it.
        UnsafeSource: the data set comes as Python code.
    """
    columns = role_columns(section, task)
    scratch = out / ".scratch"
    try:
        with quiet_datasets():
            source = _open(section, files)
            plan = plan_splits(section.split, source.splits, source.origin)
            labels, splits, rejected = _clean_all(section, source, plan, columns, scratch, events)
            splits, duplicates = drop_duplicates(splits)
            if section.duplicates == "error":
                refuse_duplicates(duplicates)
            splits = _split(_limited(splits, section.limit, seed), plan, labels, seed)
            _check_classes(splits, labels, events)
            for name, split in splits.items():
                _write(split, out / f"{name}.arrow")
        (out / _LABELS_FILE).write_text(json.dumps(labels.names, ensure_ascii=False) + "\n", encoding="utf-8")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _tell(rejected, duplicates, splits, events)
    return _facts(labels, rejected, duplicates, splits)


def load_split(folder: Path, split: str) -> Dataset:
    """A split that `prepare` wrote, memory-mapped."""
    return Dataset.from_file(str(folder / f"{split}.arrow"))


def load_labels(folder: Path) -> list[str]:
    """The labels that `prepare` wrote, in the order of the model's outputs."""
    names: list[str] = json.loads((folder / _LABELS_FILE).read_text(encoding="utf-8"))
    return names


@contextmanager
def quiet_datasets() -> Iterator[None]:
    """Silence the progress bars of `datasets` inside: progress is told through events."""
    silent = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not silent:
            enable_progress_bars()


def _open(section: DataSection, files: Mapping[str, Path] | None) -> Source:
    if files is not None:
        return FileSource(files, section.format)
    return HubSource(str(section.source), subset=section.subset, revision=section.revision)


def _clean_all(
    section: DataSection, source: Source, plan: SplitPlan, columns: Mapping[str, str], scratch: Path, events: Events
) -> tuple[Labels, dict[str, CleanSplit], dict[str, Rejected]]:
    raw = {split: source.read(name, columns, scratch, events) for split, name in plan.given.items()}
    for split in raw.values():
        if not split.count:
            raise DataError(f"{split.origin} holds no rows.")
    labels = choose_labels(section, raw["train"])
    cleaned, rejected = {}, {}
    for name, split in raw.items():
        cleaned[name], rejected[name] = clean(split, labels, events)
        check_rejected(rejected[name], labels, split.origin, section.max_rejected)
    return labels, cleaned, rejected


def _limited(splits: dict[str, CleanSplit], limit: int | None, seed: int) -> dict[str, CleanSplit]:
    generator = np.random.default_rng(seed)
    return {
        name: split.take(np.sort(generator.choice(len(split), limit, replace=False)))
        if limit is not None and limit < len(split)
        else split
        for name, split in splits.items()
    }


def _split(given: dict[str, CleanSplit], plan: SplitPlan, labels: Labels, seed: int) -> dict[str, CleanSplit]:
    train = given["train"]
    dealt = carve(train.labels, plan.carved, labels.names, seed)
    splits = {**given, **{name: train.take(rows) for name, rows in dealt.items()}}
    return {name: splits[name] for name in ("train", *EVALUATION)}


def _check_classes(splits: Mapping[str, CleanSplit], labels: Labels, events: Events) -> None:
    for name, split in splits.items():
        missing = [label for i, label in enumerate(labels.names) if not (split.labels == i).any()]
        if not missing:
            continue
        what = f"The split {name!r} has no example of {', '.join(map(repr, missing[:5]))}"
        if name == "train" or not len(split):
            raise DataError(f"{what}.", hint="Check data.labels, data.split and data.limit.")
        events.warn(f"{what}: its figures say nothing about that.")


def _write(split: CleanSplit, path: Path) -> None:
    """Write a split as `datasets` opens it, the bytes depending on nothing but its content."""
    texts = [role for role in split.raw.roles if role != "label"]
    digest = blake2b(split.keys.tobytes() + split.labels.tobytes(), digest_size=8).hexdigest()
    schema = pa.schema(
        [*((role, pa.string()) for role in texts), ("label", pa.int64()), ("example_id", pa.int64())],
        metadata={"huggingface": json.dumps({"fingerprint": f"{path.stem}-{digest}"})},
    )

    def batches() -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in chosen_batches(split):
            ids = np.arange(start, start + batch.num_rows)
            numbers = [pa.array(split.labels[ids], pa.int64()), pa.array(ids, pa.int64())]
            yield pa.RecordBatch.from_arrays([*(batch[role] for role in texts), *numbers], schema=schema)
            start += batch.num_rows

    write_arrow(path, schema, batches())


def _tell(
    rejected: Mapping[str, Rejected], duplicates: Duplicates, splits: Mapping[str, CleanSplit], events: Events
) -> None:
    for name, left_out in rejected.items():
        if left_out.count:
            events.note(f"{name}: {left_out.count:,} rows can't be used: {describe(left_out)}.")
        if left_out.dropped:
            what = ", ".join(f"{value!r} {count:,}" for value, count in left_out.dropped.most_common())
            events.note(f"{name}: {left_out.dropped.total():,} rows left out by data.drop_labels ({what}).")
    if duplicates.count:
        conflicts = f"; {duplicates.conflicting_labels:,} texts had conflicting labels, the first one counts"
        events.note(
            f"{duplicates.count:,} duplicates dropped: {duplicates.within:,} within a split, {duplicates.across:,} of "
            f"another split{conflicts if duplicates.conflicting_labels else ''}."
        )
    events.note("Splits: " + ", ".join(f"{name} {len(split):,}" for name, split in splits.items()) + ".")


def _facts(
    labels: Labels, rejected: Mapping[str, Rejected], duplicates: Duplicates, splits: Mapping[str, CleanSplit]
) -> dict[str, Any]:
    words = np.concatenate([split.words for split in splits.values()])
    return {
        "labels": list(labels.names),
        "read": {name: left_out.read for name, left_out in rejected.items()},
        "rejected": {
            name: {
                "missing_text": left_out.missing_text,
                "unknown_label": left_out.unknown_label,
                "unknown_values": dict(left_out.unknown_values.most_common(5)),
                "share": left_out.share,
            }
            for name, left_out in rejected.items()
        },
        "dropped_labels": {name: dict(left_out.dropped) for name, left_out in rejected.items()},
        "duplicates": {
            "within": duplicates.within,
            "across": duplicates.across,
            "conflicting_labels": duplicates.conflicting_labels,
        },
        "splits": {
            name: {
                "rows": len(split),
                "labels": {label: int((split.labels == i).sum()) for i, label in enumerate(labels.names)},
            }
            for name, split in splits.items()
        },
        "words": {"mean": float(words.mean()), "p95": float(np.percentile(words, 95)), "max": int(words.max())},
    }
