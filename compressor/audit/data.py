"""The files that an audit reads: texts with right answers, and what else stands in their rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from compressor.bench.asked import AskedModel
from compressor.bench.subject import roles_of
from compressor.compare.labelled import read_labelled
from compressor.errors import DataError
from compressor.evaluate import Texts

__all__ = ["AuditedTexts", "read_texts"]


class AuditedTexts(NamedTuple):
    """A file's examples, and its further columns."""

    texts: Texts
    columns: dict[str, tuple[str, ...]]
    """Name -> a value an example, empty where its row has none."""


def read_texts(
    path: Path,
    model: AskedModel,
    columns: Mapping[str, str],
    *,
    labelled: bool = True,
    roles: tuple[str, ...] | None = None,
) -> AuditedTexts:
    """Every row of a csv, tsv or jsonl file, as the model reads it.

    Args:
        columns: role -> column, for roles whose column has another name.
        roles: of the texts of an example; left out, what the model itself tells.
        labelled: whether right answers have to be there.

    Raises:
        DataError: the file can't be read, or holds an answer that the model can't give.
    """
    spec, roles = model.task.spec, roles or roles_of(model.subject)
    unknown = sorted(set(columns) - {*roles, spec.target_role})
    if unknown:
        raise DataError(
            f"This model reads no {unknown[0]!r}.",
            hint=f"Columns can be named for {', '.join((*roles, spec.target_role))}.",
        )
    optional = not labelled or spec.target_role in spec.optional_roles
    found = read_labelled(path, roles, spec.target_role, optional=optional, columns=columns)
    names = dict.fromkeys(name for row in found.others for name in row)
    try:
        targets = [model.task.target(value, model.settings) for value in found.targets]
    except DataError as error:
        raise DataError(f"{path}: {error.message}", hint=error.hint) from error
    return AuditedTexts(
        Texts(found.examples, targets),
        {name: tuple(row.get(name, "") for row in found.others) for name in names},
    )
