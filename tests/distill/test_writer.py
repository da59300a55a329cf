"""A language model that is fine-tuned before it writes texts."""

from __future__ import annotations

import json
import math
import shutil
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from compressor.data.generated import LanguageModel, Prompts
from compressor.data.texts import TrainingTexts
from compressor.distill.writer import finetune_writer
from compressor.errors import DataError, RecipeError, SourceError, TrainingDiverged
from compressor.events import Silent
from compressor.recipe.augment import GenerateSection
from compressor.task_specs import task_spec
from tests import tiny
from tests.data.support import Listener, Row, run, write

SPEC = task_spec("text-classification")
WELL = {"epochs": 20, "learning_rate": 1e-2, "device": "cpu"}
WORDS = {"bad": tiny.NEGATIVE[1:], "good": tiny.POSITIVE[1:]}


def section(**settings: Any) -> GenerateSection:
    return GenerateSection.model_validate(
        {"model": "some/model", "count": 40, "max_new_tokens": 8, "finetune": WELL, **settings}
    )


def finetune(data: Path, out: Path, model: Path, **settings: Any) -> dict[str, Any]:
    return finetune_writer(section(**settings), SPEC, model_folder=model, data=data, out=out, seed=1, events=Silent())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of four words, all of one label's five."""
    folder = tmp_path_factory.mktemp("data")
    rows: list[Row] = [
        {"text": " ".join(chosen), "label": label}
        for label, words in WORDS.items()
        for chosen in permutations(words, 4)
    ]
    run(folder, write(folder, rows))
    return folder


def test_what_it_writes_is_like_the_training_texts(data: Path, tmp_path: Path, decoder_folder: Path) -> None:
    facts = finetune(data, tmp_path / "writer", decoder_folder)
    assert facts["validation_loss"] < 0.6 * facts["validation_loss_before"]
    assert facts["texts"] == TrainingTexts.open(data, SPEC).count and facts["precision"] in ("fp32", "bf16")
    assert not (tmp_path / "writer" / "checkpoints").exists()
    writer = LanguageModel(section(temperature=0.5), tmp_path / "writer" / "model", 1)
    for label, words in WORDS.items():
        texts = writer.go_on([f"Texts of the kind {label}, one a line:\n\n-"] * 20)
        found = [word for text in texts for word in text.split()]
        assert sum(word in words for word in found) > 0.9 * len(found)
        assert 3.5 < len(found) / len(texts) < 5, "it has learned where a text ends"


def test_each_text_follows_a_prompt_of_its_label(data: Path) -> None:
    training = TrainingTexts.open(data, SPEC)
    rows = training.sample(20, 1)
    prompts = Prompts(section(), training, SPEC, ["bad", "good"], 1)
    for row, (prompt, text) in zip(rows, prompts.pairs(rows), strict=True):
        assert prompt == f"Texts of the kind {['bad', 'good'][row['label']]}, one a line:\n\n-"
        assert text == row["text"]
    assert not prompts.asked, "only what is written is counted"
    shown = Prompts(section(examples=2), training, SPEC, ["bad", "good"], 1)
    for prompt, text in shown.pairs(rows):
        assert prompt.count("\n- ") == 2 and f"\n- {text}\n" not in prompt


def test_a_prompted_model_sees_examples_and_a_fine_tuned_one_does_not_need_them() -> None:
    assert section().examples == 0
    assert section(finetune=None).examples == 4
    assert section(examples=3).examples == 3
    assert "finetune" not in GenerateSection(model="a").model_dump(), "keys of what was made before stay as they are"


def test_a_loss_that_is_no_number_ends_the_training(data: Path, tmp_path: Path, decoder_folder: Path) -> None:
    broken = AutoModelForCausalLM.from_pretrained(decoder_folder)
    broken.transformer.ln_f.weight.data[:] = math.nan
    shutil.copytree(decoder_folder, tmp_path / "broken")
    broken.save_pretrained(tmp_path / "broken")
    with pytest.raises(TrainingDiverged, match=r"writer: the loss became nan") as told:
        finetune(data, tmp_path / "out", tmp_path / "broken")
    assert "learning_rate" in str(told.value.hint)


