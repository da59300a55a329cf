"""What a model's JSON files may say: sizes a machine can build, and nothing that fetches or runs foreign code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compressor.errors import shortened

__all__ = ["MOST_LABELS", "MOST_TOKENS", "depth_and_width", "foreign_code", "unusable"]

MOST_TOKENS = 4_000_000
"""Of a vocabulary."""
MOST_LABELS = 1_000_000


@dataclass(frozen=True)
class _Limit:
    """A quantity, the names architectures have for it, and the bounds any real model keeps."""

    names: tuple[str, ...]
    most: int
    least: int = 1


_LAYERS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
# An order of magnitude above the largest published models, so that nothing real is refused, and low enough that a
# wrong digit is told at once: a billion layers take transformers minutes before it runs out of memory.
_LIMITS = (
    _Limit(_LAYERS, 1_000),
    _Limit(("num_decoder_layers",), 1_000, least=0),
    _Limit(("num_attention_heads", "n_heads", "n_head", "num_heads", "num_key_value_heads"), 1_024),
    _Limit(("hidden_size", "dim", "d_model", "n_embd", "embedding_size", "head_dim", "d_head", "d_kv"), 65_536),
    _Limit(("intermediate_size", "hidden_dim", "d_ff", "d_inner", "ffn_dim", "n_inner"), 1_048_576),
    _Limit(("vocab_size",), MOST_TOKENS),
    _Limit(("type_vocab_size",), 1_000, least=0),
    _Limit(("max_position_embeddings", "n_positions"), 20_000_000),
    _Limit(("num_labels",), MOST_LABELS),
)
_HIDDEN = ("hidden_size", "dim", "d_model", "n_embd")
_HEADS = ("num_attention_heads", "n_heads", "n_head", "num_heads")
_HEAD_SIZES = ("head_dim", "attention_head_size", "d_head", "d_kv", "true_hidden_size")
"""Where one of these is given, the hidden size isn't parted among the heads."""
_INNER = ("text_config", "encoder", "decoder")
"""Configurations of models inside this one that read text."""
_TEXTS = ("model_type", "tokenizer_class", "padding_side", "truncation_side")
_TOKENS = ("pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id")

_CODE = ("auto_map", "custom_pipelines")
"""Names Python files or repositories whose classes replace transformers' own."""
# Every other name is that of a repository of kernels, or one for which transformers 5.23 may take such a repository:
# `PreTrainedModel._check_and_adjust_attn_implementation`, and `ALL_EXPERTS_FUNCTIONS` in integrations/moe.py.
_BUILT_IN = {
    "attn_implementation": {"eager", "sdpa", "flex_attention"},
    "experts_implementation": {"eager", "batched_mm", "grouped_mm"},
}
# Quantized weights that are computed by kernels of a hub: `get_kernel` and `lazy_load_kernel` in transformers 5.23.
_HUB_QUANTIZATION = {"eetq", "fbgemm_fp8", "fp8", "gguf", "metal", "mxfp4", "mxfp8", "nvfp4"}


def foreign_code(config: Mapping[str, Any]) -> str:
    """What a configuration, or one inside it, names that is fetched and run: `key: value` each; empty if nothing."""
    return ", ".join(
        f"{key}: {shortened(json.dumps(value), 200)}"
        for section in _everything(config)
        if isinstance(section, Mapping)
        for key, value in section.items()
        if _runs_code(key, value)
    )


def unusable(config: Mapping[str, Any]) -> str | None:
    """Why no model can be built from a configuration, as the end of a sentence; None where nothing speaks against it.

    Architectures have more rules than these; what they say to a value within bounds is told where they are loaded.
    """
    inner = [config[name] for name in _INNER if isinstance(config.get(name), Mapping)]
    return next((fault for section in (config, *inner) for fault in _faults(section)), None)


def depth_and_width(config: Mapping[str, Any]) -> tuple[int, int] | None:
    """Layers, and the width of hidden states, by the names that architectures have for them; else None."""
    layers, width = _first(config, _LAYERS), _first(config, _HIDDEN)
    return None if layers is None or width is None else (layers, width)


def _everything(value: Any) -> Iterator[Any]:
    """A value and all that is inside it."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _runs_code(key: str, value: Any) -> bool:
    if not value:
        return False
    if key in _CODE:
        return True
    if known := _BUILT_IN.get(key.removeprefix("_").removesuffix("_internal")):
        # One name, or one for each configuration inside this one.
        return any(name not in known for name in _everything(value) if isinstance(name, str))
    if key == "quantization_config" and isinstance(value, Mapping):
        return str(value.get("quant_method")) in _HUB_QUANTIZATION
    return False


def _faults(section: Mapping[str, Any]) -> Iterator[str]:
    for limit in _LIMITS:
        for name in limit.names:
            value = section.get(name)
            if value is not None and not _within(value, limit):
                yield f"{name} is {_shown(value)}; it must be a whole number from {limit.least} to {limit.most:,}"
    hidden, heads = _first(section, _HIDDEN), _first(section, _HEADS)
    if hidden and heads and hidden % heads and _first(section, _HEAD_SIZES) is None:
        yield f"a hidden size of {hidden} can't be parted among {heads} attention heads"
    for name in _TEXTS:
        if not isinstance(section.get(name), str | None):
            yield f"{name} is {_shown(section[name])}; it must be a text"
    for name in _TOKENS:
        if not _are_tokens(section.get(name)):
            yield f"{name} is {_shown(section[name])}; it must be the number of a token"
    labels = section.get("id2label")
    if labels is not None and not _are_labels(labels):
        yield f"id2label is {_shown(labels)}; it must name a label for each number from 0 on"
    elif labels is not None and len(labels) > MOST_LABELS:
        yield f"id2label has {len(labels):,} labels; it may have {MOST_LABELS:,}"
    if not isinstance(section.get("label2id"), Mapping | None):
        yield f"label2id is {_shown(section['label2id'])}; it must give a number for each label"


def _within(value: Any, limit: _Limit) -> bool:
    """MobileViT and others have a list of sizes, one for each stage."""
    values = value if isinstance(value, list) else [value]
    return all(
        isinstance(one, int) and not isinstance(one, bool) and limit.least <= one <= limit.most for one in values
    )


def _first(section: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of these that is given, where it is one number."""
    found = next((section[name] for name in names if section.get(name) is not None), None)
    return found if isinstance(found, int) and found > 0 else None


def _are_tokens(value: Any) -> bool:
    """Absent, one number or several; -1 stands for none in some older models."""
    values = value if isinstance(value, list) else [value]
    return all(one is None or (isinstance(one, int) and -1 <= one < 1 << 31) for one in values)


def _are_labels(value: Any) -> bool:
    numbered = isinstance(value, Mapping) and all(key.isascii() and key.isdecimal() and len(key) < 10 for key in value)
    return numbered and not any(isinstance(label, Mapping | list) for label in value.values())


def _shown(value: Any) -> str:
    return shortened(json.dumps(value))
