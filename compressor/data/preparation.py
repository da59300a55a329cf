"""The prepare stage: text and targets from anywhere become clean, leak-free splits in Arrow files."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from compressor.data.clean import CleanSplit, Rejections, check_rejected, clean
from compressor.data.columns import Columns, role_columns
from compressor.data.duplicates import drop_duplicates, refuse_duplicates
from compressor.data.facts import facts, tell
from compressor.data.groups import carve_by_group
from compressor.data.hub import HubSource
from compressor.data.prepared import write_description, write_evaluation_groups, write_split
from compressor.data.source import FileSource, Source
from compressor.data.splits import EVALUATION, SplitPlan, carve, carve_by_time, plan_splits
from compressor.data.targets import TARGETS, Target
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["prepare", "quiet_datasets"]

_UNLABELLED = "unlabelled"


def prepare(
    section: DataSection,
    spec: TaskSpec,
    *,
    seed: int,
    files: Mapping[str, Path] | None,
    out: Path,
    events: Events,
    keep: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Read, clean, de-duplicate and split; write {train,validation,test}.arrow, labels.json and prepared.json to `out`.

    A split holds the task's text columns, the target under the name of its role, and `example_id` (0, 1, ... in its
    order). Of a test set (`data.test`) there is no other split. Memory holds some numbers a row, never the texts. The
    result depends on the content and the seed alone.

    Args:
        files: split -> local file; one file that isn't split yet is {"train": path}. None: `section.source` is a
            data set on the hub.
        keep: key, which begins with one of `KEPT`, -> further column of the source, which stands in the splits under
            the key. They change neither the rows nor their order.

    Returns:
        Counts for the report: rows read, rejected and dropped, duplicates, labels and sizes of the splits, groups,
        lengths in words and characters.

    Raises:
        DataError: the data can't be used.
        SourceError: the hub can't be reached or doesn't have it.
        UnsafeSource: the data set comes as Python code.
    """
    has_target = spec.target_role in spec.roles or spec.target_role in section.columns
    kind = spec.target if has_target and section.labelled != () else _UNLABELLED
    columns = role_columns(section, spec, labelled=kind != _UNLABELLED, tokens=TARGETS.get(kind).nested)
    columns = replace(columns, splits={**columns.splits, **(keep or {})})
    scratch = out / ".scratch"
    try:
        with quiet_datasets():
            source = _open(section, files, kind)
            plan = plan_splits(section.split, source.splits, source.origin, test_only=section.test_only)
            target, splits, rejected = _clean_all(section, spec, kind, source, plan, columns, scratch, events)
            splits, duplicates = drop_duplicates(splits)
            if section.labelled is not None:  # a label that isn't read differs from any other
                duplicates = replace(duplicates, conflicting_labels=0)
            if section.duplicates == "error":
                refuse_duplicates(duplicates)
            splits = _split(_limited(splits, section.limit, seed), plan, target, seed, events, source.origin)
            hidden = _hidden(section, splits)
            labels = {
                name: write_split(
                    split, target, out / f"{name}.arrow", without=spec.target_role if name in hidden else None
                )
                for name, split in splits.items()
            }
            _check_labels({name: labels[name] for name in labels if name not in hidden}, target, events)
        description = {
            "task": spec.name,
            "target": kind,
            "target_role": None if target.type is None or "validation" in hidden else spec.target_role,
            "splits": list(splits),
            **target.details,
        }
        write_description(out, target.vocabulary, description)
        write_evaluation_groups(out, splits)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    tell(rejected, duplicates, splits, events)
    return facts(target, columns, rejected, duplicates, splits, labels)


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


def _open(section: DataSection, files: Mapping[str, Path] | None, target: str) -> Source:
    if files is not None:
        return FileSource(files, section.format, delimiter=section.delimiter, header=section.header, target=target)
    return HubSource(str(section.source), subset=section.subset, revision=section.revision)


