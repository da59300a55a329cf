"""Trackers: asked for in the recipe, refused early where they aren't installed, and no part of any key."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from transformers import TrainerCallback, set_seed

from compressor.chain.plan import make_plan
from compressor.distill import trackers
from compressor.distill.architecture import Layout
from compressor.distill.distiller import Distiller
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.distill.training import train
from compressor.distill.transfer_set import TransferSet
from compressor.errors import MissingExtra
from compressor.events import Silent
from compressor.recipe import load_recipe
from compressor.recipe.training import Tracker, TrainingSection
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from tests.chain import recipes
from tests.distill.conftest import MAX_LENGTH, QUICK


@pytest.mark.parametrize("tracker", ["tensorboard", "mlflow", "wandb"])
def test_one_that_is_not_installed_is_refused_by_the_name_of_its_extra(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=rf"pip install 'compressor\[{tracker}\]'"):
        trackers.tracker_callbacks([tracker], "teacher")


def plan_of(folder: Path, reviews: Path, encoder: Path, track: Sequence[str]) -> Any:
    content = recipes.full(reviews, encoder)
    content["teacher"]["finetune"]["track"] = list(track)
    content["distill"]["track"] = list(track)
    return make_plan(load_recipe(recipes.write(folder, content)))


def test_the_key_of_no_stage_depends_on_them(reviews_csv: Path, encoder_folder: Path, tmp_path: Path) -> None:
    plain = plan_of(tmp_path, reviews_csv, encoder_folder, ())
    tracked = plan_of(tmp_path, reviews_csv, encoder_folder, ("tensorboard", "wandb"))
    assert {name: key.digest for name, key in plain.keys.items()} == {
        name: key.digest for name, key in tracked.keys.items()
    }


@pytest.mark.parametrize("stage", ["teach", "distill"])
def test_a_run_stops_before_anything_is_trained(
    stage: str, reviews_csv: Path, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    plan = plan_of(tmp_path, reviews_csv, encoder_folder, ("mlflow",))
    (found,) = [one for one in plan.stages if one.name == stage]
    with pytest.raises(MissingExtra, match="mlflow"):
        found.fetch(Silent())


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Folder -> name -> value: what a stand-in for TensorBoard is given."""
    found: dict[str, dict[str, Any]] = {}

    class Writer:
        def __init__(self, log_dir: str) -> None:
            self.values = found.setdefault(log_dir, {})

        def add_scalar(self, name: str, value: float, step: int) -> None:
            self.values[name] = value

        def add_text(self, *_: Any) -> None: ...

        def flush(self) -> None: ...

        def close(self) -> None: ...

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(trackers, "find_spec", lambda name: SimpleNamespace())
    monkeypatch.setattr("transformers.integrations.integration_utils.is_tensorboard_available", lambda: True)
    return found


def training(task: Task, folder: Path, data: Path, out: Path, **changed: Any) -> dict[str, Any]:
    set_seed(1)
    model = task.load_model(folder, ["bad", "good"])
    objective = build_objectives([HardLabels(kind="hard-labels")], Layout.of(model.config))[0]
    return train(
        Distiller(model, [objective], task=task),
        TrainingSection.model_validate(QUICK | {"epochs": 1} | changed),
        what="teacher",
        task=task,
        tokenizer=load_tokenizer(folder),
        transfer_set=TransferSet(data),
        max_length=MAX_LENGTH,
        seed=1,
        out=out,
        events=Silent(),
    )


def test_losses_and_scores_reach_tensorboard_and_the_history_stays_as_it_is(
    task: Task,
    encoder_folder: Path,
    data: Path,
    tmp_path: Path,
    written: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(trackers.FOLDER_VARIABLE, str(tmp_path / "board"))
    facts = training(task, encoder_folder, data, tmp_path / "out", track=["tensorboard"])
    ((folder, values),) = written.items()
    assert Path(folder).parent == tmp_path / "board"
    assert Path(folder).name.startswith("teacher-")
    assert values["eval/accuracy"] == facts["history"][0]["validation"]["accuracy"]
    assert values["train/objectives/hard-labels"] == facts["history"][0]["objectives"]["hard-labels"]
    assert values["train/loss"] > 0


def test_nothing_is_sent_unasked(
    task: Task, encoder_folder: Path, data: Path, tmp_path: Path, written: dict[str, dict[str, Any]]
) -> None:
    training(task, encoder_folder, data, tmp_path)
    assert written == {}


def test_each_training_is_a_run_of_its_own_in_weights_and_biases(monkeypatch: pytest.MonkeyPatch) -> None:
    finished = []

    class Fake(TrainerCallback):  # type: ignore[misc]
        _wandb = SimpleNamespace(finish=lambda: finished.append(True))

    monkeypatch.setattr("transformers.integrations.WandbCallback", Fake)
    monkeypatch.setattr(trackers, "find_spec", lambda name: SimpleNamespace())
    *_, callback = trackers.tracker_callbacks(["wandb"], "student")
    callback.on_train_end(None, None, None)
    assert finished == [True]
