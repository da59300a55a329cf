"""Whether what groups texts can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compressor.errors import Problem

__all__ = ["slice_is_sound"]


def slice_is_sound(one: str, path: str, *, header: bool) -> Iterator[Problem]:
    """Problems of a column or `NAME=REGEX`.

    Args:
        header: whether columns have names.
    """
    name, separator, pattern = one.partition("=")
    if not separator:
        if not header and not re.fullmatch("[1-9][0-9]{0,5}", one):
            message = f"{one!r} is no number of a column, and with `header: false` no column has a name"
            yield Problem(message, path, hint="give its number, counted from 1")
        return
    if not name.strip():
        yield Problem("has no name", path, hint="write NAME=REGEX, such as 'negation=\\bnot\\b'")
    try:
        re.compile(pattern)
    except re.error as error:
        yield Problem(f"{pattern!r} is no regular expression: {error}", path)
