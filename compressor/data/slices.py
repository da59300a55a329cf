"""Groups of texts: by the values of a column, or by whether a regular expression is found in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from compressor.errors import RecipeError

__all__ = ["EMPTY", "MOST_VALUES", "Mask", "slice_masks"]

EMPTY = "(empty)"
"""What the value of a column is called where a row has none."""
MOST_VALUES = 40
"""Groups that a column may make."""
Mask = npt.NDArray[np.bool_]


def slice_masks(asked: str, texts: Iterable[str], columns: Mapping[str, Sequence[str]]) -> dict[str, Mask]:
    """Name of each group -> which texts belong to it [texts]. Each text belongs to one.

    Args:
        asked: a column, which makes the groups `COLUMN = VALUE`; or `NAME=REGEX`, which makes `NAME` and `not NAME`.
        texts: read once, and only for a regular expression.
        columns: column -> its value for each text.

    Raises:
        RecipeError: a column that isn't there or has too many values, or no regular expression.
    """
    name, separator, pattern = asked.partition("=")
    return _matching(name, pattern, texts) if separator else _values(asked, columns)


def _matching(name: str, pattern: str, texts: Iterable[str]) -> dict[str, Mask]:
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise RecipeError(f"The slice {name!r} is no regular expression: {error}.") from error
    has = np.fromiter((bool(found.search(text)) for text in texts), bool)
    return {name: has, f"not {name}": ~has}


def _values(name: str, columns: Mapping[str, Sequence[str]]) -> dict[str, Mask]:
    if name not in columns:
        raise RecipeError(
            f"The data has no column {name!r} to slice by.",
            hint=f"It has {', '.join(columns) or 'no further column'}; NAME=REGEX makes a slice of what a text holds.",
        )
    values = np.asarray(columns[name], dtype=object)
    known = sorted(set(values))
    if len(known) > MOST_VALUES:
        raise RecipeError(
            f"The column {name!r} has {len(known)} values; a slice may have up to {MOST_VALUES}.",
            hint="Name another column; NAME=REGEX makes a slice of what a text holds.",
        )
    return {f"{name} = {value or EMPTY}": values == value for value in known}
