"""Run every member of a study through one store, and leave its directory behind."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from compressor.chain.run import run_plan
from compressor.chain.run_directory import RunDirectory
from compressor.disk import CHOOSE_OUT, disk_full_explained
from compressor.engine.store import Store
from compressor.engine.team import ALONE, Team
from compressor.errors import CompressorError, DiskFull, shortened
from compressor.events import RunEvents
from compressor.overwrite import RUN, claim_folder
from compressor.recipe import Recipe, dump_recipe
from compressor.report.render import html_page, markdown
from compressor.report.study import StudyReport
from compressor.study.assemble import Ended, assemble_study
from compressor.study.differences import require_statistics
from compressor.study.plan import StudyRun
from compressor.study.watch import Watch

__all__ = ["run_study"]

ERROR_LENGTH = 1_000
"""Characters of an error that `study.json` and `run.json` hold for each run."""


def run_study(
    recipe: Recipe,
    runs: Sequence[StudyRun],
    *,
    out: Path,
    events: RunEvents,
    store: Store | None = None,
    force: Collection[str] = (),
    overwrite: bool = False,
    team: Team = ALONE,
) -> tuple[StudyReport, int]:
    """Run every member, one after another, and write the study's directory `out`.

    A run that fails is recorded, and the others go on; those that need the stage it failed in are left out.

    Args:
        recipe: the recipe with its `seeds` and `variants`.
        force: names of stages to make again, with all that read them; one that runs share is made again once.
        overwrite: use `out` though it holds files that aren't of an earlier run.
        team: the processes that run it.

    Returns:
        What was found, and the exit code of the first error, 0 where every run finished.

    Raises:
        RecipeError: `out` or a run directory in it is somebody else's folder, or can't be written; no stage is called
            as one to force.
        DiskFull: nothing more can be written. KeyboardInterrupt: the same call goes on from here.
    """
    require_statistics(recipe.seeds)
    for run in runs:
        run.plan.forced(force)
    with disk_full_explained(out, "the study's directory", hint=CHOOSE_OUT):
        directory = RunDirectory(out, overwrite=overwrite)
    store = store or Store()
    ended: list[Ended] = []
    try:
        _begin(directory, recipe, runs, overwrite=overwrite)
        with store.using([key for run in runs for key in run.plan.keys.values()], events):
            _run_all(runs, ended, out, events, store, force, overwrite, team)
            report = _publish(directory, recipe, runs, ended, store)
    except KeyboardInterrupt:
        directory.status("interrupted", runs=_states(runs, ended))
        raise
    except Exception as error:
        # Whatever it is, also a bug, it is recorded and passed on.
        directory.failed(error=str(error), runs=_states(runs, ended))
        raise
    return report, next((one.exit_code for one in ended if one.error), 0)


def _begin(directory: RunDirectory, recipe: Recipe, runs: Sequence[StudyRun], *, overwrite: bool) -> None:
    """Write what is about to be run, and claim every folder that will be written to, before anything is run."""
    with disk_full_explained(directory.path, "the study's directory", hint=CHOOSE_OUT):
        directory.status("running", runs=_states(runs, ()))
        directory.write("recipe.resolved.yaml", dump_recipe(recipe))
        for run in runs:
            claim_folder(directory.path / run.member.folder, RUN, overwrite=overwrite)


def _run_all(
    runs: Sequence[StudyRun],
    ended: list[Ended],
    out: Path,
    events: RunEvents,
    store: Store,
    force: Collection[str],
    overwrite: bool,
    team: Team,
) -> None:
    """Run them in order; how each ended joins `ended`."""
    made: set[str] = set()
    lost: dict[str, str] = {}  # key of the stage that ended a run -> what is said of the runs that need it too
    for number, run in enumerate(runs, start=1):
        events.note(f"Run {number} of {len(runs)}: {run.member.title}")
        digests = {name: key.digest for name, key in run.plan.keys.items()}
        if needed := next((lost[digest] for digest in digests.values() if digest in lost), None):
            events.warn(f"{run.member.title}: {needed}")
            ended.append(Ended(run, error=needed, exit_code=4))
            continue
        watch = Watch(run.plan.keys, events)
        again = [name for name in run.plan.forced(force) if digests[name] not in made]
        try:
            report = run_plan(
                run.plan,
                out=out / run.member.folder,
                events=watch,
                store=store,
                force=again,
                overwrite=overwrite,
                team=team,
            )
            ended.append(Ended(run, report))
        except DiskFull:
            raise
        except CompressorError as error:
            events.warn(f"{run.member.title}: failed, going on with the other runs: {error}")
            ended.append(Ended(run, error=shortened(str(error), ERROR_LENGTH), exit_code=error.exit_code))
            if watch.broke_off:
                stage = next(name for name, digest in digests.items() if digest == watch.broke_off)
                lost[watch.broke_off] = f"needs the stage {stage}, which failed in {run.member.title}"
        made |= watch.made


def _publish(
    directory: RunDirectory, recipe: Recipe, runs: Sequence[StudyRun], ended: Sequence[Ended], store: Store
) -> StudyReport:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with disk_full_explained(directory.path, "the study's report", hint=CHOOSE_OUT):
        report = assemble_study(recipe, ended, store, created=created)
        directory.write("study.json", json.dumps(report.to_json(), indent=1, ensure_ascii=False))
        directory.write("study.md", markdown(report))
        directory.write("study.html", html_page(report))
        status = "failed" if report.failed else "finished"
        directory.status(status, passed=report.passed, runs=_states(runs, ended))
    return report


def _states(runs: Sequence[StudyRun], ended: Sequence[Ended]) -> dict[str, str]:
    """Run directory -> how its run ended, for `run.json`."""
    known = {one.run.member.folder: f"failed: {one.error}" if one.error else "finished" for one in ended}
    return {run.member.folder: known.get(run.member.folder, "to run") for run in runs}
