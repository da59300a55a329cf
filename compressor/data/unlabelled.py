"""Texts of the domain that nobody labelled, read like labelled ones."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from compressor.data.arrow import BATCH, read_arrow, values_of
from compressor.data.clean import group_key
from compressor.data.columns import UNLABELLED, Columns
from compressor.data.compression import plain_name
from compressor.data.hub import HubSource
from compressor.data.layout import layout_of, target_of_layout
from compressor.data.preparation import quiet_datasets
from compressor.data.prepared import load_evaluation_groups
from compressor.data.seen import Seen
from compressor.data.sentences import sentences
from compressor.data.source import FileSource, RawSplit, Source
from compressor.data.targets import TARGETS
from compressor.data.targets.base import scalar
from compressor.data.text_filter import TextFilter
from compressor.data.texts import TEXTS_FILE, MadeText, TrainingTexts, tell, write_texts
from compressor.errors import DataError, RecipeError
from compressor.events import Events
from compressor.recipe.augment import UnlabelledSection
from compressor.recipe.augment_checks import unlabelled_problems
from compressor.task_specs import TaskSpec

__all__ = ["read_unlabelled"]

_ORIGIN = "unlabelled"
_GROUP = f"{UNLABELLED}group"
_WHERE = f"{UNLABELLED}where."


def read_unlabelled(
    section: UnlabelledSection,
    spec: TaskSpec,
    *,
    data: Path,
    files: Mapping[str, Path] | None,
    out: Path,
    seed: int,
    events: Events,
    known: Sequence[Path] = (),
    name: str = "unlabelled",
    path: str = "data.unlabelled",
) -> dict[str, Any]:
    """Write texts without labels to `out/texts.arrow`, see `load_texts`.

    Args:
        data: the folder that `prepare` wrote for the labelled text.
        files: local files by any name, all of which are read; None: `section.source` is a data set on the hub.
        known: folders of texts that were read or made before; what stands there is left out.
        name: what to call it in notes.
        path: where the recipe describes it, for messages.

    Returns:
        Counts for the report, as `make_texts` does, and `read`: rows of the source.

    Raises:
        RecipeError: the section doesn't fit the task. DataError: the file can't be used, or no text of it.
        SourceError: the hub can't be reached or doesn't have it. UnsafeSource: the data set comes as Python code.
    """
    if problems := list(unlabelled_problems(section, spec)):
        raise RecipeError(problems)
    training = TrainingTexts.open(data, spec)
    if section.sentences and len({section.columns.get(role, role) for role in training.roles}) > 1:
        raise DataError(
            f"{path}.sentences is for one text a row; this data has {' and '.join(training.roles)}.",
            hint=f"Leave it out, or name one column for both in {path}.columns: a sentence is then a pair with itself.",
        )
    groups = _groups(section, data, path)
    keep = TextFilter(training, section, known=known)
    scratch = out / ".scratch"
    read = 0

    def kept(raw: RawSplit) -> Iterator[list[MadeText]]:
        done = 0
        for batch in read_arrow(raw.path):
            for start in range(0, batch.num_rows, BATCH):
                rows = batch.slice(start, BATCH)
                texts = _texts(rows, section, training.roles, groups, keep)
                while some := list(islice(texts, BATCH)):
                    yield keep(some)
                done += rows.num_rows
                events.progress(f"{name}: reading texts", done, raw.count, raw.origin)

    def every() -> Iterator[list[MadeText]]:
        nonlocal read
        for source, split in _sources(section, files, spec):
            with _settings_of(path):
                raw = source.read(split, _columns(section, source, split, training.roles, spec), scratch, events)
            read += raw.count
            yield from kept(raw)

    seed += section.seed
    try:
        with quiet_datasets():
            file = out / TEXTS_FILE
            whole = file if section.limit is None else scratch / "all" / TEXTS_FILE
            origins = write_texts(every(), training, whole, section=section, seed=seed)
        if section.limit is not None:
            keep.drop("over_limit", max(0, origins[_ORIGIN] - section.limit))
            chosen = _sample(whole, training.roles, origins[_ORIGIN], section.limit, seed)
            origins = write_texts(chosen, training, file, section=section, seed=seed)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    facts = {"read": read, **keep.facts(origins)}
    tell(name, facts, events)
    return facts


def _groups(section: UnlabelledSection, data: Path, path: str) -> Seen | None:
    """The groups whose texts are left out."""
    if section.group is None:
        return None
    groups = load_evaluation_groups(data)
    if groups is None:
        raise DataError(
            f"{path}.group needs to know the groups of validation and test, and these aren't split by group.",
            hint=f"Name the column in data.split.group too, or leave {path}.group out. Data that an earlier "
            "version prepared doesn't tell its groups: prepare it again with --force prepare.",
        )
    held_out = Seen()
    held_out.add(groups)
    return held_out


def _sources(
    section: UnlabelledSection, files: Mapping[str, Path] | None, spec: TaskSpec
) -> Iterator[tuple[Source, str]]:
    """What is read, and which split of it."""
    if files is None:
        yield HubSource(section.source, subset=section.subset, revision=section.revision), section.split
        return
    for name, path in files.items():
        given = _format(section, path)
        yield (
            FileSource({name: path}, given, delimiter=section.delimiter, header=section.header, target=spec.target),
            name,
        )


def _format(section: UnlabelledSection, path: Path) -> str | None:
    """A file of texts has no columns to tell it from others: its name says what it is."""
    if section.format is not None or not path.is_file():
        return section.format
    return "txt" if Path(plain_name(path)).suffix.lower() == ".txt" else None


def _columns(section: UnlabelledSection, source: Source, split: str, roles: Sequence[str], spec: TaskSpec) -> Columns:
    choosing = {f"{_WHERE}{column}": column for column in section.where}
    if section.group is not None:
        choosing[_GROUP] = section.group
    texts = {role: section.columns.get(role, role) for role in roles}
    if isinstance(source, HubSource) and split not in source.splits:
        raise DataError(
            f"{source.origin} has no split {split!r}; its splits are {', '.join(source.splits)}.",
            hint="Name one of them in data.split.",
        )
    target = {}
    if isinstance(source, FileSource) and source.header and _has_tags(source.files[split], source.format):
        target = {spec.target_role: spec.target_role}  # its readers find tokens by the place of the tags
    tokens = TARGETS.get(spec.target).nested
    return Columns(texts, target, choosing, frozenset(target) | (frozenset(texts) if tokens else frozenset()))


def _has_tags(path: Path, given: str | None) -> bool:
    if not path.is_file():
        return False
    layout = layout_of(path, plain_name(path), given)
    kind = target_of_layout(layout)
    return kind is not None and TARGETS.get(kind).nested


def _texts(
    batch: pa.RecordBatch, section: UnlabelledSection, roles: Sequence[str], groups: Seen | None, keep: TextFilter
) -> Iterator[MadeText]:
    """The texts of those rows that the section asks for, as many as their sentences where it says so."""
    wanted = {key: {value} if isinstance(value, str) else set(value) for key, value in section.where.items()}
    columns = {name: values_of(batch.column(name)) for name in batch.schema.names}
    held_out = np.zeros(batch.num_rows, bool)
    if groups is not None:
        held_out = groups.contains(np.array([group_key(scalar(group) or "") for group in columns[_GROUP]], np.uint64))
    for place in range(batch.num_rows):
        if any(scalar(columns[f"{_WHERE}{key}"][place]) not in values for key, values in wanted.items()):
            continue
        if held_out[place]:
            keep.drop("group_in_evaluation")
            continue
        texts = {role: _plain(columns[role][place]) for role in roles}
        if not section.sentences:
            yield MadeText(texts, _ORIGIN)
            continue
        # The limits count both texts of a pair together.
        least, most = -(-section.min_words // len(roles)), section.max_words and max(1, section.max_words // len(roles))
        for sentence in sentences(texts[roles[0]], min_words=least, max_words=most):
            yield MadeText(dict.fromkeys(roles, sentence), _ORIGIN)


def _plain(text: Any) -> str:
    """A text as it is, tokens with single spaces between them, and nothing of what is neither."""
    if isinstance(text, list) and all(isinstance(token, str) for token in text):
        return " ".join(text)
    return text if isinstance(text, str) else ""


def _sample(file: Path, roles: Sequence[str], count: int, limit: int, seed: int) -> Iterator[list[MadeText]]:
    """So many of the texts of a file, in order."""
    chosen = np.arange(count)
    if limit < count:
        chosen = np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))
    start = 0
    for batch in read_arrow(file):
        first, last = np.searchsorted(chosen, (start, start + batch.num_rows))
        rows = batch.take(pa.array(chosen[first:last] - start)).select(list(roles)).to_pylist()
        yield [MadeText(row, _ORIGIN) for row in rows]
        start += batch.num_rows


@contextmanager
def _settings_of(path: str) -> Iterator[None]:
    """Let messages about the settings of `data` name those of the section at this path, which are called alike."""
    settings = re.compile(rf"\bdata\.(?:{UNLABELLED})?(?=(?:{'|'.join(UnlabelledSection.model_fields)})\b)")
    try:
        yield
    except DataError as error:

        def named(text: str) -> str:
            return settings.sub(f"{path}.", text)

        raise DataError(named(error.message), hint=None if error.hint is None else named(error.hint)) from error