def test_a_prompt_that_is_too_long_loses_its_beginning(data: Path, tmp_path: Path, decoder_folder: Path) -> None:
    facts = finetune(data, tmp_path, decoder_folder, examples=30, finetune={**WELL, "epochs": 0.5})
    assert facts["validation_loss"] > 0
    with pytest.raises(SourceError, match=r"takes 64 tokens, and data\.generate\.max_new_tokens is 64"):
        finetune(data, tmp_path, decoder_folder, max_new_tokens=64)


def test_a_text_of_which_a_tokenizer_leaves_nothing_is_an_end(tmp_path: Path, decoder_folder: Path) -> None:
    rows: list[Row] = [{"text": f"a {word} film", "label": "good"} for word in tiny.POSITIVE]
    rows += [{"text": f"a {word} film", "label": "bad"} for word in tiny.NEGATIVE]
    rows += [{"text": mark, "label": "bad"} for mark in ("\u0301", "\u0300", "\u0302", "\u0303", "\u0304")]
    run(tmp_path / "data", write(tmp_path, rows), split={"validation": 0.2, "test": 0.2})
    facts = finetune(tmp_path / "data", tmp_path / "out", decoder_folder, finetune={**WELL, "epochs": 1})
    assert math.isfinite(facts["validation_loss"])


def test_an_interrupted_fine_tuning_goes_on_from_its_checkpoint(
    data: Path, tmp_path: Path, decoder_folder: Path
) -> None:
    class Stopped(Listener):
        def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
            if total is not None and done > total / 2:
                raise KeyboardInterrupt

    settings: dict[str, Any] = {
        "section": section(finetune={**WELL, "epochs": 4}),
        "spec": SPEC,
        "data": data,
        "seed": 1,
    }
    with pytest.raises(KeyboardInterrupt):
        finetune_writer(**settings, model_folder=decoder_folder, out=tmp_path / "cut", events=Stopped())
    cut = finetune_writer(**settings, model_folder=decoder_folder, out=tmp_path / "cut", events=Silent())
    whole = finetune_writer(**settings, model_folder=decoder_folder, out=tmp_path / "whole", events=Silent())
    assert cut["resumed_from_step"] > 0 == whole["resumed_from_step"]
    assert cut["validation_loss"] == pytest.approx(whole["validation_loss"], rel=1e-3)
    assert cut["validation_loss_before"] == pytest.approx(whole["validation_loss_before"])


def test_pairs_of_texts_are_refused_before_anything_is_trained(tmp_path: Path, decoder_folder: Path) -> None:
    rows: list[Row] = [
        {"text": f"a {word} film", "text_pair": f"is it {word} {number}", "label": label}
        for label, words in WORDS.items()
        for word in words
        for number in range(4)
    ]
    columns = {role: role for role in ("text", "text_pair", "label")}
    run(tmp_path / "data", write(tmp_path, rows), columns=columns)
    with pytest.raises(DataError, match="one text a row, and this data has text and text_pair"):
        finetune(tmp_path / "data", tmp_path / "out", decoder_folder)


def test_without_the_section_nothing_is_trained(data: Path, tmp_path: Path, decoder_folder: Path) -> None:
    with pytest.raises(RecipeError, match="finetune is left out"):
        finetune(data, tmp_path, decoder_folder, finetune=None)


def test_the_model_that_is_written_loads_as_any_other(data: Path, tmp_path: Path, decoder_folder: Path) -> None:
    finetune(data, tmp_path, decoder_folder, finetune={**WELL, "epochs": 0.5})
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["GPT2LMHeadModel"]
    assert {"model.safetensors", "tokenizer.json"} <= {file.name for file in (tmp_path / "model").iterdir()}