def _clean_all(
    section: DataSection,
    spec: TaskSpec,
    kind: str,
    source: Source,
    plan: SplitPlan,
    columns: Columns,
    scratch: Path,
    events: Events,
) -> tuple[Target, dict[str, CleanSplit], dict[str, Rejections]]:
    reads = _reads_labels(section, plan)
    texts_alone = replace(columns, target={})
    raw = {
        split: source.read(name, columns if reads[split] else texts_alone, scratch, events)
        for split, name in plan.given.items()
    }
    for split in raw.values():
        if not split.count:
            raise DataError(f"{split.origin} holds no rows.", hint="Give a file with a row for each text.")
    chosen_from = next(name for name in ("train", *EVALUATION) if name in raw and reads[name])
    target = TARGETS.get(kind).choose(section, spec, raw[chosen_from], events)
    without = TARGETS.get(_UNLABELLED)()
    cleaned, rejected = {}, {}
    for name, split in raw.items():
        cleaned[name], rejected[name] = clean(split, target if reads[name] else without, spec.target_role, events)
        check_rejected(rejected[name], target, split.origin, section.max_rejected)
    return target, cleaned, rejected


def _reads_labels(section: DataSection, plan: SplitPlan) -> dict[str, bool]:
    """Split that the source gives -> whether labels are read in it: of the training split also for what is carved out
    of it."""
    if not section.labelled:
        return dict.fromkeys(plan.given, True)
    made_of = {name: {name, *(plan.carved if name == "train" else ())} for name in plan.given}
    return {name: bool(made & set(section.labelled)) for name, made in made_of.items()}


def _hidden(section: DataSection, splits: Collection[str]) -> set[str]:
    """The splits whose labels nothing else sees."""
    return set() if section.labelled is None else set(splits) - set(section.labelled)


def _limited(splits: dict[str, CleanSplit], limit: int | None, seed: int) -> dict[str, CleanSplit]:
    generator = np.random.default_rng(seed)
    return {
        name: split.take(np.sort(generator.choice(len(split), limit, replace=False)))
        if limit is not None and limit < len(split)
        else split
        for name, split in splits.items()
    }


def _split(
    given: dict[str, CleanSplit], plan: SplitPlan, target: Target, seed: int, events: Events, origin: str
) -> dict[str, CleanSplit]:
    """The splits by name, those that aren't given carved out of the training split."""
    splits = dict(given)
    if "train" in given and plan.carved:
        train = given["train"]
        splits |= {name: train.take(rows) for name, rows in _carved(train, plan.carved, target, seed, events).items()}
    _warn_of_shared_groups(splits, events)
    for name, split in splits.items():
        if not len(split):
            total = sum(len(split) for split in splits.values())
            raise DataError(
                f"{origin}: the split {name!r} is empty: {total} rows are too few to be in every split.",
                hint="Add examples, or check data.split and data.limit.",
            )
    return {name: splits[name] for name in ("train", *EVALUATION) if name in splits}


def _carved(
    train: CleanSplit, fractions: Mapping[str, float], target: Target, seed: int, events: Events
) -> Mapping[str, Any]:
    if train.order is not None:
        return carve_by_time(train.order, fractions)
    if train.groups is not None:
        return carve_by_group(train.groups, train.strata, fractions, seed)
    dealt, small = carve(train.strata, fractions, seed)
    names = [name for stratum in small if (name := target.stratum_name(stratum)) is not None]
    if names:
        shown = _listed(names)
        events.warn(f"Too few examples of {shown} to be in every split: they all stay in the training split.")
    return dealt


def _warn_of_shared_groups(splits: Mapping[str, CleanSplit], events: Events) -> None:
    """Groups stay together where we make the splits; where the source made them, they may not."""
    earlier: list[npt.NDArray[np.uint64]] = []
    for name in ("train", *EVALUATION):
        groups = splits[name].groups if name in splits else None
        if groups is None:
            continue
        shared = np.intersect1d(groups, np.concatenate([*earlier, np.empty(0, np.uint64)]))
        if len(shared):
            events.warn(
                f"Groups in the split {name!r} that stand in another split too, as the source gives them: "
                f"{len(shared):,}. Its figures flatter the model."
            )
        earlier.append(groups)


def _check_labels(labels: Mapping[str, Counter[str]], target: Target, events: Events) -> None:
    for name, counts in labels.items():
        missing = [label for label in target.vocabulary if not counts[label]]
        if not missing:
            continue
        what = f"The split {name!r} has no example of {_listed(missing)}"
        if name == "train":
            raise DataError(f"{what}.", hint="Check data.labels, data.split and data.limit.")
        events.warn(f"{what}: its figures say nothing about that.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(repr, names[:5])) + more
