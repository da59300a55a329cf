"""What a private training spends, and where it is refused because the account wouldn't be true."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset

from compressor.chain.plan import make_plan
from compressor.distill import privacy
from compressor.distill.privacy import Privacy, plan_privacy, refuse_what_leaks
from compressor.errors import CompressorError, MissingExtra, RecipeError, StageError
from compressor.events import Silent
from compressor.recipe import load_recipe
from compressor.recipe.privacy import PrivacySection
from compressor.recipe.training import Schedule
from compressor.tasks import get_task
from compressor.tasks.base import Task
from tests.chain import recipes

SCHEDULE = Schedule(epochs=4, batch_size=32, steps_per_epoch=32)


@pytest.fixture
def rows() -> Dataset:
    """1,000 examples, 24 of them of two rows each."""
    return Dataset.from_dict({"example_id": [*range(1000), *np.repeat(range(1000, 1012), 2)]})


def plan(rows: Dataset, schedule: Schedule = SCHEDULE, accumulation: int = 1, **section: Any) -> Privacy:
    pytest.importorskip("opacus", reason="needs the extra private")
    return plan_privacy(PrivacySection.model_validate({"delta": 1e-4} | section), schedule, accumulation, rows)


def test_each_step_takes_each_example_with_the_share_of_a_batch_in_all_rows(rows: Dataset) -> None:
    found = plan(rows, noise_multiplier=1.0)
    assert (found.examples, found.steps) == (1012, 128)
    assert found.sample_rate == pytest.approx(32 / 1024)
    assert found.examples_a_step == pytest.approx(1012 / 32)
    assert plan(rows, accumulation=4, noise_multiplier=1.0).sample_rate == pytest.approx(128 / 1024)
    assert plan(rows, SCHEDULE._replace(batch_size=5000), noise_multiplier=1.0).sample_rate == 1


def test_epsilon_of_steps_on_all_examples_is_that_of_the_gaussian_mechanism(rows: Dataset) -> None:
    """Without sampling the account is a formula: Mironov 2017 (arXiv 1702.07476), proposition 7, turned into epsilon by
    Canonne 2020 (arXiv 2004.00010), proposition 12."""
    found = plan(rows, SCHEDULE._replace(batch_size=1024), noise_multiplier=20.0)
    order = np.linspace(1.01, 500, 100_000)
    renyi = order * found.steps / (2 * 20.0**2)
    bound = renyi + np.log((order - 1) / order) - (math.log(1e-4) + np.log(order)) / (order - 1)
    assert found.epsilon == pytest.approx(bound.min(), rel=0.01)
    assert found.epsilon >= bound.min(), "an order among few may be worse than the best, never better"


@pytest.mark.parametrize("epsilon", [0.05, 8.0])
def test_noise_is_as_little_as_the_budget_allows_over_all_planned_steps(rows: Dataset, epsilon: float) -> None:
    found = plan(rows, epsilon=epsilon)
    assert 0.98 * epsilon < found.epsilon <= epsilon
    assert found.facts()["epsilon"] == pytest.approx(found.epsilon, abs=1e-4)
    assert found.facts()["epsilon"] >= found.epsilon, "a bound is rounded up"
    longer = plan(rows, SCHEDULE._replace(epochs=8), noise_multiplier=max(0.1, found.noise_multiplier))
    assert longer.epsilon > epsilon


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"epsilon": 8.0, "delta": 0.001}, r"delta is 0.001, and there are 1,012 training examples"),
        ({"epsilon": 1e-5}, r"epsilon is 1e-05, and no noise was found that is enough for 128 steps"),
    ],
)
def test_budgets_that_promise_nothing_are_refused(rows: Dataset, section: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        plan(rows, **section)


class Batched(torch.nn.Module):
    """A model that keeps means of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(4)


@pytest.mark.parametrize(
    ("task", "model", "kind", "words"),
    [
        ("text-classification", Batched(), StageError, "batch normalization"),
        ("regression", torch.nn.Linear(2, 2), RecipeError, "sets the model up by the training labels"),
    ],
)
def test_what_tells_of_training_texts_past_the_noise_is_refused(
    task: str, model: torch.nn.Module, kind: type[CompressorError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        refuse_what_leaks(get_task(task), model)


def test_several_processes_are_refused(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    model = torch.nn.Linear(2, 2)
    refuse_what_leaks(task, model)
    monkeypatch.setattr(privacy, "size", lambda: 2)
    with pytest.raises(RecipeError, match="several processes add theirs up"):
        refuse_what_leaks(task, model)


def test_a_run_without_the_library_stops_before_anything_is_trained(
    reviews_csv: Path, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "find_spec", lambda name: None)
    content = recipes.full(reviews_csv, encoder_folder)
    del content["teacher"]
    content["student"] = {"init": str(encoder_folder)}
    content["distill"] |= {"objectives": [{"kind": "hard-labels"}], "baseline": False, "privacy": {"epsilon": 8}}
    made = make_plan(load_recipe(recipes.write(tmp_path, content)))
    (found,) = [one for one in made.stages if one.name == "distill"]
    with pytest.raises(MissingExtra, match=r"pip install 'compressor\[private\]'"):
        found.fetch(Silent())
    assert "opacus" in made.keys["distill"].document["libraries"]
