"""Tiny classifiers of several architectures, with weights large enough that a wrong graph shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import tiny

LABELS = ["bad", "good"]
MAX_LENGTH = 24
_SHARED: dict[str, Any] = {
    "vocab_size": len(tiny.VOCABULARY),
    "initializer_range": 0.3,
    "id2label": dict(enumerate(LABELS)),
    "label2id": {label: i for i, label in enumerate(LABELS)},
}
CONFIGS: dict[str, dict[str, Any]] = {
    "bert": {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
    },
    "distilbert": {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64},
    "mpnet": {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "pad_token_id": 1,
    },
    "static-embeddings": {"hidden_size": 32, "classifier_hidden_size": 16},
    "gpt2": {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 64},
    "qwen2": {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
    },
}


def write_classifier(folder: Path, architecture: str, **changes: Any) -> Path:
    """A sequence classifier with random weights; decoders come without a padding token, as they do in the wild."""
    import torch
    from transformers import AutoTokenizer

    from compressor.architectures import auto_class

    torch.manual_seed(0)
    config = auto_class("AutoConfig").for_model(architecture, **{**_SHARED, **CONFIGS[architecture], **changes})
    decoder = architecture in ("gpt2", "qwen2")
    if decoder:
        config.eos_token_id = config.bos_token_id = tiny.VOCABULARY.index("[SEP]")
    model = auto_class("AutoModelForSequenceClassification").from_config(config)
    for parameter in model.parameters():
        if parameter.ndim == 1:  # Biases start at zero; a graph that drops one must not pass.
            torch.nn.init.normal_(parameter, mean=parameter.mean().item(), std=0.1)
    model.save_pretrained(folder)
    tiny.write_tokenizer(folder, pad="w0" if architecture == "mpnet" else "[PAD]")
    if decoder:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.pad_token, tokenizer.eos_token = None, "[SEP]"
        tokenizer.save_pretrained(folder)
    return folder
