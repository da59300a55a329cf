from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from compressor.data import load_split
from compressor.distill.prompting import Asked, ask, shift_to
from compressor.errors import DataError, SourceError
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


def by_hand(writer: Path, prompt: str, words: str) -> float:
    """The logarithm of the probability that the model goes on with these words, one token at a time."""
    tokenizer, model = AutoTokenizer.from_pretrained(writer), AutoModelForCausalLM.from_pretrained(writer).eval()
    ids, total = tokenizer(prompt, add_special_tokens=False)["input_ids"], 0.0
    for token in tokenizer(words, add_special_tokens=False)["input_ids"]:
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1].double()
        total += float(torch.log_softmax(logits, dim=-1)[token])
        ids = [*ids, token]
    return total


@pytest.mark.parametrize("words", [{"bad": " bad", "good": " good"}, {"bad": " bad", "good": " good film"}])
def test_a_label_has_the_probability_of_its_words_after_the_prompt(writer: Path, words: dict[str, str]) -> None:
    asked = Asked(section(writer, words=words, templates=TEMPLATES[:1]), writer, ["good", "bad"], 24)
    rows = [{"text": "a good film"}, {"text": "bad"}, {"text": "such a very bad film it is"}]
    (found,) = asked.about(rows, "train", Silent())
    expected = [[by_hand(writer, f"a film {row['text']} is", words[name]) for name in ("good", "bad")] for row in rows]
    assert found == pytest.approx(np.array(expected), abs=1e-4), "padding and the order of lengths change nothing"


def test_long_texts_are_cut_and_the_question_stays(writer: Path) -> None:
    asked = Asked(section(writer, templates=TEMPLATES[:1]), writer, ["bad", "good"], 4)
    long, cut = ({"text": "good " * count} for count in (60, 4))
    (found,) = asked.about([long, cut], "train", Silent())
    assert found[0] == pytest.approx(found[1], abs=1e-4)


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
    each = Asked(config, writer, ["bad", "good"], 24).about(load_split(data, "train"), "train", Silent())
    logarithms = [np.log(_shares(one + np.array(shift))) for one, shift in zip(each, facts["shifts"], strict=True)]
    assert found == pytest.approx(np.mean(logarithms, axis=0), abs=5e-3)
    assert set(facts["test"]) >= {"accuracy"} and json.loads((tmp_path / "test" / "answers.json").read_text())
    if prior == "none":
        assert facts["shifts"] == [[0.0, 0.0]] * 2
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


def test_a_model_that_writes_nothing_is_refused(encoder_folder: Path) -> None:
    with pytest.raises(SourceError):
        Asked(section(encoder_folder), encoder_folder, ["bad", "good"], 24)


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
