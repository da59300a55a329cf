"""Run a recipe's plan, and leave its run directory behind."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from compressor.chain.assemble import assemble
from compressor.chain.failed import failure_report
from compressor.chain.labels import labels_of
from compressor.chain.plan import RecipePlan
from compressor.chain.run_directory import Journal, RunDirectory
from compressor.disk import CHOOSE_OUT, disk_full_explained
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.engine.team import ALONE, Team
from compressor.events import RunEvents
from compressor.report.document import RunReport

__all__ = ["run_plan"]

REPORTED = ("export", "measure", "differences", "audit", "bundle")
"""Kinds of stages whose files the report and the run directory are made of."""


def run_plan(
    plan: RecipePlan,
    *,
    out: Path,
    events: RunEvents,
    store: Store | None = None,
    force: Collection[str] = (),
    overwrite: bool = False,
    team: Team = ALONE,
) -> RunReport:
    """Run every stage that isn't finished, and write the run directory `out`.

    Args:
        force: names of stages to make again, with all that read them; `all` stands for every stage.
        overwrite: use `out` though it holds files that aren't of an earlier run.
        team: the processes that run it.

    Raises:
        RecipeError: `out` is somebody else's folder, or can't be written.
        CompressorError: a stage failed; `run.json` says which, and finished stages stay in the store.
        StageError: several failed that the rest of the run could do without; it names them all.
        KeyboardInterrupt: passed on after `run.json` is written; the same call resumes.
    """
    forced = plan.forced(force)
    with disk_full_explained(out, "the run directory", hint=CHOOSE_OUT):
        directory = RunDirectory(out, overwrite=overwrite)
    runner = None
    try:
        with disk_full_explained(out, "the run directory", hint=CHOOSE_OUT):
            directory.begin(plan.recipe, {name: key.digest for name, key in plan.keys.items()})
            journal = Journal(out / "events.jsonl", events)
        with closing(journal):
            runner = Runner(plan, store or Store(), journal, forced, team)
            return _run(plan, runner, directory)
    except KeyboardInterrupt:
        current, finished = (runner.current, list(runner.artifacts)) if runner else (None, [])
        directory.status("interrupted", stage=current, finished=finished)
        raise


def _run(plan: RecipePlan, runner: Runner, directory: RunDirectory) -> RunReport:
    """Run the stages and publish what came out, or why nothing did."""
    try:
        with runner.store.using(plan.keys.values(), runner.events):
            artifacts = runner.run()
            for stage in plan.stages:
                if stage.kind in REPORTED:
                    artifacts[stage.name] = runner.read(stage.name)
            with disk_full_explained(directory.path, "the report", hint=CHOOSE_OUT):
                report = assemble(
                    plan.recipe,
                    artifacts,
                    chosen=artifacts["bundle"].facts["chosen"],
                    labels=labels_of(artifacts, plan.recipe.task),
                    skipped=plan.skipped,
                    cached=runner.cached,
                )
                directory.publish(report, artifacts["bundle"].folder / "bundle")
                directory.status("finished", passed=report.passed, chosen=report.chosen)
    except Exception as error:
        # Whatever it is, also a bug, it is recorded and passed on.
        failed = {name: str(failure) for name, failure in runner.failures.items()}
        report_of_failure = failure_report(
            plan.recipe,
            error,
            stage=runner.current,
            spared=runner.failures,
            artifacts=runner.artifacts,
            stages=[stage.name for stage in plan.stages],
            cached=runner.cached,
        )
        finished = list(runner.artifacts)
        directory.failed(report_of_failure, stage=runner.current, error=str(error), failed=failed, finished=finished)
        raise
    return report
