"""Carry out a plan: reuse what is finished, make the rest."""

from __future__ import annotations

import gc
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.disk import disk_full_explained
from compressor.engine.artifact import Artifact, Made
from compressor.engine.plan import Plan
from compressor.engine.stage import Stage
from compressor.engine.store import Store
from compressor.engine.team import ALONE, Team
from compressor.errors import CompressorError, StageError
from compressor.events import RunEvents
from compressor.memory import read_resident, reset_peak
from compressor.toolkit import require_toolkit

__all__ = ["Runner"]


@dataclass
class Runner:
    """Takes the stages of a plan in order, each from the store or by running it."""

    plan: Plan
    store: Store
    events: RunEvents
    forced: Collection[str] = ()
    team: Team = ALONE

    def __post_init__(self) -> None:
        self.cached: set[str] = set()
        self.current: str | None = None
        self.artifacts: dict[str, Artifact] = {}
        """What is finished, by stage name."""
        self.failures: dict[str, CompressorError] = {}
        """What failed and was spared, by stage name."""
        self._read: set[str] = set()

    def run(self) -> dict[str, Artifact]:
        """Artifacts by stage name, in order.

        Raises:
            CompressorError: of the stage that failed, at once, unless that stage `spares` the others.
            StageError: at the end, naming every stage that failed, where several did.
        """
        self._fetch()
        for index, stage in enumerate(self.plan.stages, start=1):
            if any(name not in self.artifacts for name in stage.inputs.values()):
                continue
            self.current = stage.name
            try:
                with disk_full_explained(self.store.root, f"the result of {stage.name}"):
                    self.artifacts[stage.name] = self._take(stage, index)
            except stage.spares as error:
                self.failures[stage.name] = error
                self.events.stage_failed(stage.name, str(error))
        if self.failures:
            self.current = next(iter(self.failures))
            raise _all_of(self.failures)
        self.current = None
        return self.artifacts

    def _fetch(self) -> None:
        """Have everything that comes from outside, and refuse what can't be used, before hours are spent."""
        fetched: dict[str, Mapping[str, Path]] = {}
        finished: dict[str, Artifact] = {}
        for stage in self.plan.stages:
            found = None if stage.name in self.forced else self.store.peek(self.plan.keys[stage.name])
            if found is not None:
                finished[stage.name] = found
                continue
            self.current = stage.name
            require_toolkit(f"The stage {stage.name}")
            with disk_full_explained(self.store.root.parent, f"what {stage.name} reads"):
                fetched[stage.name] = stage.fetch(self.events)
        self.current = None
        self.plan.check(fetched, finished)

    def read(self, name: str) -> Artifact:
        """The result of a finished stage, to be used: one from the store is hashed first, once in a run.

        A disk may have changed a byte and left size and time as they were. Such a result is made again.
        """
        stage = next(stage for stage in self.plan.stages if stage.name == name)
        if name not in self._read and name in self.cached:
            key = self.plan.keys[name]
            if damage := self.artifacts[name].damage(thorough=True):
                self.store.discard(key, damage, self.events)
                self.cached.discard(name)
                self.artifacts[name] = self._take(stage, self.plan.stages.index(stage) + 1)
        if name not in self._read:
            self.store.note_use(self.artifacts[name])
        self._read.add(name)
        return self.artifacts[name]

    def _take(self, stage: Stage, index: int) -> Artifact:
        key = self.plan.keys[stage.name]
        if stage.name not in self.forced and (found := self.store.find(key, self.events)):
            self.cached.add(stage.name)
            self.events.stage_cached(stage.name, found.seconds)
            return found
        require_toolkit(f"The stage {stage.name}")
        inputs = {role: self.read(name) for role, name in stage.inputs.items()}

        def make(out: Path) -> Made:
            self.events.stage_started(stage.name, index, len(self.plan.stages))
            made = self._timed(stage, inputs, out)
            self.events.stage_finished(stage.name, made.seconds)
            return made

        artifact, found_after_waiting = self.store.make(
            key,
            stage.name,
            make,
            resume=stage.resumable and stage.name not in self.forced,
            force=stage.name in self.forced,
            events=self.events,
        )
        if found_after_waiting:
            self.cached.add(stage.name)
            self.events.stage_cached(stage.name, artifact.seconds)
        return artifact

    def _timed(self, stage: Stage, inputs: Mapping[str, Artifact], out: Path) -> Made:
        """Run a stage. Its peak is what it tells of processes that did its work, else that of this process."""
        # A Trainer refers to itself: without this, its model, gradients and optimizer would be there beside the next
        # one's.
        gc.collect()
        reset_peak()
        begin = time.perf_counter()
        facts = self.team.run(stage, inputs, out, self.events)
        seconds = time.perf_counter() - begin
        return Made(facts, seconds, facts.get("peak_mb") or read_resident().peak_mb)


def _all_of(failures: Mapping[str, CompressorError]) -> CompressorError:
    """The error to end with: the one there is, or one that names them all."""
    if len(failures) == 1:
        return next(iter(failures.values()))
    lines = [f"{name}: {error}" for name, error in failures.items()]
    return StageError(
        f"{len(failures)} stages failed:\n" + "\n".join(lines),
        hint="All others are finished and kept: the same command makes only what is missing.",
    )
