"""What a model's configuration may say before transformers is shown it."""

from __future__ import annotations

from typing import Any

import pytest

from compressor.sources import model_config
from compressor.sources.model_config import depth_and_width, foreign_code, unusable

BERT = {
    "model_type": "bert",
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "vocab_size": 30522,
    "id2label": {"0": "bad", "1": "good"},
    "pad_token_id": 0,
}


@pytest.mark.parametrize(
    "kind", ["bert", "distilbert", "deberta-v2", "modernbert", "gpt2", "llama", "gemma", "mobilebert", "funnel", "t5"]
)
def test_the_configurations_of_real_architectures_pass(kind: str) -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    config = CONFIG_MAPPING[kind]().to_dict()
    config["id2label"] = {str(number): label for number, label in config["id2label"].items()}
    assert unusable(config) is None
    assert foreign_code(config) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000; it must be a whole number from 1 to 1,000"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0"),
        ({"hidden_size": "big"}, 'hidden_size is "big"'),
        ({"hidden_size": -768}, "hidden_size is -768"),
        ({"vocab_size": 10**12}, "vocab_size is 1000000000000"),
        ({"max_position_embeddings": 1.5}, "max_position_embeddings is 1.5"),
        ({"type_vocab_size": True}, "type_vocab_size is true"),
        ({"num_attention_heads": 7}, "a hidden size of 768 can't be parted among 7 attention heads"),
        ({"id2label": ["a", "b"]}, 'id2label is ["a", "b"]'),
        ({"id2label": {"first": "a"}}, "id2label is"),
        ({"id2label": {"0": ["a"]}}, "id2label is"),
        ({"label2id": 7}, "label2id is 7"),
        ({"num_labels": 1_000_001}, "num_labels is 1000001; it must be a whole number from 1 to 1,000,000"),
        ({"model_type": ["bert"]}, 'model_type is ["bert"]'),
        ({"pad_token_id": {}}, "pad_token_id is {}"),
        ({"text_config": {"num_hidden_layers": -1}}, "num_hidden_layers is -1"),
    ],
)
def test_sizes_that_no_model_has_are_told(change: dict[str, Any], said: str) -> None:
    fault = unusable({**BERT, **change})
    assert fault is not None
    assert said in fault


def test_a_model_has_so_many_named_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_config, "MOST_LABELS", 3)
    assert unusable({**BERT, "id2label": {str(i): "a" for i in range(3)}}) is None
    fault = unusable({**BERT, "id2label": {str(i): "a" for i in range(4)}})
    assert fault == "id2label has 4 labels; it may have 3"


def test_a_size_of_a_million_digits_is_not_quoted_whole() -> None:
    assert len(unusable({**BERT, "hidden_size": "9" * 1_000_000}) or "") < 300


@pytest.mark.parametrize("sizes", [{"head_dim": 64}, {"attention_head_size": 64}])
def test_heads_of_a_size_of_their_own_need_not_divide_the_hidden_size(sizes: dict[str, int]) -> None:
    assert unusable({**BERT, "num_attention_heads": 7, **sizes}) is None


@pytest.mark.parametrize(
    "config",
    [
        {"auto_map": {"AutoModel": "modeling.Evil"}},
        {"text_config": {"auto_map": {"AutoModel": "modeling.Evil"}}},
        {"custom_pipelines": {"evil": {"impl": "evil.Pipeline"}}},
        {"attn_implementation": "kernels-community/flash-attn"},
        {"_attn_implementation": "someone/kernel@v1:forward"},
        {"_attn_implementation": {"": "eager", "text_config": "someone/kernel"}},
        {"attn_implementation": {"text_config": {"": "someone/kernel"}}},
        {"text_config": {"_attn_implementation": "someone/kernel"}},
        {"per_layer_config": [{"attn_implementation": "someone/kernel"}]},
        {"attn_implementation": "flash_attention_3"},
        {"experts_implementation": "sonicmoe"},
        {"quantization_config": {"quant_method": "mxfp4"}},
    ],
    ids=str,
)
def test_what_would_be_fetched_and_run_is_named(config: dict[str, Any]) -> None:
    assert foreign_code({**BERT, **config})


@pytest.mark.parametrize(
    "config",
    [
        {"auto_map": {}},
        {"attn_implementation": None},
        {"_attn_implementation": "sdpa"},
        {"_attn_implementation": {"": "eager", "text_config": "flex_attention"}},
        {"experts_implementation": "grouped_mm"},
        {"quantization_config": {"quant_method": "bitsandbytes"}},
        {"quantization_config": {"quant_method": ["odd"]}},
    ],
    ids=str,
)
def test_what_transformers_brings_itself_is_not_foreign(config: dict[str, Any]) -> None:
    assert foreign_code({**BERT, **config}) == ""


def test_the_kernels_of_hubs_that_are_refused_are_those_of_the_installed_transformers() -> None:
    """A new release that fetches kernels for another quantization must be met here first."""
    import re
    from pathlib import Path

    import transformers
    from transformers.quantizers.auto import AUTO_QUANTIZER_MAPPING

    from compressor.sources.model_config import _HUB_QUANTIZATION

    folder = Path(transformers.__file__).parent / "quantizers"
    asks = re.compile(r"is_kernels_available|get_kernel|lazy_load_kernel")
    kernels = {
        name
        for name, quantizer in AUTO_QUANTIZER_MAPPING.items()
        if asks.search((folder / f"{quantizer.__module__.rpartition('.')[2]}.py").read_text(encoding="utf-8"))
    }
    assert kernels <= _HUB_QUANTIZATION


@pytest.mark.parametrize("kind", ["bert", "distilbert", "modernbert", "gpt2", "llama", "mpnet"])
def test_depth_and_width_are_those_that_transformers_reads(kind: str) -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    config = CONFIG_MAPPING[kind]()
    assert depth_and_width(config.to_dict()) == (config.num_hidden_layers, config.hidden_size)


def test_depth_and_width_that_are_not_told_are_not_guessed() -> None:
    assert depth_and_width({"hidden_size": 768}) is None
    assert depth_and_width({"hidden_size": "wide", "num_hidden_layers": 12}) is None
