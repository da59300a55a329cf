"""Every error that `compressor` raises on purpose, in one hierarchy.

    CompressorError                exit code
    +-- RecipeError                2    the recipe or the call is wrong; carries every `Problem` found
    +-- DataError                  2    the data is unusable: missing column, one class, too many bad rows
    +-- SourceError                3    a model or data file can't be had: unreachable, absent, offline
    |   +-- HashMismatch           3    it was had, and is not what the recipe pinned
    +-- HubError                   3    a hub doesn't take a bundle: no token, no rights, unreachable
    +-- UnsafeSource               2    it would run or unpickle foreign code
    +-- MissingExtra               3    an optional package isn't installed
    +-- TargetUnavailable          3    a required device or execution provider isn't here
    +-- StageError                 4    a stage failed
    |   +-- TrainingDiverged       4    the loss became NaN or infinite
    |   +-- ParityError            4    the exported graph doesn't agree with PyTorch
    |   +-- WorkerError            4    a measuring process died
    +-- DiskFull                   4    nothing more can be written
    +-- BundleError                2    a bundle folder is not one, or is damaged
        +-- VerificationFailed     1    a bundle doesn't give the answers it was sealed with
        +-- GatesFailed            1    a bundle isn't to leave: gates of its recipe failed

Messages say what is wrong, where, and what to do; `hint` holds the last of these. What they quote of a user's input is
cut by `listed` and `shortened`, so that no input makes a message longer than a screen.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = [
    "BundleError",
    "CompressorError",
    "DataError",
    "DiskFull",
    "GatesFailed",
    "HashMismatch",
    "HubError",
    "LossCourse",
    "MissingExtra",
    "ParityError",
    "Problem",
    "RecipeError",
    "SourceError",
    "StageError",
    "TargetUnavailable",
    "TrainingDiverged",
    "UnsafeSource",
    "VerificationFailed",
    "WorkerError",
    "listed",
    "printable",
    "shortened",
]

MAX_MESSAGE = 1500
MAX_HINT = 600
"""Characters. Longer ones lose their middle: the beginning says what is wrong, the end often why."""


def shortened(text: str, limit: int = 100) -> str:
    """A text of at most `limit` characters: a longer one loses its middle."""
    if len(text) <= limit:
        return text
    end = limit // 3
    return f"{text[: limit - end - 5]} ... {text[-end:]}"


def listed(names: Collection[str], most: int = 10) -> str:
    """Names for a message, with commas between them; those beyond `most` are counted, long ones shortened."""
    shown = [shortened(name, 60) for _, name in zip(range(most), names, strict=False)]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text without what would control a terminal: escape sequences and changes of direction are spelt out."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class CompressorError(Exception):
    """Base of all errors meant for the user: `message` says what and where, `hint` what to do."""

    exit_code = 4

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = shortened(message, MAX_MESSAGE)
        self.hint = None if hint is None else shortened(hint, MAX_HINT)

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


def _on_a_line(text: str) -> str:
    """A key as somebody wrote it, with the breaks of its lines spelt out."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a recipe: where it stands and how to mend it."""

    message: str
    path: str = ""
    """Dotted path of the key, as `--set` takes it: `distill.objectives.0.weight`."""
    file: Path | None = None
    line: int | None = None
    hint: str | None = None
    override: str | None = None
    """The `--set` it comes from, as it was typed; then there is no file and no line."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        place = f"--set {_on_a_line(self.override)}: " if self.override else place
        path = f"{_on_a_line(self.path)}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{path}{self.message}{hint}"

    @property
    def summary(self) -> str:
        """The problem as one of several: what it quotes at length is cut."""
        return str(
            replace(
                self,
                message=shortened(self.message, 300),
                path=shortened(self.path),
                hint=None if self.hint is None else shortened(self.hint, 300),
                override=None if self.override is None else shortened(self.override),
            )
        )


class RecipeError(CompressorError):
    """The recipe can't be used as it stands. Carries every problem that was found, not only the first."""

    exit_code = 2

    def __init__(self, problems: list[Problem] | str, *, hint: str | None = None) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else problems
        super().__init__(self._told(), hint=hint)

    def _told(self) -> str:
        """The problems a line each: as many as fit, and how many more there are."""
        told: list[str] = []
        for problem in self.problems:
            line = problem.summary
            if told and sum(map(len, told)) + len(line) > MAX_MESSAGE - 100:
                return "\n".join([*told, f"... and {len(self.problems) - len(told):,} more problems."])
            told.append(line)
        return "\n".join(told)


class DataError(CompressorError):
    """The data can't be used: a column that isn't there, one class only, too many unusable rows."""

    exit_code = 2


class SourceError(CompressorError):
    """A model or a data file can't be had from where the recipe says it is."""

    exit_code = 3


class HashMismatch(SourceError):
    """A file was had, and its sha256 is not the one the recipe pins."""


class HubError(CompressorError):
    """A model hub doesn't take what is sent: no token, no rights, a repository that is in use, no network."""

    exit_code = 3


class UnsafeSource(CompressorError):
    """Using this would run or unpickle code from outside: refused unless the recipe allows it."""

    exit_code = 2


class MissingExtra(CompressorError):
    """An optional package is needed and isn't installed."""

    exit_code = 3

    def __init__(self, what: str, extra: str, missing: str | None = None) -> None:
        self.extra = extra
        lacking = f" ({missing} is not installed)" if missing else ""
        super().__init__(
            f"{what} needs the extra '{extra}'{lacking}.",
            hint=f"Install it: pip install 'compressor[{extra}]'",
        )


class TargetUnavailable(CompressorError):
    """A device or execution provider the recipe requires isn't on this machine."""

    exit_code = 3


class StageError(CompressorError):
    """A stage failed. What earlier stages finished stays in the store."""


@dataclass(frozen=True)
class LossCourse:
    """How the loss went until a training ended: pairs of a step and its loss, in order."""

    training: tuple[tuple[int, float], ...] = ()
    validation: tuple[tuple[int, float], ...] = ()


class TrainingDiverged(StageError):
    """The loss became NaN or infinite at `step`; the last good checkpoint is kept."""

    def __init__(self, message: str, *, step: int, hint: str | None = None, course: LossCourse | None = None) -> None:
        self.step = step
        self.course = course or LossCourse()
        super().__init__(message, hint=hint)


class ParityError(StageError):
    """The exported graph doesn't give the outputs PyTorch gives."""


class WorkerError(StageError):
    """The process that measures one variant on one target died."""


class DiskFull(CompressorError):
    """The disk is full; finished stages are kept."""


class BundleError(CompressorError):
    """A folder is not a bundle, or is one of an unknown version, or is damaged."""

    exit_code = 2


class VerificationFailed(BundleError):
    """A bundle's files or answers are not those it was sealed with."""

    exit_code = 1


class GatesFailed(BundleError):
    """A bundle was to leave the machine though gates of its recipe failed."""

    exit_code = 1
