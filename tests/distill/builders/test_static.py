from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from compressor.data import load_split
from compressor.distill.architecture import Layout
from compressor.distill.builders.base import Checkpoint
from compressor.distill.builders.layers import KeepLayers
from compressor.distill.builders.static import Static, frequency_weights, principal_components, token_vectors
from compressor.distill.builders.vocabulary import Vocabulary
from compressor.errors import RecipeError
from compressor.task_specs import TASK_SPECS, task_spec
from compressor.tasks import get_task
from compressor.tasks.base import Task
from tests.distill.builders import models

STATIC = Static(kind="static", size=8, hidden=6)
ALONE = {
    "bert": ("[CLS]", "[SEP]"),
    "distilbert": ("[CLS]", "[SEP]"),
    "roberta": ("<s>", "</s>"),
    "gpt2": (None, None),
    "mistral": (None, None),
}
"""Special tokens around a text."""


@pytest.mark.parametrize("architecture", ALONE)
def test_a_tokens_vector_is_the_mean_of_what_the_model_makes_of_it_alone(architecture: str, tmp_path: Path) -> None:
    checkpoint = models.read(models.write_model(tmp_path, architecture))
    vectors = token_vectors(checkpoint.model, checkpoint.tokenizer)
    assert vectors.shape == (len(checkpoint.tokenizer), 32)
    before, after = ALONE[architecture]
    for token in (3, 40, len(checkpoint.tokenizer) - 1):
        ids = [checkpoint.tokenizer.convert_tokens_to_ids(one) for one in (before, after) if one]
        row = [ids[0], token, ids[1]] if ids else [token]
        with torch.no_grad():
            states = checkpoint.model.base_model(torch.tensor([row]))[0][0]
        assert torch.allclose(vectors[token], sum(states) / len(row), atol=1e-5)


def test_a_tokenizer_saved_with_padding_gives_the_same_vectors(tmp_path: Path) -> None:
    checkpoint = models.read(models.write_model(tmp_path, "bert"))
    plain = token_vectors(checkpoint.model, checkpoint.tokenizer)
    checkpoint.tokenizer.backend_tokenizer.enable_padding(length=16)
    assert torch.equal(token_vectors(checkpoint.model, checkpoint.tokenizer), plain)


def test_components_are_those_of_the_largest_variance() -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 10)) * np.arange(1, 11)
    centred = vectors - vectors.mean(axis=0)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    found, kept = principal_components(torch.tensor(vectors), 4)
    expected = centred @ directions[:4].T
    np.testing.assert_allclose(np.abs(found.numpy()), np.abs(expected), rtol=1e-4, atol=1e-4)  # signs are free
    assert kept == pytest.approx((values[:4] ** 2).sum() / (values**2).sum())


def test_weights_are_a_over_a_plus_p() -> None:
    counts = [0, 1, 9, 90]
    expected = [0.001 / (0.001 + count / 100) for count in counts]
    np.testing.assert_allclose(frequency_weights(torch.tensor(counts).float()).numpy(), expected, rtol=1e-6)


def test_frequent_tokens_weigh_less(film_data: Path, task: Task, tmp_path: Path) -> None:
    checkpoint = models.read(models.write_model(tmp_path, "bert"))
    built = STATIC.build(checkpoint, film_data, task)
    counts = Counter[int]()
    for text in load_split(film_data, "train")["text"]:
        counts.update(checkpoint.tokenizer(text)["input_ids"])  # with [CLS] and [SEP], as the student sees texts
    vectors, _ = principal_components(token_vectors(checkpoint.model, checkpoint.tokenizer), 8)
    table = built.model.get_input_embeddings().weight.detach()
    for token in checkpoint.tokenizer.convert_tokens_to_ids(["the", "good", "[CLS]", "watchable"]):
        weight = 0.001 / (0.001 + counts[token] / counts.total())
        assert torch.allclose(table[token], vectors[token] * weight, rtol=1e-4)
    assert not counts[checkpoint.tokenizer.convert_tokens_to_ids("watchable")], "what never occurs counts in full"


def test_what_it_makes_is_a_checkpoint_with_the_same_tokens_and_labels(
    film_data: Path, task: Task, tmp_path: Path
) -> None:
    whole = models.read(models.write_model(tmp_path / "whole", "bert"))
    built = STATIC.build(whole, film_data, task)
    again = models.write(built, tmp_path / "static")
    config = again.model.config
    assert (config.model_type, config.hidden_size, config.classifier_hidden_size) == ("static-embeddings", 8, 6)
    assert config.id2label == whole.model.config.id2label and config.pad_token_id == whole.tokenizer.pad_token_id
    texts = ["the film was good", "a dull story"]
    assert again.tokenizer(texts)["input_ids"] == whole.tokenizer(texts)["input_ids"]
    assert torch.allclose(models.logits(again, texts), models.logits(built, texts), atol=1e-6)
    saved = whole.model.num_parameters() - built.model.num_parameters()
    assert built.note.startswith(f"{len(whole.tokenizer)} vectors 8 wide (")
    assert built.note.endswith(f"{saved:,} parameters fewer")
    assert Layout.of(config) == STATIC.layout(Layout.of(whole.model.config))


@pytest.mark.parametrize("static_first", [False, True])
def test_it_goes_with_a_cut_vocabulary_on_either_side(
    static_first: bool, film_data: Path, task: Task, tmp_path: Path
) -> None:
    built = models.read(models.write_model(tmp_path / "whole", "bert"))
    cut = Vocabulary.model_validate({"kind": "vocabulary"})
    for builder in (STATIC, cut) if static_first else (cut, STATIC):
        built = builder.build(built, film_data, task)
    again = models.write(built, tmp_path / "static")
    assert again.model.get_input_embeddings().weight.shape == (len(again.tokenizer), 8)
    assert len(again.tokenizer) < len(models.read(tmp_path / "whole").tokenizer)
    assert torch.isfinite(models.logits(again, ["the film was good"])).all()


def test_the_vectors_of_sentences_need_no_head(unlabelled: Path, tmp_path: Path) -> None:
    task = get_task("sentence-embedding")
    model = task.load_model(models.write_model(tmp_path / "whole", "bert"), None)
    tokenizer = models.read(tmp_path / "whole").tokenizer
    built = STATIC.build(Checkpoint(model, tokenizer), unlabelled, task)
    assert built.model.num_parameters() == len(tokenizer) * 8
    output = built.model(tokenizer("the film", return_tensors="pt")["input_ids"])
    assert output.last_hidden_state.shape == (1, 4, 8)


def test_what_does_not_fit_is_told_before_anything_is_trained() -> None:
    with pytest.raises(RecipeError, match=r"static\.size is 8, and the model is 6 wide"):
        STATIC.layout(Layout(2, 6))
    with pytest.raises(RecipeError, match="no layers already"):
        STATIC.layout(STATIC.layout(Layout(2, 32)))
    with pytest.raises(RecipeError, match="static-embeddings model has no layers"):
        KeepLayers(kind="layers", keep=(0,)).layout(STATIC.layout(Layout(2, 32)))


def test_tasks_that_answer_for_each_token_are_refused() -> None:
    refused = {name for name in TASK_SPECS.names if [*STATIC.unfit(task_spec(name))]}
    assert refused == {"token-classification", "question-answering"}
