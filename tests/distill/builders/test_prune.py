from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from compressor.data import load_output_names
from compressor.distill.architecture import Layout, feed_forward_size
from compressor.distill.builders.base import Checkpoint
from compressor.distill.builders.prune import Prune
from compressor.errors import RecipeError
from compressor.tasks import get_task
from compressor.tasks.base import Task
from tests import tiny
from tests.distill.builders import models
from tests.distill.builders.conftest import prepared

TEXTS = ["the film was good", "the story was very bad", "filming"]


def prune(**options: Any) -> Prune:
    return Prune.model_validate({"kind": "prune", "examples": 40, **options})


@pytest.mark.parametrize(
    "architecture",
    ["bert", "distilbert", "mpnet", "roberta", "electra", "albert", "deberta-v2", "modernbert", "gpt2", "llama"],
)
def test_half_of_the_neurons_is_a_plain_checkpoint(
    architecture: str, film_data: Path, task: Task, tmp_path: Path
) -> None:
    whole = models.read(models.write_model(tmp_path / "whole", architecture))
    if whole.tokenizer.pad_token is None:
        whole.tokenizer.pad_token = whole.tokenizer.eos_token
        whole.model.config.pad_token_id = whole.tokenizer.pad_token_id
    before = feed_forward_size(whole.model.config)
    built = prune(neurons=0.5).build(whole, film_data, task)
    cut = models.write(built, tmp_path / "cut")
    after = feed_forward_size(cut.model.config)
    assert before is not None and after == (before[0], before[1] // 2)
    assert built.note == f"{before[1]} -> {before[1] // 2} neurons a layer"
    assert torch.allclose(models.logits(cut, TEXTS), models.logits(built, TEXTS), atol=1e-6)


def test_neurons_that_do_nothing_go_first(film_data: Path, task: Task, tmp_path: Path) -> None:
    """The same answers with half of the neurons, where the other half has no way out."""
    whole = models.read(models.write_model(tmp_path, "bert"))
    torch.manual_seed(3)
    for layer in whole.model.bert.encoder.layer:
        idle = torch.randperm(48)[:24]
        layer.output.dense.weight.data[:, idle] = 0
    before = models.logits(whole, TEXTS)
    built = prune(neurons=0.5).build(whole, film_data, task)
    assert torch.allclose(models.logits(built, TEXTS), before, atol=1e-5)


def test_important_neurons_stay_where_random_ones_would_not(film_data: Path, task: Task, tmp_path: Path) -> None:
    """Neurons whose way out is hardly there matter less, wherever they stand."""
    whole = models.read(models.write_model(tmp_path, "bert"))
    strong = torch.arange(48) % 3 == 0
    for layer in whole.model.bert.encoder.layer:
        layer.output.dense.weight.data[:, ~strong] *= 1e-8
    built = prune(neurons=1 / 3).build(whole, film_data, task)
    for old, new in zip(whole.model.bert.encoder.layer, built.model.bert.encoder.layer, strict=True):
        assert torch.equal(new.intermediate.dense.weight, old.intermediate.dense.weight[strong])


@pytest.mark.parametrize(("groups", "word"), [(4, "4 -> 2 heads"), (2, "2 -> 1 groups of heads")])
def test_heads_go_where_the_config_can_say_so(
    groups: int, word: str, film_data: Path, task: Task, tmp_path: Path
) -> None:
    whole = models.read(models.write_model(tmp_path / "whole", "llama", num_key_value_heads=groups))
    whole.tokenizer.pad_token = whole.tokenizer.eos_token = "[SEP]"
    for layer in whole.model.model.layers:  # the first half does nothing
        layer.self_attn.o_proj.weight.data[:, :16] = 0
    before = models.logits(whole, TEXTS)
    built = prune(heads=0.5).build(whole, film_data, task)
    assert built.note == f"{word} a layer"
    cut = models.write(built, tmp_path / "cut")
    config = cut.model.config
    assert (config.num_attention_heads, config.num_key_value_heads, config.head_dim) == (2, groups // 2, 8)
    assert torch.allclose(models.logits(cut, TEXTS), before, atol=1e-5)


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "gpt2", "modernbert"])
def test_heads_are_refused_where_their_width_follows_from_their_number(
    architecture: str, film_data: Path, task: Task, tmp_path: Path
) -> None:
    checkpoint = models.read(models.write_model(tmp_path, architecture))
    with pytest.raises(RecipeError, match="takes the width of a head from the number of heads"):
        prune(heads=0.5).layout(Layout.of(checkpoint.model.config))


def test_importance_is_measured_without_labels_too(task: Task, tmp_path: Path, unlabelled: Path) -> None:
    """Vectors of length 1 have a constant length: what is measured must be something else."""
    folder = models.write_model(tmp_path, "bert")
    embedding = get_task("sentence-embedding")
    checkpoint = Checkpoint(AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder))
    strong = torch.arange(48) % 3 == 0
    for layer in checkpoint.model.encoder.layer:
        layer.output.dense.weight.data[:, ~strong] *= 1e-8
    built = prune(neurons=1 / 3).build(checkpoint, unlabelled, embedding)
    for old, new in zip(checkpoint.model.encoder.layer, built.model.encoder.layer, strict=True):
        assert torch.equal(new.intermediate.dense.weight, old.intermediate.dense.weight[strong])


@pytest.mark.parametrize(
    ("name", "write", "file", "columns"),
    [
        ("question-answering", tiny.write_questions, "texts.jsonl", {}),
        ("token-classification", tiny.write_conll, "texts.conll", {}),
        ("regression", tiny.write_ratings, "texts.csv", {"label": "stars"}),
        ("sentence-embedding", tiny.write_pairs, "texts.jsonl", {}),
    ],
)
def test_importance_is_measured_for_every_task(
    name: str, write: Callable[[Path], Path], file: str, columns: dict[str, str], tmp_path: Path
) -> None:
    data = prepared(write(tmp_path / file), name, tmp_path / "data", columns=columns)
    other = get_task(name)
    folder = tiny.write_encoder(tmp_path / "encoder", layers=1, spread=0.3)
    model = other.load_model(folder, load_output_names(data, other))
    idle = torch.randperm(64)[:32]
    model.base_model.encoder.layer[0].output.dense.weight.data[:, idle] = 0
    built = prune(neurons=0.5).build(Checkpoint(model, AutoTokenizer.from_pretrained(folder)), data, other)
    inputs = {"input_ids": torch.tensor([[2, 5, 6, 7, 8, 3]])}
    with torch.no_grad():
        assert torch.allclose(built.model(**inputs)[0], model(**inputs)[0], atol=1e-5)


def test_a_share_that_keeps_everything_is_a_mistake(film_data: Path, task: Task, tmp_path: Path) -> None:
    (problem,) = prune().problems()
    assert problem.path == "neurons"
    checkpoint = models.read(models.write_model(tmp_path, "bert"))
    with pytest.raises(RecipeError, match="is all of them"):
        prune(neurons=0.999).build(checkpoint, film_data, task)


def test_it_needs_data(task: Task, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="looks at training texts"):
        prune(neurons=0.5).build(models.read(models.write_model(tmp_path, "bert")), None, task)
