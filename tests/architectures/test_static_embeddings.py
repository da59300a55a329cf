from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from compressor.architectures import auto_class
from compressor.architectures.static_embeddings import StaticEmbeddingsConfig
from compressor.errors import SourceError
from compressor.tasks import get_task
from tests import tiny

LABELS = {0: "bad", 1: "good", 2: "fair"}


def classifier(**settings: Any) -> Any:
    """One with random weights, the biases and gains too."""
    torch.manual_seed(0)
    config = StaticEmbeddingsConfig(
        vocab_size=len(tiny.VOCABULARY), hidden_size=16, classifier_hidden_size=8, id2label=LABELS, **settings
    )
    model = auto_class("AutoModelForSequenceClassification").from_config(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    classifier().save_pretrained(tmp_path / "model")
    return tiny.write_tokenizer(tmp_path / "model")


def answer(model: Any, ids: list[list[int]], mask: list[list[int]] | None = None) -> np.ndarray:
    given = {} if mask is None else {"attention_mask": torch.tensor(mask)}
    with torch.no_grad():
        logits: np.ndarray = model(torch.tensor(ids), **given).logits.numpy()
    return logits


def test_the_logits_are_those_of_the_normalized_mean() -> None:
    model, ids = classifier(), [5, 9, 9, 30]
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    mean = weights["static.embed_tokens.weight"][ids].mean(axis=0)
    normalized = (mean - mean.mean()) / mean.std() * weights["norm.weight"] + weights["norm.bias"]
    hidden = np.maximum(weights["dense.weight"] @ normalized + weights["dense.bias"], 0)
    expected = weights["classifier.weight"] @ hidden + weights["classifier.bias"]
    np.testing.assert_allclose(answer(model, [ids])[0], expected, rtol=1e-4)


def test_padding_order_and_neighbours_change_nothing() -> None:
    model = classifier()
    alone = answer(model, [[5, 9, 30]])
    batch = answer(model, [[5, 9, 30, 7, 7], [8, 6, 40, 41, 42]], [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    np.testing.assert_allclose(batch[0], alone[0], atol=1e-5)
    np.testing.assert_allclose(answer(model, [[30, 5, 9]]), alone, atol=1e-5)
    assert np.abs(answer(model, [[30, 5, 8]]) - alone).max() > 1e-3


def test_a_row_without_tokens_has_an_answer() -> None:
    assert np.isfinite(answer(classifier(), [[0, 0]], [[0, 0]])).all()


def test_a_saved_model_answers_as_before_and_needs_no_code_of_its_own(folder: Path) -> None:
    loaded = get_task("text-classification").load_model(folder, None, new_head="never")
    np.testing.assert_allclose(answer(loaded, [[5, 9, 30]]), answer(classifier(), [[5, 9, 30]]), atol=1e-5)
    assert [loaded.config.id2label[i] for i in range(3)] == ["bad", "good", "fair"]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert "auto_map" not in config and config["architectures"] == ["StaticEmbeddingsForSequenceClassification"]


def test_plain_transformers_loads_it_once_this_package_was_asked(folder: Path) -> None:
    code = (
        "import sys; from transformers import AutoModelForSequenceClassification as auto\n"
        "try: auto.from_pretrained(sys.argv[1])\n"
        "except ValueError: print('unknown')\n"
        "from compressor.architectures import auto_class; auto_class('AutoConfig')\n"
        "print(auto.from_pretrained(sys.argv[1]).config.model_type)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert done.stdout.split() == ["unknown", "static-embeddings"], done.stderr


def test_other_labels_get_a_new_head_and_the_table_stays(folder: Path) -> None:
    torch.manual_seed(1)
    loaded: Any = get_task("text-classification").load_model(folder, ["no", "yes"])
    assert loaded.classifier.weight.shape == (2, 8)
    assert torch.equal(loaded.static.embed_tokens.weight, classifier().static.embed_tokens.weight)
    assert torch.equal(loaded.dense.weight, classifier().dense.weight)


def test_training_never_starts_from_a_random_table(folder: Path) -> None:
    weights = {name: tensor for name, tensor in classifier().state_dict().items() if "embed" not in name}
    transformers.modeling_utils.safe_save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SourceError, match=r"static\.embed_tokens\.weight"):
        get_task("text-classification").load_model(folder, ["bad", "good", "fair"])


def test_the_bare_model_gives_the_vectors_of_its_tokens(folder: Path) -> None:
    loaded: Any = get_task("sentence-embedding").load_model(folder, None)
    table = classifier().static.embed_tokens.weight
    with torch.no_grad():
        states = loaded(torch.tensor([[5, 9]]), attention_mask=torch.tensor([[1, 0]])).last_hidden_state
    assert torch.equal(states, torch.stack([table[5], torch.zeros(16)])[None])


def test_labels_give_a_loss_for_those_who_train_it_elsewhere() -> None:
    model = classifier()
    ids, labels = torch.tensor([[5, 9, 30], [6, 7, 8]]), torch.tensor([0, 2])
    given = model(ids, labels=labels)
    assert torch.allclose(given.loss, torch.nn.functional.cross_entropy(given.logits, labels))
