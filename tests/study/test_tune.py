from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.plan import RecipePlan
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.plan import keys_of
from compressor.engine.stage import Stage
from compressor.engine.store import Store
from compressor.errors import MissingExtra, RecipeError, StageError, TrainingDiverged
from compressor.events import Events
from compressor.recipe import Recipe, load_recipe
from compressor.report.read import read_document
from compressor.report.tune import TuneReport
from compressor.study import tune
from tests.command import compressor
from tests.engine.fakes import Heard
from tests.recipe.write import BASE, problems_of, write
from tests.tiny_run import TinyRun

RANGES = "tune: {trials: 6, ranges: {distill.learning_rate: {low: 1e-5, high: 1e-1, log: true}}}\n"

Train = Callable[[Recipe, Events], float]


class Prepare(Stage):
    kind = "prepare"

    @property
    def config(self) -> dict[str, Json]:
        return {}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        return {}


class Trainings:
    """Plans whose training is a function of the recipe; those that ran are kept."""

    def __init__(self, train: Train) -> None:
        self.train = train
        self.rates: list[float] = []
        self.prepared = 0

    def plan(self, recipe: Recipe, goals: Sequence[str]) -> RecipePlan:
        assert recipe.distill is not None
        outer = self

        class Counted(Prepare):
            def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
                outer.prepared += 1
                return {}

        class Training(Stage):
            kind = "distill"
            resumable = True

            @property
            def config(self) -> dict[str, Json]:
                return {"distill": recipe.distill.model_dump(mode="json") if recipe.distill else None}

            def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
                assert recipe.distill is not None
                outer.rates.append(recipe.distill.learning_rate)
                return {"validation": {"accuracy": outer.train(recipe, events), "loss": 0.5}}

        data = Counted(name="prepare")
        stages = (data, Training(name="distill", inputs={"data": "prepare"}))
        return RecipePlan(stages=stages, keys=keys_of(stages), recipe=recipe, skipped={})


def learns(recipe: Recipe, events: Events) -> float:
    """The nearer the learning rate is to 1e-3, the better."""
    assert recipe.distill is not None
    rate = recipe.distill.learning_rate
    return min(rate / 1e-3, 1e-3 / rate)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    made = Trainings(learns)
    monkeypatch.setattr(tune, "plan_trial", made.plan)
    return made


def search(folder: Path, text: str = RANGES, *overrides: str, events: Heard | None = None) -> TuneReport:
    """Tune below `folder`, with a store of its own."""
    file = write(folder, BASE + text)
    store = Store(folder / "store")
    return tune.run_tune(file, overrides, out=folder / "out", events=events or Heard(), store=store)


def rates(report: TuneReport) -> list[float]:
    return [trial.changes["distill.learning_rate"] for trial in report.trials]


def status(folder: Path) -> str:
    return str(json.loads((folder / "out" / "run.json").read_text(encoding="utf-8"))["status"])


def test_the_best_trial_is_found_and_written_as_a_recipe(tmp_path: Path, trainings: Trainings) -> None:
    report = search(tmp_path)
    assert [trial.state for trial in report.trials] == ["finished"] * 6
    assert rates(report) == trainings.rates and trainings.prepared == 1
    assert all(1e-5 <= rate <= 1e-1 for rate in rates(report))
    (best,) = report.front
    assert best.values == (max(trial.values[0] for trial in report.trials),)
    recipe = load_recipe(tmp_path / "out" / "best.yaml")
    assert recipe.distill and recipe.distill.learning_rate == best.changes["distill.learning_rate"]
    assert recipe.tune is None and recipe.name == f"base-trial-{best.number}"
    assert recipe.gates == load_recipe(tmp_path / "recipe.yaml").gates
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "best.yaml",
        "run.json",
        "trials.log",
        "tune.html",
        "tune.json",
        "tune.md",
    ]
    assert status(tmp_path) == "finished"
    assert read_document(tmp_path / "out" / "tune.json") == report


def test_a_search_goes_on_with_the_trials_that_are_missing(tmp_path: Path, trainings: Trainings) -> None:
    whole = rates(search(tmp_path))
    part = tmp_path / "part"
    part.mkdir()
    assert rates(search(part, RANGES, "tune.trials=2")) == whole[:2]
    trainings.rates.clear()
    assert rates(search(part)) == whole
    assert trainings.rates == whole[2:]
    trainings.rates.clear()
    assert rates(search(part)) == whole
    assert trainings.rates == []


def test_an_interrupted_trial_is_taken_up_again(tmp_path: Path, trainings: Trainings) -> None:
    whole = rates(search(tmp_path))
    part = tmp_path / "part"
    part.mkdir()

    def interrupted(recipe: Recipe, events: Events) -> float:
        if len(trainings.rates) == 3:
            raise KeyboardInterrupt
        return learns(recipe, events)

    trainings.train = interrupted
    trainings.rates.clear()
    with pytest.raises(KeyboardInterrupt):
        search(part)
    assert status(part) == "interrupted"
    trainings.train = learns
    assert rates(search(part)) == whole


