from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoModel, BertConfig, FNetConfig

from compressor.distill.attention import recorded_projections
from compressor.distill.objectives.attention import attention_scores
from compressor.errors import StageError
from tests.distill.builders.test_layers import CONFIGS, make_model

INPUTS = {
    "input_ids": torch.tensor([[2, 5, 20, 21, 3], [2, 11, 22, 3, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]),
}


@pytest.mark.parametrize("architecture", CONFIGS)
def test_every_layer_of_every_architecture_is_recorded_and_nothing_stays_attached(architecture: str) -> None:
    model = make_model(architecture, labels=2)
    with recorded_projections(model, INPUTS) as found:
        model(**INPUTS)
    assert [len(kind) for kind in (found.queries, found.keys, found.values)] == [4, 4, 4]
    assert all(tensor.shape[:2] == (2, 5) for tensor in (*found.queries, *found.keys, *found.values))
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("architecture", ["Bert", "Roberta", "Electra", "DistilBert", "GPT2"])
def test_scores_made_of_them_are_those_of_the_model(architecture: str) -> None:
    model = make_model(architecture, labels=2).eval()
    model.set_attn_implementation("eager")
    with recorded_projections(model, INPUTS) as found:
        output = model(**INPUTS, output_attentions=True)
    for layer, attention in enumerate(output.attentions):
        scores = attention_scores(found.queries[layer], found.keys[layer], heads=2)
        seen = INPUTS["attention_mask"].bool()[:, None, None, :]
        if architecture == "GPT2":
            seen = seen & torch.ones(5, 5, dtype=torch.bool).tril()
        expected = torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1)
        assert torch.allclose(attention, expected, atol=1e-5)


def test_a_shared_layer_is_recorded_each_time_it_runs() -> None:
    config: Any = {"vocab_size": 50, "embedding_size": 8, "hidden_size": 16, "num_hidden_layers": 3}
    from transformers import AlbertConfig

    model = AutoModel.from_config(AlbertConfig(**config, num_attention_heads=2, intermediate_size=32, pad_token_id=0))
    with recorded_projections(model, INPUTS) as found:
        model(**INPUTS)
    assert len(found.queries) == len(found.values) == 3


def test_positions_sent_through_the_same_modules_are_not_taken_for_tokens() -> None:
    model = make_model("DebertaV2", labels=2)
    inputs = {name: tensor[:1] for name, tensor in INPUTS.items()}
    with recorded_projections(model, inputs) as found:
        model(**inputs)
    assert [tensor.shape for tensor in found.keys] == [(1, 5, 16)] * 4


def test_an_architecture_without_them_is_refused_by_name() -> None:
    model = AutoModel.from_config(FNetConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, intermediate_size=32))
    with pytest.raises(StageError, match="architecture fnet"), recorded_projections(model, INPUTS):
        pass


def test_hooks_are_gone_after_an_error() -> None:
    small = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    model = AutoModel.from_config(small)
    with pytest.raises(KeyError), recorded_projections(model, INPUTS):
        raise KeyError
    assert not any(module._forward_hooks for module in model.modules())
