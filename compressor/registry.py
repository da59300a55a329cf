"""Find the components of one kind: the files of a folder of this package, and entry points of installed packages.

A component is a module. `distill/objectives/soft_targets.py` is the objective `soft-targets`: the file's name is the
component's name. A package of somebody else's names its module in an entry point of the same group:

    [project.entry-points."compressor.objectives"]
    my-objective = "my_package.my_objective"
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from compressor.errors import MissingExtra

__all__ = ["Registry"]

T = TypeVar("T")

NOT_COMPONENTS = frozenset({"base"})
"""Files that hold what components share; so do folders, and files whose name begins with an underscore."""


class Registry(Generic[T]):
    """The components of one kind, by name. Names are known without importing anything of them."""

    def __init__(self, package: str, group: str, take: Callable[[ModuleType], T]) -> None:
        """
        Args:
            package: the folder of built-in components, `compressor.distill.objectives`.
            group: the entry point group of others, `compressor.objectives`.
            take: what of a component's module is wanted.
        """
        self.package = package
        self.group = group
        self._take = take
        self._loaded: dict[str, T] = {}

    @cached_property
    def _files(self) -> dict[str, str]:
        # Read from the file system: importing the folder itself would run code of rooms further up.
        folder = Path(__file__).parent.joinpath(*self.package.split(".")[1:])
        names = (module.name for module in pkgutil.iter_modules([str(folder)]) if not module.ispkg)
        return {
            name.replace("_", "-"): f"{self.package}.{name}"
            for name in sorted(names)
            if name not in NOT_COMPONENTS and not name.startswith("_")
        }

    @cached_property
    def _others(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)}

    @property
    def names(self) -> tuple[str, ...]:
        """Built-in components first, then those of other packages. A built-in name can't be taken by another."""
        return (*self._files, *(name for name in self._others if name not in self._files))

    def packages(self, *names: str) -> tuple[str, ...]:
        """The installed distributions that bring these components, sorted; nothing for those built in."""
        points = [self._others[name] for name in names if name not in self._files]
        return tuple(sorted({point.dist.name for point in points if point.dist}))

    def get(self, name: str) -> T:
        """The component of this name.

        Raises:
            KeyError: there is none. MissingExtra: the package that brings it can't be imported.
        """
        if name not in self._loaded:
            self._loaded[name] = self._take(self._module(name))
        return self._loaded[name]

    def _module(self, name: str) -> ModuleType:
        if name in self._files:
            return import_module(self._files[name])
        point = self._others[name]
        try:
            return import_module(point.module)
        except ImportError as error:
            package = point.dist.name if point.dist else point.module
            raise MissingExtra(f"{name!r}, which the package {package} brings,", "toolkit", error.name) from error

    def all(self) -> dict[str, T]:
        """Every component, loaded."""
        return {name: self.get(name) for name in self.names}
