from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from compressor.distill import prompted
from compressor.distill.prompted import PromptedModel
from compressor.errors import SourceError
from compressor.events import Events, Silent
from compressor.recipe.prompt import PromptSection
from tests import tiny

TEMPLATES = ("a film {text} is", "{text} so it is")


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal language model that was trained on nothing. Read only."""
    return tiny.write_decoder(tmp_path_factory.mktemp("writer"))


def section(writer: Path, **changed: Any) -> PromptSection:
    words = {"bad": " bad", "good": " good film"}
    return PromptSection.model_validate({"model": str(writer), "templates": TEMPLATES, "words": words, **changed})


def said(asked: PromptedModel, rows: Any, split: str, events: Events, kept: Path) -> list[Any]:
    asked.about(rows, split, events, kept)
    return asked.said(split, kept)


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
def test_a_label_has_the_probability_of_its_words_after_the_prompt(
    writer: Path, tmp_path: Path, words: dict[str, str]
) -> None:
    asked = PromptedModel(section(writer, words=words, templates=TEMPLATES[:1]), writer, ["good", "bad"], 24)
    rows = [{"text": "a good film"}, {"text": "bad"}, {"text": "such a very bad film it is"}]
    (found,) = said(asked, rows, "validation", Silent(), tmp_path)
    expected = [[by_hand(writer, f"a film {row['text']} is", words[name]) for name in ("good", "bad")] for row in rows]
    assert found == pytest.approx(np.array(expected), abs=1e-4), "padding and the order of lengths change nothing"


def test_long_texts_are_cut_and_the_question_stays(writer: Path, tmp_path: Path) -> None:
    asked = PromptedModel(section(writer, templates=TEMPLATES[:1]), writer, ["bad", "good"], 4)
    long, cut = ({"text": "good " * count} for count in (60, 4))
    (found,) = said(asked, [long, cut], "validation", Silent(), tmp_path)
    assert found[0] == pytest.approx(found[1], abs=1e-4)


ROWS = [{"text": "a good film"}, {"text": "bad"}, {"text": "such a very bad film it is"}]


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_beginning_that_prompts_share_is_computed_once(
    writer: Path, tmp_path: Path, template: str, remembers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = PromptedModel(section(writer, templates=[template]), writer, ["bad", "good"], 24)
    asked._remembers = remembers
    seen: list[int] = []
    forward = asked.model.forward

    def counted(**arguments: Any) -> Any:
        seen.append(arguments["input_ids"].numel())
        return forward(**arguments)

    monkeypatch.setattr(asked.model, "forward", counted)
    (found,) = said(asked, ROWS, "validation", Silent(), tmp_path)
    expected = [
        [by_hand(writer, template.replace("{text}", row["text"]), words) for words in (" bad", " good film")]
        for row in ROWS
    ]
    assert found == pytest.approx(np.array(expected), abs=1e-4)
    prompts = [asked._prompt(template, row) for row in ROWS]
    whole = 3 * max(map(len, prompts))
    if not remembers:
        assert seen == [whole, whole + 3], "once more with the first token of the longer answer"
    elif template.startswith("a film"):
        assert sum(seen) < whole and seen[-1] == 3
    else:
        assert seen == [whole, 3], "prompts that begin differently share nothing"


def test_answers_of_a_run_that_was_killed_are_kept(writer: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    class Stops(Silent):
        def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
            if done >= 2:
                raise Killed

    asked = PromptedModel(section(writer, batch_size=1), writer, ["bad", "good"], 24)
    with pytest.raises(Killed):
        asked.about(ROWS, "validation", Stops(), tmp_path / "first")
    seen: list[tuple[float, float | None]] = []

    class Told(Silent):
        def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
            seen.append((done, total))

    again = said(asked, ROWS, "validation", Told(), tmp_path / "first")
    assert seen == [(3, 3), (1, 3), (2, 3), (3, 3)], "one was left, then template 2"
    whole = said(asked, ROWS, "validation", Silent(), tmp_path / "second")
    assert np.array(again) == pytest.approx(np.array(whole), abs=1e-6)


def test_texts_to_learn_from_are_asked_about_in_bf16_and_others_exactly(writer: Path, tmp_path: Path) -> None:
    asked = PromptedModel(section(writer), writer, ["bad", "good"], 24)
    asked.precision = "fp32"
    exact = np.array(said(asked, ROWS, "train", Silent(), tmp_path / "exact"))
    asked.precision = "bf16"
    fast = np.array(said(asked, ROWS, "train", Silent(), tmp_path / "fast"))
    judged = np.array(said(asked, ROWS, "validation", Silent(), tmp_path / "fast"))
    assert judged == pytest.approx(exact, abs=1e-6)
    assert fast == pytest.approx(exact, abs=0.05) and not np.array_equal(fast, exact)


def test_a_model_that_writes_nothing_is_refused(encoder_folder: Path) -> None:
    with pytest.raises(SourceError):
        PromptedModel(section(encoder_folder), encoder_folder, ["bad", "good"], 24)


@pytest.mark.parametrize("template", TEMPLATES)
def test_prompts_are_held_a_few_at_a_time(
    writer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    asked = PromptedModel(section(writer, templates=[template]), writer, ["bad", "good"], 24)
    (whole,) = said(asked, ROWS, "validation", Silent(), tmp_path / "whole")
    monkeypatch.setattr(prompted, "_ROWS_AT_ONCE", 2)
    held: list[int] = []
    shared = prompted._shared

    def counted(prompts: Sequence[list[int]]) -> int:
        held.append(len(prompts))
        return shared(prompts)

    monkeypatch.setattr(prompted, "_shared", counted)
    (parts,) = said(asked, ROWS, "validation", Silent(), tmp_path / "parts")
    assert held == [2, 1]
    assert np.array(parts) == pytest.approx(np.array(whole), abs=1e-5)


def test_memory_does_not_grow_with_the_prompts(writer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is said: 16 bytes a text with two labels, left on disk."""
    monkeypatch.setattr(prompted, "_ROWS_AT_ONCE", 50)
    asked = PromptedModel(section(writer, templates=TEMPLATES[:1]), writer, ["bad", "good"], 24)
    monkeypatch.setattr(asked, "_scores", lambda prompts, *_: np.zeros((len(prompts), 2)))
    text = "a good film and such a bad one " * 3
    peaks: list[int] = []
    for count in (100, 100, 2_100):  # the first one imports
        rows = [{"text": text}] * count
        tracemalloc.start()
        asked.about(rows, f"texts-{count}-{len(peaks)}", Silent(), tmp_path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 150 * 2_000, "a prompt's tokens take some 250 bytes"
