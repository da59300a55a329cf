"""Stages in the order they run, each with its key."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compressor.engine.artifact import Artifact
from compressor.engine.key import Key, versions
from compressor.engine.stage import Stage
from compressor.errors import RecipeError

__all__ = ["Plan", "keys_of"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every stage in the order they run: each reads only stages before it."""

    stages: tuple[Stage, ...]
    keys: Mapping[str, Key]

    def descendants(self, names: set[str]) -> set[str]:
        """These stages and all that read them, directly or not."""
        found = set(names)
        for stage in self.stages:
            if found & set(stage.inputs.values()):
                found.add(stage.name)
        return found

    def check(self, fetched: Mapping[str, Mapping[str, Path]], finished: Mapping[str, Artifact]) -> None:
        """Refuse what can't work, before the first stage runs and after everything is fetched.

        Args:
            fetched: of each stage that will run, what it fetched: role -> local file or folder.
            finished: what the store has of the others.

        Raises:
            RecipeError: something that was fetched doesn't fit.
        """

    def forced(self, names: Collection[str]) -> set[str]:
        """The stages to make again, with all that read them.

        Args:
            names: of stages, or patterns such as `measure/*`; `all` stands for every stage.

        Raises:
            RecipeError: one that fits no stage.
        """
        known = {stage.name for stage in self.stages}
        if "all" in names:
            return known
        found = {name: set(fnmatch.filter(known, name)) for name in names}
        if unknown := sorted(name for name, stages in found.items() if not stages):
            raise RecipeError(
                f"--force: there is no stage {unknown[0]!r}.", hint=f"One of: all, {', '.join(sorted(known))}."
            )
        return self.descendants(set().union(*found.values()))


def keys_of(stages: Sequence[Stage]) -> dict[str, Key]:
    """The key of each stage, by name. Reads digests of local sources; runs nothing.

    Raises:
        SourceError: a source can't be identified, so that no key can be had.
    """
    keys: dict[str, Key] = {}
    for stage in stages:
        document = {
            "kind": stage.kind,
            "version": stage.version,
            "config": stage.config,
            "sources": {role: source.identity() for role, source in stage.sources.items()},
            "inputs": {role: keys[name].digest for role, name in stage.inputs.items()},
            "libraries": versions(stage.libraries),
            "host": stage.host,
        }
        keys[stage.name] = Key(document)
    return keys
