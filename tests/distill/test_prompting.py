from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.data import load_split
from compressor.distill.prompted import PromptedModel
from compressor.distill.prompting import ask, shift_to
from compressor.errors import DataError
from compressor.events import Silent
from compressor.recipe.prompt import PromptSection, prompt_problems
from compressor.runtime.outputs import read_outputs
from compressor.task_specs import task_spec
from compressor.tasks.base import Task
from tests import tiny

TEMPLATES = ("a film {text} is", "{text} so it is")


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal language model that was trained on nothing. Read only."""
    return tiny.write_decoder(tmp_path_factory.mktemp("writer"))


def section(writer: Path, **changed: Any) -> PromptSection:
    words = {"bad": " bad", "good": " good film"}
    return PromptSection.model_validate({"model": str(writer), "templates": TEMPLATES, "words": words, **changed})


def test_what_a_model_prefers_anyway_is_taken_away() -> None:
    scores = np.random.default_rng(0).normal(size=(500, 3)) + np.array([4.0, 0.0, -2.0])
    prior = np.array([0.2, 0.3, 0.5])
    shifted = scores + shift_to(scores, prior)
    shares = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    assert shares.mean(axis=0) == pytest.approx(prior, abs=1e-3)


@pytest.mark.parametrize("prior", ["none", "uniform"])
def test_outputs_are_the_mean_over_templates(writer: Path, task: Task, data: Path, tmp_path: Path, prior: str) -> None:
    config = section(writer, prior=prior)
    options: dict[str, Any] = {"task": task, "model_folder": writer, "data": data, "max_length": 24, "events": Silent()}
    facts = ask(config, texts=None, shifts=None, out=tmp_path, **options)
    found = np.asarray(read_outputs(tmp_path / "train")["logits"].values, dtype=np.float64)
    asked = PromptedModel(config, writer, ["bad", "good"], 24)
    asked.about(load_split(data, "train"), "train", Silent(), tmp_path / "kept")
    each = asked.said("train", tmp_path / "kept")
    logarithms = [np.log(_shares(one + np.array(shift))) for one, shift in zip(each, facts["shifts"], strict=True)]
    assert found == pytest.approx(np.mean(logarithms, axis=0), abs=5e-3)
    assert set(facts["test"]) >= {"accuracy"} and json.loads((tmp_path / "test" / "answers.json").read_text())
    if prior == "none":
        assert facts["shifts"] == [[0.0, 0.0]] * 2
    assert not (tmp_path / "parts").exists(), "what it would have gone on from"
    assert [set(one) for one in facts["alone"]] == [{"validation", "test"}] * 2, "each template by itself"
    one = ask(section(writer, prior=prior, templates=TEMPLATES[:1]), texts=None, shifts=None, out=tmp_path, **options)
    assert one["test"]["accuracy"] == facts["alone"][0]["test"]["accuracy"]


def _shares(scores: np.ndarray) -> np.ndarray:
    exponents: np.ndarray = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: np.ndarray = exponents / exponents.sum(axis=1, keepdims=True)
    return shares


def test_labels_without_words_are_refused(writer: Path, task: Task, data: Path, tmp_path: Path) -> None:
    config = section(writer, words={"bad": " bad", "fine": " fine"})
    options: dict[str, Any] = {"task": task, "data": data, "max_length": 24, "out": tmp_path, "events": Silent()}
    with pytest.raises(DataError, match="the labels of the data are bad, good"):
        ask(config, texts=None, shifts=None, model_folder=writer, **options)


@pytest.mark.parametrize(
    ("changed", "task", "path"),
    [
        ({"templates": ["nothing to fill in"]}, "text-classification", "templates.0"),
        ({"words": {"bad": " ", "good": " good"}}, "text-classification", "words"),
        ({"prior": {"bad": 0.5}}, "text-classification", "prior"),
        ({"prior": {"bad": 0.5, "good": 0.6}}, "text-classification", "prior"),
        ({}, "regression", None),
        ({}, "token-classification", None),
    ],
)
def test_prompts_that_can_not_be_are_refused(
    writer: Path, changed: dict[str, Any], task: str, path: str | None
) -> None:
    found: Sequence[Any] = list(prompt_problems(section(writer, **changed), task_spec(task)))
    assert path in [problem.path or None for problem in found]
