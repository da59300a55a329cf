"""Which format a file has: what the recipe says, what its name says, and what its first lines show."""

from __future__ import annotations

from pathlib import Path

from compressor.data.compression import open_plain, unreadable_explained
from compressor.data.conll import conll_format
from compressor.data.formats import format_of
from compressor.data.mistaken import set_task
from compressor.data.squad import looks_like_squad
from compressor.errors import DataError

__all__ = ["layout_of", "refuse_other_layouts", "target_of_layout"]

_HEAD = 8 << 10
_TAGGED = ("tags", "a token and its tag a line (CoNLL)")
_TARGETS = {"conll": _TAGGED, "conllu": _TAGGED, "squad": ("spans", "questions with answers (SQuAD)")}
"""Format -> the kind of target it is read for, and what such a file holds."""


def layout_of(path: Path, name: str, given: str | None) -> str:
    """The format of a file, `name` being its name without its packing.

    Raises:
        DataError: nothing tells it.
    """
    suffix = Path(name).suffix.lower()
    if given is not None or suffix in (".parquet", ".jsonl", ".ndjson"):
        return format_of(name, given)
    with unreadable_explained(path), open_plain(path) as (stream, _):
        head = stream.read(_HEAD)
    if looks_like_squad(head):
        return "squad"
    shown = None if suffix in (".json", ".conllu") else conll_format(head.decode("utf-8", errors="replace"))
    return shown or format_of(name, None)


def target_of_layout(layout: str) -> str | None:
    """The kind of target that a format is read for; None where it may be any."""
    return _TARGETS[layout][0] if layout in _TARGETS else None


def refuse_other_layouts(layout: str, target: str | None, origin: str) -> None:
    """Raise `DataError` for a format that only another kind of target is read from."""
    kind, holds = _TARGETS.get(layout, (target, ""))
    if target is not None and kind != target:
        raise DataError(
            f"{origin} holds {holds}, which this task can't read.",
            hint=set_task(kind or "") or "Name another file in data.source.",
        )
