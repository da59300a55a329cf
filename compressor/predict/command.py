"""What `compressor predict` does with a file or a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compressor.errors import DataError
from compressor.events import Events
from compressor.predict.answers import open_writer
from compressor.predict.rows import read_rows
from compressor.runtime import Answer, Bundle

__all__ = ["columns_of", "predict_rows"]

SORTED = 64
"""Batches whose rows are sorted by length together, where the order can't change an answer."""


def columns_of(bundle: Bundle, named: Sequence[str]) -> dict[str, str]:
    """Role -> column: `--column text=review`, or one name alone for the first role; left out, a role's own name.

    Raises:
        DataError: a role that the bundle doesn't read.
    """
    roles = bundle.manifest.roles
    columns = {role: role for role in roles}
    for one in named:
        role, separator, column = one.partition("=")
        if not separator:
            role, column = roles[0], one
        if role not in columns:
            raise DataError(f"This bundle reads no {role!r}.", hint=f"It reads {', '.join(roles)}.")
        columns[role] = column
    return columns


def predict_rows(
    bundle: Bundle,
    source: str,
    *,
    columns: Mapping[str, str],
    target: str | None,
    as_json: bool,
    batch_size: int,
    variant: str | None,
    events: Events,
) -> int:
    """Answer every row of `source` and write the answers in its order; returns how many there were.

    Raises:
        DataError, MissingExtra: the source can't be read, or the answers can't be written.
    """
    # A text's answer doesn't depend on its neighbours where activations aren't scaled over the batch.
    precision = bundle.manifest.precision_of(variant or bundle.manifest.default)
    sorts = batch_size > 1 and precision == "fp32"
    count = 0
    with open_writer(target, as_json=as_json) as writer:
        for rows in read_rows(source, columns, chunk=batch_size * (SORTED if sorts else 1)):
            for row, answer in zip(rows, _answers(bundle, rows, batch_size, sorts=sorts), strict=True):
                writer.write(row, answer)
            count += len(rows)
            if source != "-":
                events.progress("predict", count, None)
    return count


def _answers(bundle: Bundle, rows: Sequence[Mapping[str, Any]], batch_size: int, *, sorts: bool) -> Iterator[Answer]:
    examples = bundle.examples(rows)
    if not sorts:
        yield from bundle.answer(examples, batch_size=batch_size)
        return
    order = sorted(range(len(rows)), key=lambda place: sum(map(len, examples[place].values())))
    answers = bundle.answer([examples[place] for place in order], batch_size=batch_size)
    found = dict(zip(order, answers, strict=True))
    yield from (found[place] for place in range(len(rows)))
