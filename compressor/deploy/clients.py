"""What other programs look for in a model folder: optimum.onnxruntime, transformers 4, transformers.js.

Our own runtime needs none of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

__all__ = ["client_config", "dtype_of", "file_names", "special_tokens_map", "tokenizer_settings"]

# transformers.js finds `onnx/model{suffix}.onnx` by its option `dtype`: DEFAULT_DTYPE_SUFFIX_MAPPING in
# src/utils/dtypes.js of transformers.js 4.3.
_DTYPES: Mapping[str, str] = MappingProxyType(
    {
        "": "fp32",
        "_fp16": "fp16",
        "_quantized": "q8",
        "_int8": "int8",
        "_uint8": "uint8",
        "_q4": "q4",
        "_q4f16": "q4f16",
        "_q2": "q2",
        "_q2f16": "q2f16",
        "_q1": "q1",
        "_q1f16": "q1f16",
        "_bnb4": "bnb4",
    }
)

# Precision -> suffix, where it isn't the precision's own name. `q8` is what transformers.js takes in a browser unless
# told otherwise, so the first 8-bit variant goes by it.
_SUFFIXES: Mapping[str, str] = MappingProxyType({"fp32": "", "int8": "_quantized", "int4": "_q4", "int2": "_q2"})

# Architectures that clients don't know, by one that has the same inputs and outputs: what is computed stands in the
# graph, and these are all that a client asks `config.json` for beside the labels. Names of classes begin so in both.
_STAND_INS = MappingProxyType({"static-embeddings": ("distilbert", "StaticEmbeddings", "DistilBert")})

_SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")

# How a tokenizer was loaded and called says nothing about it, and may hold paths of the machine it was made on.
_TRACES = (
    "name_or_path",
    "special_tokens_map_file",
    "tokenizer_file",
    "vocab_file",
    "is_local",
    "local_files_only",
    "max_length",
    "stride",
    "truncation_strategy",
)


def file_names(precisions: Mapping[str, str]) -> dict[str, str]:
    """Variant -> its file in the bundle, by its precision; where that name is taken already, by its own.

    A variant's own name never stands where transformers.js would take it for another precision.
    """
    files: dict[str, str] = {}
    for variant, precision in precisions.items():
        own = [f"_{variant}"] if f"_{variant}" not in _DTYPES else []
        suffixes = [_SUFFIXES.get(precision, f"_{precision}"), *own, f"_variant_{variant}"]
        names = [f"onnx/model{suffix}.onnx" for suffix in suffixes]
        files[variant] = next(name for name in names if name not in files.values())
    return files


def dtype_of(file: str) -> str | None:
    """What transformers.js calls a file of the bundle; None where it has no name for it."""
    return _DTYPES.get(PurePosixPath(file).stem.removeprefix("model"))


def client_config(config: Mapping[str, Any], labels: Sequence[str], default_file: str) -> dict[str, Any]:
    """`config.json`: an architecture that clients know, the labels, and which file transformers.js takes unless told
    otherwise."""
    found = {key: value for key, value in config.items() if key != "_name_or_path"}
    if stand_in := _STAND_INS.get(str(found.get("model_type"))):
        found["model_type"], own, theirs = stand_in
        found["architectures"] = [name.replace(own, theirs) for name in found.get("architectures") or ()]
    if labels:  # Without names a client counts the outputs by those that transformers gave them.
        found["id2label"] = {str(i): label for i, label in enumerate(labels)}
        found["label2id"] = {label: i for i, label in enumerate(labels)}
    dtype = dtype_of(default_file)
    return {**found, "transformers.js_config": {"dtype": dtype}} if dtype else found


def tokenizer_settings(settings: Mapping[str, Any], max_length: int) -> dict[str, Any]:
    """`tokenizer_config.json` that transformers 4 and 5 and transformers.js all read, cutting texts at `max_length`."""
    found = {key: value for key, value in settings.items() if key not in _TRACES}
    # transformers 5 writes names and shapes that 4 refuses.
    if found.get("tokenizer_class") in (None, "TokenizersBackend"):
        found["tokenizer_class"] = "PreTrainedTokenizerFast"
    extra = found.pop("extra_special_tokens", None)
    if isinstance(extra, dict):
        found["extra_special_tokens"] = extra
    elif extra:
        found["additional_special_tokens"] = extra
    found.setdefault("padding_side", "right")  # As it was trained; some classes of transformers pad on the left.
    found["model_max_length"] = max_length
    return found


def special_tokens_map(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`special_tokens_map.json`, which transformers 5 no longer writes: each special token that is set."""
    names = (*_SPECIAL_TOKENS, "additional_special_tokens")
    return {name: settings[name] for name in names if settings.get(name)}
