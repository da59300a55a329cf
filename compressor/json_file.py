"""Read JSON that somebody else wrote, within limits: whatever it holds, the answer is a value or one plain error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["MAX_BYTES", "BadJson", "parse_json", "read_json", "read_object", "whole_number"]

MAX_BYTES = 256 << 20
"""A file that is read whole. The largest real ones, vocabularies and indexes of shards, have some tens of MB."""
MAX_DEPTH = 100
"""Lists and objects inside each other. Configurations have about five levels; Python's own recursion ends at 1,000."""
MAX_DIGITS = 300
"""Of a whole number, so that every one fits a float. Python refuses those above 4,300, in words of its own."""


class BadJson(ValueError):
    """Not JSON, or beyond the limits; the message says why, without the name of the file."""


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        BadJson: it can't be read, or holds something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise BadJson("it is not a JSON object")
    return content


def read_json(path: Path) -> Any:
    """The value in a file.

    Raises:
        BadJson: it is missing, unreadable, too large, not UTF-8, or not JSON within the limits.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise BadJson("it is not a plain file")  # opening a named pipe would wait for somebody to write to it
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadJson(error.strerror or str(error)) from error
    if len(content) > MAX_BYTES:
        raise BadJson(f"it is larger than {MAX_BYTES >> 20} MiB")
    return parse_json(content)


def parse_json(text: str | bytes) -> Any:
    """The value of a text. Where an object has a key twice, the last one counts.

    Raises:
        BadJson: not UTF-8, or not JSON within the limits.
    """
    try:
        value = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text, parse_int=whole_number)
    except UnicodeDecodeError as error:
        raise BadJson("it is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise BadJson(f"not valid JSON: {error.msg} (line {error.lineno})") from error
    except RecursionError as error:
        raise BadJson("it is nested too deeply") from error
    _check_depth(value)
    return value


def whole_number(digits: str) -> int:
    """Read a whole number, for `json`'s `parse_int`. Raises BadJson for one of too many digits."""
    if len(digits) > MAX_DIGITS:
        raise BadJson(f"a number has {len(digits)} digits; at most {MAX_DIGITS} are read")
    return int(digits)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner = [child for child in level if isinstance(child, dict | list)]
        if not inner:
            return
        level = [item for child in inner for item in (child.values() if isinstance(child, dict) else child)]
    raise BadJson("it is nested too deeply")