def test_a_trial_that_fails_is_recorded_and_the_next_one_runs(tmp_path: Path, trainings: Trainings) -> None:
    def diverges(recipe: Recipe, events: Events) -> float:
        if len(trainings.rates) == 2:
            raise TrainingDiverged("the loss became nan", step=3)
        return learns(recipe, events)

    trainings.train = diverges
    events = Heard()
    report = search(tmp_path, events=events)
    assert [trial.state for trial in report.trials] == ["finished", "failed", *["finished"] * 4]
    assert report.trials[1].error == "the loss became nan" and report.trials[1].values == ()
    assert events.warnings == ["Trial 1 failed, going on with the next: the loss became nan"]
    assert "failed: the loss became nan" in (tmp_path / "out" / "tune.md").read_text(encoding="utf-8")


def test_where_every_trial_fails_that_is_the_end(tmp_path: Path, trainings: Trainings) -> None:
    def diverges(recipe: Recipe, events: Events) -> float:
        raise TrainingDiverged("the loss became nan", step=3)

    trainings.train = diverges
    with pytest.raises(StageError, match=r"None of 6 trials finished\. The first: the loss became nan"):
        search(tmp_path)
    assert status(tmp_path) == "failed"


def test_a_stage_that_all_trials_share_is_not_tried_for_each(
    tmp_path: Path, trainings: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fails(*_: object) -> dict[str, Json]:
        tried.append(1)
        raise StageError("the data can't be read")

    plan = trainings.plan

    def broken(recipe: Recipe, goals: Sequence[str]) -> RecipePlan:
        made = plan(recipe, goals)
        monkeypatch.setattr(type(made.stages[0]), "run", fails)
        return made

    monkeypatch.setattr(tune, "plan_trial", broken)
    with pytest.raises(StageError, match="the data can't be read"):
        search(tmp_path)
    assert len(tried) == 1


def test_a_hopeless_trial_is_ended_at_its_second_validation(tmp_path: Path, trainings: Trainings) -> None:
    heard: list[float] = []

    def validates(recipe: Recipe, events: Events) -> float:
        hopeless = len(trainings.rates) == 6
        for epoch in (1.0, 2.0, 3.0):
            heard.append(epoch)
            events.validated("teacher", epoch, {"accuracy": 0.0, "loss": 1.0})
            events.validated("student", epoch, {"accuracy": 0.1 if hopeless else 0.8, "loss": 1.0})
        return 0.8

    trainings.train = validates
    report = search(tmp_path)
    assert [trial.state for trial in report.trials] == [*["finished"] * 5, "pruned"]
    assert heard[-2:] == [1.0, 2.0] and len(heard) == 17
    assert report.trials[5].values == () and report.trials[5] not in report.front
    assert list((tmp_path / "store" / ".work").iterdir()) == []
    trainings.rates.clear()
    again = tmp_path / "again"
    again.mkdir()
    assert [trial.state for trial in search(again, RANGES, "tune.prune=false").trials] == ["finished"] * 6


def test_choices_of_any_kind_are_tried_once_each_where_they_are_few(tmp_path: Path, trainings: Trainings) -> None:
    ranges = "tune: {ranges: {student.layers: [[0, 1], [0], null], distill.epochs: {low: 1, high: 2}}}\n"
    report = search(tmp_path, ranges)
    found = [(trial.changes["student.layers"], trial.changes["distill.epochs"]) for trial in report.trials]
    assert found == [([0, 1], 1), ([0, 1], 2), ([0], 1), ([0], 2), (None, 1), (None, 2)]


def test_trials_of_another_recipe_are_never_taken_for_this_ones(tmp_path: Path, trainings: Trainings) -> None:
    search(tmp_path)
    for other, words in (
        ("distill.epochs=9", "are of another recipe"),
        ("tune.goals=[quality, size]", "with other goals"),
        ("tune.ranges={distill.learning_rate: {low: 1e-4, high: 1e-1}}", "are of another recipe"),
    ):
        with pytest.raises(RecipeError, match=words):
            search(tmp_path, RANGES, other)
    assert len(trainings.rates) == 6


def test_trials_may_be_kept_in_a_database_that_several_searches_share(tmp_path: Path, trainings: Trainings) -> None:
    url = f"tune.storage=sqlite:///{tmp_path / 'trials.db'}"
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    begun = rates(search(first, RANGES, url, "tune.trials=4"))
    trainings.rates.clear()
    assert rates(search(second, RANGES, url))[:4] == begun
    assert len(trainings.rates) == 2
    assert not (first / "out" / "trials.log").exists()


def test_what_a_storage_lacks_is_said_without_its_password(tmp_path: Path, trainings: Trainings) -> None:
    with pytest.raises(RecipeError) as caught:
        search(tmp_path, RANGES, "tune.storage=nonsense://me:secret@host/trials")
    assert "nonsense://me:***@host/trials" in str(caught.value) and "secret" not in str(caught.value)
    (tmp_path / "garbage").write_text("garbage\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="can't be read or written"):
        search(tmp_path, RANGES, f"tune.storage={tmp_path / 'garbage'}")
    with pytest.raises(RecipeError, match="can't be read or written"):
        search(tmp_path, RANGES, f"tune.storage={tmp_path / 'nowhere' / 'trials'}")


def test_ranges_that_change_the_data_are_refused(tmp_path: Path, trainings: Trainings) -> None:
    made = trainings.plan

    def split(recipe: Recipe, goals: Sequence[str]) -> RecipePlan:
        plan = made(recipe, goals)
        other: dict[str, Any] = {**plan.keys, "prepare": plan.keys["distill"]}
        return replace(plan, keys=other)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(RecipeError, match="validated on different texts"):
        patch.setattr(tune, "plan_trial", split)
        search(tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("section", "path", "words"),
    [
        ("{ranges: {}}", "tune.ranges", "at least 1"),
        ("{ranges: {name: [a, b]}}", "tune.ranges.name", "can't be tuned"),
        ("{ranges: {seeds: [[1], [2]]}}", "tune.ranges.seeds", "can't be tuned"),
        ("{ranges: {distill.epochs: [3]}}", "tune.ranges.distill.epochs", "nothing to choose"),
        ("{ranges: {distill.epochs: {low: 3, high: 2}}}", "tune.ranges.distill.epochs", "must be below"),
        ("{ranges: {distill.warmup: {low: 0, high: 0.5, log: true}}}", "tune.ranges.distill.warmup", "above 0"),
        ("{ranges: {distill.epochs: [1, 2]}, goals: [size, size]}", "tune.goals.1", "twice"),
        ("{ranges: {distill.epochs: [1, 2]}, goals: [speed]}", "tune.goals.0", "must be quality or latency or size"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(tmp_path: Path, section: str, path: str, words: str) -> None:
    (problem,) = problems_of(write(tmp_path, f"{BASE}tune: {section}\n"))
    assert problem.path == path
    assert words in str(problem)


def test_goals_need_what_they_are_judged_by(tmp_path: Path) -> None:
    file = write(tmp_path, f"{BASE}tune: {{ranges: {{distill.epochs: [1, 2]}}, goals: [latency]}}\n")
    overrides = ["benchmark.workloads=[{kind: throughput}]"]
    assert [problem.path for problem in problems_of(file, overrides)] == ["tune.goals"]
    overrides = ["distill=null", "student={init: org/finished}"]
    assert [problem.path for problem in problems_of(file, overrides)] == ["tune"]


def test_keys_and_values_that_do_not_fit_are_found_before_anything_runs(tmp_path: Path) -> None:
    ranges = "tune: {ranges: {distill.learning_ratez: [1, 2], distill.objectives.0.temperature: [1, hot]}}\n"
    file = write(tmp_path, BASE + ranges)
    for command in ("validate", "tune"):
        ended = compressor(command, file)
        ended.fails(2, "tune.ranges: distill.learning_ratez: is not a known key (did you mean `learning_rate`?)")
    file = write(tmp_path, BASE + "tune: {ranges: {distill.objectives.0.temperature: [1, hot]}}\n")
    compressor("validate", file).fails(2, "tune.ranges: distill.objectives.0.temperature: must be", "'hot'")


def test_without_the_section_it_says_what_to_write(tmp_path: Path) -> None:
    compressor("tune", write(tmp_path)).fails(2, "base has no section `tune`", "tune: {ranges:")


def test_without_optuna_it_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compressor.study.storage.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="needs the extra 'tune'"):
        search(tmp_path)
    assert not (tmp_path / "out").exists()


def test_neither_runs_nor_keys_know_of_the_section(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, BASE + RANGES))
    assert recipe.tune is not None and not recipe.is_study
    assert recipe.alone == load_recipe(write(tmp_path, BASE))


def test_trainings_tell_their_validations(finished: TinyRun) -> None:
    lines = (finished.out / "events.jsonl").read_text(encoding="utf-8").splitlines()
    told = [event for event in map(json.loads, lines) if event["event"] == "validated"]
    assert {event["what"] for event in told} == {"teacher", "student", "baseline"}
    student = [event for event in told if event["what"] == "student"]
    assert [event["epoch"] for event in student] == [1.0, 2.0]
    report = json.loads((finished.out / "report.json").read_text(encoding="utf-8"))
    (facts,) = (stage["facts"] for stage in report["stages"] if stage["name"] == "distill")
    assert [event["metrics"]["accuracy"] for event in student] == [
        entry["validation"]["accuracy"] for entry in facts["history"]
    ]
