from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from transformers import BertConfig, DistilBertConfig, GPT2Config, LlamaConfig

from compressor.distill.architecture import Layout, activation_names, feed_forward_size, layer_count_name


def test_depth_and_width_are_read_whatever_the_architecture_calls_them() -> None:
    assert Layout.of(BertConfig(num_hidden_layers=3, hidden_size=24)) == Layout(3, 24)
    assert Layout.of(DistilBertConfig(n_layers=5, dim=36, n_heads=6)) == Layout(5, 36)
    assert Layout.of(GPT2Config(n_layer=7, n_embd=48)) == Layout(7, 48)


@pytest.mark.parametrize("config", [BertConfig(), DistilBertConfig(), GPT2Config()])
def test_the_number_of_layers_is_set_under_the_name_that_counts(config: Any) -> None:
    setattr(config, layer_count_name(config), 2)
    assert Layout.of(config).layers == Layout.of(type(config)(**config.to_dict())).layers == 2


def test_an_architecture_optimum_has_no_names_for_uses_the_usual_ones() -> None:
    config = SimpleNamespace(model_type="brand-new", num_hidden_layers=2, hidden_size=8)
    assert Layout.of(config) == Layout(2, 8)
    assert layer_count_name(config) == "num_hidden_layers"


def test_neurons_and_activation_are_read_whatever_the_architecture_calls_them() -> None:
    assert feed_forward_size(BertConfig(intermediate_size=96)) == ("intermediate_size", 96)
    assert feed_forward_size(DistilBertConfig(hidden_dim=80)) == ("hidden_dim", 80)
    assert feed_forward_size(GPT2Config(n_embd=48)) == ("n_inner", 192)
    names = [activation_names(config) for config in (BertConfig(), DistilBertConfig(), GPT2Config())]
    assert names == [("hidden_act",), ("activation",), ("activation_function",)]


def test_a_layout_knows_whether_the_width_of_a_head_is_set() -> None:
    bert = Layout.of(BertConfig(num_hidden_layers=3, hidden_size=24, num_attention_heads=4))
    assert (bert.architecture, bert.heads, bert.head_size, bert.activation) == ("bert", 4, None, "gelu")
    assert Layout.of(LlamaConfig(hidden_size=32, num_attention_heads=4)).head_size == 8
