"""What an error must say: what is wrong, where, and what to do, on a screen or two, in characters that only show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.command import Result

__all__ = ["faults_of"]

DOCUMENTED = {0, 1, 2, 3, 4}
"""Exit codes but those of a bug (101) and of an interruption (130)."""
LONGEST = 2_500
"""Two screens: 2,100 characters, and names of files of the tests."""
_CONTROLS = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
"""Escapes, and changes of direction; ends of lines are none."""
_ADVICE = re.compile(
    r"\n  \S|\([^()]*\w{2}.*\)"
    r"|\b(must|needs?|at most|at least|may|can only|is missing)\b"
    r"|\b(add a|name one|set one|take|give|write it|appends|keep it)\b",
    re.IGNORECASE | re.DOTALL,
)
"""A hint: on a line of its own, or of a recipe's problem in brackets; or the sentence says what is wanted."""


def faults_of(result: Result, names: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with how a command ended; `names` are those an error must hold one of."""
    if "Traceback" in result.err:
        yield "ends in a traceback"
    if result.code not in DOCUMENTED:
        yield f"ends with exit code {result.code}"
    if odd := set(_CONTROLS.findall(result.err)):
        yield f"says {sorted(odd)}, which a terminal may obey"
    if not result.code:
        return
    if result.out:
        yield f"fails, and says on stdout: {result.out[:200]!r}"
    message = re.split(r"^[eE]rror: ", result.err, flags=re.MULTILINE)[-1] if "rror: " in result.err else ""
    if len(message.strip()) < 10:
        yield "fails without an error"
    if len(message) > LONGEST:
        yield f"says {len(message):,} characters"
    for problem in _problems(message):
        if not any(name in problem for name in names):
            yield f"doesn't say where: {problem}"
        if not _ADVICE.search(problem):
            yield f"doesn't say what to do: {problem}"


def _problems(message: str) -> list[str]:
    """A message of a recipe has a problem a line; any other is one, with its hint below."""
    lines = message.rstrip("\n").split("\n")
    if any(re.match(r"\S+\.yaml(:\d+)?: |--set ", line) for line in lines):
        return [line for line in lines if line and not line.startswith("... and ")]
    return [message.rstrip("\n")]
