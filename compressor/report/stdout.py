"""Results go to stdout, and nothing else does."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from rich.console import Console, RenderableType

__all__ = ["print_result", "write"]

WIDTH_OF_A_FILE = 140


def print_result(result: RenderableType | dict[str, Any] | list[Any]) -> None:
    """JSON for data, else a table."""
    if isinstance(result, dict | list):
        write(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        return
    # Texts are printed as they are: `[b]` and `:smile:` in them mean nothing.
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE, markup=False, emoji=False)
    with console.capture() as drawn:
        console.print(result)
    write(drawn.get())


def write(text: str) -> None:
    """Text as it is. A reader that went away, as `| head` does, is no failure."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
