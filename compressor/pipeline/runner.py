"""Carry out a plan: reuse what is finished, make the rest, leave the run directory behind."""

from __future__ import annotations

import errno
import gc
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from compressor.bench.memory import read_resident, reset_peak
from compressor.errors import CompressorError, DiskFull, MissingExtra, RecipeError, StageError
from compressor.events import RunEvents
from compressor.pipeline.artifact import Artifact, Made
from compressor.pipeline.assemble import assemble
from compressor.pipeline.labels import labels_of
from compressor.pipeline.plan import Plan
from compressor.pipeline.run_directory import Journal, RunDirectory
from compressor.pipeline.stage import Stage
from compressor.pipeline.store import Store
from compressor.report.document import RunReport

__all__ = ["TOOLKIT", "Runner", "missing_toolkit", "require_toolkit", "run_plan"]

TOOLKIT = ("accelerate", "datasets", "onnx", "onnxscript", "optimum", "sklearn", "torch", "transformers")
"""Modules of the extra `toolkit`."""


def run_plan(
    plan: Plan, *, out: Path, events: RunEvents, store: Store | None = None, force: Collection[str] = ()
) -> RunReport:
    """Run every stage that isn't finished, and write the run directory `out`.

    Args:
        force: names of stages to make again, with all that read them; `all` stands for every stage.

    Raises:
        CompressorError: a stage failed; `run.json` says which, and finished stages stay in the store.
        StageError: several failed that the rest of the run could do without; it names them all.
        KeyboardInterrupt: passed on after `run.json` is written; the same call resumes.
    """
    forced = _forced(plan, force)
    with _disk_full_explained("the run directory"):
        directory = RunDirectory(out)
        directory.begin(plan.recipe, {name: key.digest for name, key in plan.keys.items()})
        journal = Journal(out / "events.jsonl", events)
    runner = Runner(plan, store or Store(), journal, forced)
    try:
        artifacts = runner.run()
        with _disk_full_explained("the report"):
            report = assemble(
                plan.recipe, artifacts, labels=labels_of(artifacts), skipped=plan.skipped, cached=runner.cached
            )
            directory.publish(report, artifacts["bundle"].folder / "bundle")
    except KeyboardInterrupt:
        directory.status("interrupted", stage=runner.current, finished=list(runner.artifacts))
        raise
    except Exception as error:
        # Whatever it is, also a bug, it is recorded and passed on; a full disk may have no room for the record.
        with suppress(OSError):
            failed = {name: str(failure) for name, failure in runner.failures.items()}
            directory.status(
                "failed", stage=runner.current, error=str(error), failed=failed, finished=list(runner.artifacts)
            )
        raise
    finally:
        journal.close()
    directory.status("finished", passed=report.passed, chosen=report.chosen)
    return report


@contextmanager
def _disk_full_explained(what: str) -> Iterator[None]:
    """Turn "no space left on device" into words, from whatever library it comes: some raise errors of their own."""
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        if getattr(error, "errno", None) != errno.ENOSPC and os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise DiskFull(
            f"The disk is full: {what} can't be written.",
            hint="Free some space (`compressor cache ls` shows what is stored), or set COMPRESSOR_HOME to a folder on "
            "a larger disk, and run the same command again.",
        ) from error


def _forced(plan: Plan, force: Collection[str]) -> set[str]:
    names = {stage.name for stage in plan.stages}
    if "all" in force:
        return names
    if unknown := sorted(set(force) - names):
        raise RecipeError(
            f"--force: there is no stage {unknown[0]!r}.", hint=f"One of: all, {', '.join(sorted(names))}."
        )
    return plan.descendants(set(force)) if force else set()


@dataclass
class Runner:
    """Takes the stages of a plan in order, each from the store or by running it."""

    plan: Plan
    store: Store
    events: RunEvents
    forced: Collection[str] = ()

    def __post_init__(self) -> None:
        self.cached: set[str] = set()
        self.current: str | None = None
        self.artifacts: dict[str, Artifact] = {}
        """What is finished, by stage name."""
        self.failures: dict[str, CompressorError] = {}
        """What failed and was spared, by stage name."""

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
                with _disk_full_explained(f"the result of {stage.name}"):
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
        for stage in self.plan.stages:
            if stage.name in self.forced or not self.store.place(self.plan.keys[stage.name]).exists():
                self.current = stage.name
                require_toolkit(f"The stage {stage.name}")
                with _disk_full_explained(f"what {stage.name} reads"):
                    stage.fetch(self.events)

    def _take(self, stage: Stage, index: int) -> Artifact:
        key = self.plan.keys[stage.name]
        if stage.name not in self.forced and (found := self.store.find(key, self.events)):
            self.cached.add(stage.name)
            self.events.stage_cached(stage.name, found.seconds)
            return found
        require_toolkit(f"The stage {stage.name}")
        inputs = {role: self.artifacts[name] for role, name in stage.inputs.items()}

        def make(out: Path) -> Made:
            self.events.stage_started(stage.name, index, len(self.plan.stages))
            made = _timed(stage, inputs, out, self.events)
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


def _timed(stage: Stage, inputs: Mapping[str, Artifact], out: Path, events: RunEvents) -> Made:
    """Run a stage. Its peak is what it tells of processes that did its work, else that of this process."""
    # A Trainer refers to itself: without this, its model, gradients and optimizer would be there beside the next one's.
    gc.collect()
    reset_peak()
    begin = time.perf_counter()
    facts = stage.run(inputs, out, events)
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


def missing_toolkit() -> list[str]:
    """Modules of the extra `toolkit` that aren't installed."""
    return [module for module in TOOLKIT if find_spec(module) is None]


def require_toolkit(what: str) -> None:
    """Refuse early and in words where the compression stack isn't installed.

    Raises:
        MissingExtra: naming the modules that are missing.
    """
    if missing := missing_toolkit():
        raise MissingExtra(what, "toolkit", ", ".join(missing))
