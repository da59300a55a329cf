"""The toolkits that are compared, and what each makes of a checkpoint."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["OURS", "REFERENCE", "STUDENT", "Entry", "Toolkit", "entries", "toolkits"]

FOLDER = Path(__file__).parent / "toolkits"
OURS = "ours"
STUDENT = "student"
"""What the variants of a second checkpoint of ours are called by."""
REFERENCE = "pytorch fp32"
"""The entry whose answers those of all others are compared with."""


@dataclass(frozen=True)
class Toolkit:
    """A file of `toolkits/`."""

    name: str
    module: Any

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}.py"

    @property
    def title(self) -> str:
        return str(self.module.TITLE)

    @property
    def requirements(self) -> tuple[str, ...]:
        """What its environment holds; none where it is the one of this project."""
        return tuple(self.module.REQUIREMENTS)


@dataclass(frozen=True)
class Entry:
    """A variant of a toolkit: a row of the table."""

    toolkit: Toolkit
    variant: str
    student: bool = False
    """Whether it is made of a second checkpoint of ours."""

    @property
    def maker(self) -> str:
        """`olive`, `ours`, or `student`."""
        return STUDENT if self.student else self.toolkit.name

    @property
    def name(self) -> str:
        return f"{self.maker} {self.variant}"

    @property
    def title(self) -> str:
        """How tables call its maker."""
        return "our student" if self.student else self.toolkit.title

    @property
    def kind(self) -> str:
        """`int8` or `float`: what it is fair to compare it with."""
        return "int8" if self.variant.startswith("int8") else "float"

    @property
    def how(self) -> str:
        """How it is made."""
        return str(self.toolkit.module.VARIANTS[self.variant])


def toolkits() -> list[Toolkit]:
    """Every toolkit, ours first."""
    names = sorted((path.stem for path in FOLDER.glob("[!_]*.py")), key=lambda name: (name != OURS, name))
    return [Toolkit(name, importlib.import_module(f"{__package__}.toolkits.{name}")) for name in names]


def entries(only: Sequence[str] = (), *, here: bool = False, student: bool = False) -> list[Entry]:
    """What is to be compared: everything, or the toolkits and entries that are named, and what the table relates them
    to.

    Args:
        only: `olive`, `openvino int8-static`.
        here: leave out toolkits that need an environment of their own.
        student: there is a second checkpoint of ours.

    Raises:
        SystemExit: a name is unknown.
    """
    every = [Entry(toolkit, variant) for toolkit in toolkits() for variant in toolkit.module.VARIANTS]
    if student:
        every += [replace(entry, student=True) for entry in every if entry.maker == OURS]
    known = {entry.name for entry in every} | {entry.maker for entry in every}
    if unknown := [name for name in only if name not in known]:
        raise SystemExit(f"There is no {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
    return [
        entry
        for entry in every
        if (not only or entry.name in only or entry.maker in only or entry.name == REFERENCE)
        and not (here and entry.toolkit.requirements)
    ]
