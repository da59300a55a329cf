"""`compressor tune`: trials of a recipe, one after another, each with other values of the keys that it may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from compressor.chain.plan import RecipePlan
from compressor.chain.run_directory import RunDirectory
from compressor.disk import CHOOSE_OUT, disk_full_explained
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.engine.team import ALONE, Team
from compressor.errors import CompressorError, DiskFull, RecipeError, StageError, shortened
from compressor.events import RunEvents
from compressor.recipe import Recipe, load_recipe
from compressor.recipe.tune import TuneSection
from compressor.report.tune import TuneReport
from compressor.study.pruning import Pruned, Pruning
from compressor.study.space import changed_recipe, combinations, draw, outermost
from compressor.study.storage import Direction, open_search, require_optuna, storage_explained
from compressor.study.trial import TRAINING, figures, plan_trial, quality_metric
from compressor.study.tune_report import (
    CHANGES,
    ERROR,
    INTERRUPTED,
    METRIC,
    assemble_search,
    ended,
    is_interrupted,
    publish_search,
)
from compressor.task_specs import task_spec

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

__all__ = ["check_ranges", "run_tune"]

FINGERPRINT = "compressor"
"""Under this name a search keeps what its trials have in common."""
ERROR_LENGTH = 500
FIRST_PRUNED = 2
"""The first validation after which a trial may be ended; at the one before, rates that warm up say little."""


def check_ranges(path: Path | str, overrides: Sequence[str], section: TuneSection) -> tuple[Recipe, Recipe]:
    """The recipe with the first and with the last value of every range.

    Raises:
        RecipeError: a key or a value doesn't fit.
    """
    first, last = outermost(section.ranges)
    return changed_recipe(path, overrides, first), changed_recipe(path, overrides, last)


def run_tune(
    path: Path | str,
    overrides: Sequence[str] = (),
    *,
    out: Path | None = None,
    events: RunEvents,
    store: Store | None = None,
    overwrite: bool = False,
    team: Team = ALONE,
) -> TuneReport:
    """Run trials of the recipe at `path` until there are as many as its section `tune` asks for.

    All go through one store, so that they share every stage they can. Trials of earlier calls and of other machines
    with the same storage count; a trial that was interrupted goes on.

    Args:
        out: the run directory; left out, `runs/<name>`.
        overwrite: use `out` though it holds files of somebody else.
        team: the processes that run it.

    Raises:
        MissingExtra: Optuna isn't installed.
        RecipeError: there is no section `tune`, or it doesn't fit; nothing was run.
        CompressorError: a stage that all trials share failed, or every trial did. Any other trial may fail.
    """
    recipe = load_recipe(path, overrides)
    if recipe.tune is None:
        raise RecipeError(
            f"{recipe.name} has no section `tune`.",
            hint="Say what may change: tune: {ranges: {distill.learning_rate: {low: 1e-5, high: 5e-4, log: true}}}",
        )
    require_optuna()
    out = out or Path("runs") / recipe.name
    search = _begin(path, overrides, recipe, recipe.tune, out, events, store, overwrite, team)
    try:
        with disk_full_explained(search.directory.path, "the search", hint=CHOOSE_OUT):
            _search(search)
            report = assemble_search(search.study, recipe)
            publish_search(report, search.directory, lambda changes: changed_recipe(path, overrides, changes))
    except KeyboardInterrupt:
        search.directory.status("interrupted", trials=len(ended(search.study)))
        raise
    except Exception as error:
        # Whatever it is, also a bug, it is recorded and passed on.
        search.directory.failed(error=str(error))
        raise
    if not report.finished:
        first = next((trial.error for trial in report.trials if trial.error), "")
        search.directory.failed(error=first)
        raise StageError(f"None of {len(report.trials)} trials finished. The first: {first}")
    search.directory.status("finished", trials=len(report.trials))
    return report


@dataclass
class _Search:
    """What the trials of one call have in common."""

    path: Path | str
    overrides: Sequence[str]
    recipe: Recipe
    section: TuneSection
    study: optuna.Study
    directory: RunDirectory
    events: RunEvents
    store: Store
    team: Team
    data: str
    """Key of the prepared data: trials that are validated on other texts can't be compared."""
    shared: frozenset[str] = field(default_factory=frozenset)
    """Keys of stages that no range changes."""

    @property
    def storage(self) -> str:
        """Where the trials are kept, for messages."""
        return self.section.storage or str(self.directory.path)

    @property
    def prunes(self) -> bool:
        """Whether hopeless trials are ended early."""
        return self.section.prune and self.section.goals == ("quality",)


