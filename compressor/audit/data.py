"""The files that an audit reads: texts with right answers, and what else stands in their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from compressor.bench.asked import AskedModel
from compressor.bench.subject import roles_of
from compressor.compare.labelled import LabelledRow, labelled_rows, read_labelled
from compressor.errors import DataError
from compressor.evaluate import Texts

__all__ = ["AuditedTexts", "TrainingFile", "read_texts"]


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
    _check_columns(model, roles, columns)
    optional = not labelled or spec.target_role in spec.optional_roles
    found = read_labelled(path, roles, spec.target_role, optional=optional, columns=columns)
    names = dict.fromkeys(name for row in found.others for name in row)
    return AuditedTexts(
        Texts(found.examples, _targets(path, model, found.targets)),
        {name: tuple(row.get(name, "") for row in found.others) for name in names},
    )


@dataclass(frozen=True)
class TrainingFile:
    """What a model was trained on, read a row at a time: it may be large. Right answers may be missing."""

    path: Path
    model: AskedModel
    columns: Mapping[str, str]

    def __iter__(self) -> Iterator[dict[str, str]]:
        return (row.example for row in self._rows())

    def sample(self, most: int, *, seed: int) -> Texts:
        """At most so many of its rows, in order, drawn by chance.

        Raises:
            DataError: the file can't be read, or one of them holds an answer that the model can't give.
        """
        count = sum(1 for _ in self._rows())
        chosen = set(np.random.default_rng(seed).choice(count, min(most, count), replace=False).tolist())
        rows = [row for number, row in enumerate(self._rows()) if number in chosen]
        targets = [row.target for row in rows if row.labelled]
        return Texts([row.example for row in rows], _targets(self.path, self.model, targets))

    def _rows(self) -> Iterator[LabelledRow]:
        roles = roles_of(self.model.subject)
        _check_columns(self.model, roles, self.columns)
        return labelled_rows(self.path, roles, self.model.task.spec.target_role, optional=True, columns=self.columns)


def _check_columns(model: AskedModel, roles: tuple[str, ...], columns: Mapping[str, str]) -> None:
    known = (*roles, model.task.spec.target_role)
    if unknown := sorted(set(columns) - set(known)):
        raise DataError(f"This model reads no {unknown[0]!r}.", hint=f"Columns can be named for {', '.join(known)}.")


def _targets(path: Path, model: AskedModel, targets: Sequence[Any]) -> list[Any]:
    try:
        return [model.task.target(value, model.settings) for value in targets]
    except DataError as error:
        raise DataError(f"{path}: {error.message}", hint=error.hint) from error
