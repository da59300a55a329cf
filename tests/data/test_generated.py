"""Texts that a language model writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compressor.data import generate_texts, load_texts
from compressor.data.generated import LanguageModel, Prompts
from compressor.data.texts import TrainingTexts
from compressor.errors import DataError, RecipeError, SourceError
from compressor.recipe.augment import GenerateSection
from compressor.task_specs import task_spec
from tests import tiny
from tests.data.support import Listener, run, write

SPEC = task_spec("text-classification")


def section(**settings: Any) -> GenerateSection:
    return GenerateSection.model_validate({"model": "some/model", "count": 20, "max_new_tokens": 8, **settings})


def generate(data: Path, out: Path, model: Path, seed: int = 1, **settings: Any) -> dict[str, Any]:
    return generate_texts(
        section(**settings), SPEC, model_folder=model, data=data, out=out, seed=seed, events=Listener()
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, reviews_csv: Path) -> Path:
    out = tmp_path_factory.mktemp("data")
    run(out, reviews_csv)
    return out


def prompts(data: Path, **settings: Any) -> Prompts:
    return Prompts(section(**settings), TrainingTexts.open(data, SPEC), SPEC, ["bad", "good"], 1)


def test_made_up_texts_are_written_once_each(data: Path, tmp_path: Path, decoder_folder: Path) -> None:
    facts = generate(data, tmp_path / "a", decoder_folder, examples=1, batch_size=8)
    found = load_texts(tmp_path / "a")
    assert found.column_names == ["text", "label", "example_id", "origin", "parent"]
    assert {*found["origin"], *found["parent"], *found["label"]} == {"generate", None}
    assert facts["made"] == 20 and facts["kept"] == len(found) > 10
    assert sum(facts["labels"].values()) == 20 and set(facts["labels"]) == {"bad", "good"}
    assert facts["words"]["max"] <= 8
    generate(data, tmp_path / "b", decoder_folder, examples=1, batch_size=8)
    assert load_texts(tmp_path / "b")["text"][:] == found["text"][:]
    generate(data, tmp_path / "c", decoder_folder, examples=1, batch_size=8, seed=2)
    assert load_texts(tmp_path / "c")["text"][:] != found["text"][:]


def test_a_prompt_shows_training_texts_of_one_label(data: Path) -> None:
    drawn = prompts(data, examples=3, prompt="{label} films:\n{examples}\n-  ")
    for _ in range(20):
        first, *shown, last = drawn.draw().split("\n")
        words = tiny.POSITIVE if first == "good films:" else tiny.NEGATIVE
        assert len(shown) == 3 and last == "-"
        assert all(line.startswith("- ") and set(line.split()) & set(words) for line in shown)
    assert drawn.asked["good"] + drawn.asked["bad"] == 20


def test_text_without_labels_has_a_prompt_without(tmp_path: Path) -> None:
    spec = task_spec("sentence-embedding")
    run(tmp_path / "data", write(tmp_path, [{"text": f"one two {i}"} for i in range(50)]), spec=spec)
    training = TrainingTexts.open(tmp_path / "data", spec)
    drawn = Prompts(section(examples=1), training, spec, [], 1)
    assert drawn.draw().startswith("Texts of the same kind") and not drawn.asked
    with pytest.raises(DataError, match=r"Leave \{label\} out"):
        Prompts(section(prompt="{label} {examples}"), training, spec, [], 1)


def test_a_text_ends_with_its_line(decoder_folder: Path, tmp_path: Path) -> None:
    from transformers import AddedToken, AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(decoder_folder)
    assert LanguageModel(section(), decoder_folder, 1).ends == [tokenizer.eos_token_id]
    tokenizer.add_tokens([AddedToken("\n", normalized=False)])
    model = AutoModelForCausalLM.from_pretrained(decoder_folder)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    tokenizer.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    language_model = LanguageModel(section(temperature=5.0, top_p=1.0, max_new_tokens=40), tmp_path, 1)
    assert tokenizer.convert_tokens_to_ids("\n") in language_model.ends
    texts = language_model.go_on(["the film"] * 20 + ["the actors in the film"] * 20)
    assert len({len(text.split()) for text in texts}) > 3
    assert not any("\n" in text for text in texts)


def test_a_prompt_that_is_too_long_loses_its_beginning(data: Path, tmp_path: Path, decoder_folder: Path) -> None:
    facts = generate(data, tmp_path, decoder_folder, examples=30, count=8)
    assert facts["kept"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prompt": " "}, "prompt: is empty"),
        ({"prompt": "more of {label}"}, "prompt: has no place for the training texts"),
        ({"min_words": 5, "max_words": 3}, "max_words: is less than min_words"),
    ],
)
def test_prompts_and_limits_that_fit_nothing_are_refused(
    data: Path, tmp_path: Path, decoder_folder: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        generate(data, tmp_path, decoder_folder, **settings)


def test_models_that_write_nothing_are_refused(
    data: Path, tmp_path: Path, encoder_folder: Path, decoder_folder: Path
) -> None:
    with pytest.raises(SourceError, match="not a causal language model"):
        generate(data, tmp_path, encoder_folder)
    with pytest.raises(SourceError, match=r"takes 64 tokens, and data\.generate\.max_new_tokens is 64"):
        generate(data, tmp_path, decoder_folder, max_new_tokens=64)