def _begin(
    path: Path | str,
    overrides: Sequence[str],
    recipe: Recipe,
    section: TuneSection,
    out: Path,
    events: RunEvents,
    store: Store | None,
    overwrite: bool,
    team: Team,
) -> _Search:
    """Check all that can be checked, and open the storage."""
    import optuna

    first, last = (plan_trial(one, section.goals) for one in check_ranges(path, overrides, section))
    if first.keys["prepare"].digest != last.keys["prepare"].digest:
        raise RecipeError(
            "tune.ranges changes the data or its splits, so that trials would be validated on different texts.",
            hint="Tune settings of teacher, student or training only.",
        )
    directory = RunDirectory(out, overwrite=overwrite)
    directory.status("running")
    metric = task_spec(recipe.task).main_metric
    directions: list[Direction] = [
        "maximize" if goal == "quality" and metric.higher_is_better else "minimize" for goal in section.goals
    ]
    study = open_search(section.storage, recipe.name, directions, out=out)
    with storage_explained(section.storage or str(out)):
        _claim(study, section, first)
    study.pruner = optuna.pruners.MedianPruner(n_warmup_steps=FIRST_PRUNED)
    shared = {key.digest for key in first.keys.values()} & {key.digest for key in last.keys.values()}
    return _Search(
        path,
        overrides,
        recipe,
        section,
        study,
        directory,
        events,
        store or Store(),
        team,
        first.keys["prepare"].digest,
        frozenset(shared),
    )


def _claim(study: optuna.Study, section: TuneSection, first: RecipePlan) -> None:
    """Refuse a storage whose trials are of another recipe: their figures would be taken for this one's. Times of
    another machine would too."""
    last = first.stages[-1].name if "latency" in section.goals else TRAINING
    fingerprint = f"{first.keys[last].digest} {' '.join(section.goals)}"
    known = study.user_attrs.get(FINGERPRINT)
    if known is None:
        study.set_user_attr(FINGERPRINT, fingerprint)
    elif known != fingerprint:
        raise RecipeError(
            f"The trials that are kept of {study.study_name!r} are of another recipe: other data, settings, ranges, "
            "goals or versions of libraries, or, where latency is a goal, another machine.",
            hint="Give another --out or `tune.storage`, or another `name`.",
        )


def _search(search: _Search) -> None:
    """Trials until there are enough, or until all that the ranges allow was tried."""
    count = search.section.trials
    if (every := combinations(search.section.ranges, count)) is not None:
        count = len(every)
        with storage_explained(search.storage):
            for parameters in every:
                search.study.enqueue_trial(parameters, skip_if_exists=True)
    while (done := len(ended(search.study))) < count:
        with storage_explained(search.storage):
            trial, changes = _next(search)
        told = ", ".join(f"{key}={value}" for key, value in changes.items())
        search.events.note(f"Trial {trial.number}, {done + 1} of {count}: {told}")
        _run(search, trial, changes)


def _next(search: _Search) -> tuple[optuna.Trial, dict[str, Any]]:
    """A trial and the values that it draws, which follow from the seed, its number and the trials before it alone: so
    a search that is resumed draws what it would have drawn."""
    import optuna

    seed = search.recipe.seed if search.section.seed is None else search.section.seed
    before = [trial for trial in search.study.get_trials(deepcopy=False) if not _is_again(trial)]
    drawn = (seed + len(before)) % 2**32
    search.study.sampler = optuna.samplers.TPESampler(seed=drawn)
    trial = search.study.ask()
    try:
        changes = draw(trial, search.section.ranges)
    except ValueError as error:
        search.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        raise RecipeError(
            f"The trials that are kept of {search.study.study_name!r} drew from other ranges.",
            hint="Give another --out or `tune.storage`.",
        ) from error
    trial.set_user_attr(CHANGES, changes)
    return trial, changes


def _is_again(trial: FrozenTrial) -> bool:
    """Whether its values are taken over by another trial, or it is that other one and hasn't begun."""
    return is_interrupted(trial) or trial.state.name == "WAITING"


def _set_aside(search: _Search, trial: optuna.Trial) -> None:
    """Have the next call take the same values, and go on from the last checkpoint."""
    from optuna.trial import TrialState

    trial.set_user_attr(INTERRUPTED, True)
    search.study.tell(trial, state=TrialState.FAIL)
    search.study.enqueue_trial(trial.params)


def _run(search: _Search, trial: optuna.Trial, changes: Mapping[str, Any]) -> None:
    """Run one trial, and tell the search how it ended."""
    from optuna.trial import TrialState

    pruning = Pruning(search.events, trial if search.prunes else None, search.recipe.task, search.storage)
    values, state, error = None, TrialState.COMPLETE, ""
    try:
        recipe = changed_recipe(search.path, search.overrides, changes)
        plan = plan_trial(recipe, search.section.goals)
        if plan.keys["prepare"].digest != search.data:
            raise RecipeError("These values change the data or its splits.")
        pruning.follow(plan, recipe)
        with search.store.using(plan.keys.values(), pruning):
            artifacts = Runner(plan, search.store, pruning, team=search.team).run()
            values = figures(recipe, artifacts, search.section.goals)
        trial.set_user_attr(METRIC, quality_metric(recipe.task, artifacts[TRAINING].facts["validation"]).name)
    except Pruned:
        state = TrialState.PRUNED
        # Nobody will go on with it, and checkpoints are large.
        rmtree(search.store.work(plan.keys[TRAINING]), ignore_errors=True)
    except (KeyboardInterrupt, DiskFull):
        _set_aside(search, trial)
        raise
    except CompressorError as failure:
        if pruning.broke_off in search.shared:
            _set_aside(search, trial)
            raise
        state, error = TrialState.FAIL, shortened(str(failure), ERROR_LENGTH)
        search.events.warn(f"Trial {trial.number} failed, going on with the next: {error}")
    with storage_explained(search.storage):
        if error:
            trial.set_user_attr(ERROR, error)
        search.study.tell(trial, values, state)
