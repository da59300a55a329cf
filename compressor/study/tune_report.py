"""From the trials that a storage keeps to the report of a search, and its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from compressor.chain.run_directory import RunDirectory
from compressor.recipe import Recipe, dump_recipe
from compressor.report.render import html_page, markdown
from compressor.report.tune import GoalFigure, TuneReport, TuneTrial
from compressor.task_specs import task_spec

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

__all__ = ["CHANGES", "ERROR", "INTERRUPTED", "METRIC", "assemble_search", "ended", "is_interrupted", "publish_search"]

CHANGES, ERROR, INTERRUPTED, METRIC = "changes", "error", "interrupted", "metric"
"""What a trial keeps in its storage beside Optuna's own: the values it set, why it failed, whether another took its
values over, and the metric that was its quality."""
BEST = "best.yaml"

_STATES: dict[str, Literal["finished", "pruned", "failed"]] = {
    "COMPLETE": "finished",
    "PRUNED": "pruned",
    "FAIL": "failed",
}


def ended(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that count: finished, pruned or failed, in order."""
    trials = (one for one in study.get_trials(deepcopy=False) if one.state.name in _STATES)
    return [one for one in trials if CHANGES in one.user_attrs and not is_interrupted(one)]


def is_interrupted(trial: FrozenTrial) -> bool:
    """Whether it was interrupted, so that a later one takes its values over."""
    return bool(trial.user_attrs.get(INTERRUPTED))


def assemble_search(study: optuna.Study, recipe: Recipe) -> TuneReport:
    """What a search has found so far."""
    assert recipe.tune is not None
    metric = task_spec(recipe.task).main_metric
    trials = ended(study)
    judged = next((str(one.user_attrs[METRIC]) for one in trials if METRIC in one.user_attrs), metric.name)
    goals = tuple(GoalFigure(goal, goal == "quality" and metric.higher_is_better) for goal in recipe.tune.goals)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    report = TuneReport(recipe.name, recipe.task, judged, created, goals, tuple(map(_trial, trials)))
    several = len(goals) > 1
    recipes = {str(one.number): f"trial-{one.number}.yaml" if several else BEST for one in report.front}
    return replace(report, recipes=recipes)


def _trial(found: FrozenTrial) -> TuneTrial:
    state = _STATES[found.state.name]
    return TuneTrial(
        number=found.number,
        state=state,
        changes=dict(found.user_attrs[CHANGES]),
        values=tuple(found.values) if state == "finished" else (),
        seconds=found.duration.total_seconds() if found.duration else None,
        error=str(found.user_attrs.get(ERROR, "")),
    )


def publish_search(
    report: TuneReport, directory: RunDirectory, recipe_with: Callable[[Mapping[str, Any]], Recipe]
) -> None:
    """Write the report, and the recipes of the best trials: `best.yaml` is the best by the first goal."""
    directory.write("tune.json", json.dumps(report.to_json(), indent=1, ensure_ascii=False))
    directory.write("tune.md", markdown(report))
    directory.write("tune.html", html_page(report))
    for trial in report.front:
        text = _recipe_text(report, trial, recipe_with(trial.changes))
        files = {report.recipes[str(trial.number)], *([BEST] if trial is report.front[0] else ())}
        for file in files:
            directory.write(file, text)


def _recipe_text(report: TuneReport, trial: TuneTrial, recipe: Recipe) -> str:
    """A whole recipe, since changes within lists can't be written as what is merged on top of another."""
    changes = [f"#   {key}: {json.dumps(value)}" for key, value in trial.changes.items()]
    head = [f"# Trial {trial.number} of `compressor tune` for {report.name}. It set:", *changes, ""]
    named = recipe.model_copy(update={"name": f"{report.name}-trial-{trial.number}"})
    return "\n".join(head) + dump_recipe(named)
