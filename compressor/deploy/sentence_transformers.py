"""What the library sentence-transformers reads beside a model, so that its vectors of texts are those of our runtime.

Without these files it takes the mean of the tokens' vectors and leaves it unscaled. They are spelt as models on hubs
mostly are, with the names of release 2: all later releases read them, and so do other servers of such models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from compressor.runtime.tasks.sentence_embedding import DIMENSIONS, POOLING, POOLINGS
from compressor.tasks.sentence_embedding import MODULES_FILE, POOLING_MODES

__all__ = ["module_files", "write_modules"]

_DENSE_WEIGHTS = "2_Dense/model.safetensors"


def write_modules(out: Path, options: Mapping[str, Any], *, file: str, max_length: int) -> None:
    """Write the files into a bundle whose model gives a vector a token, float32 [batch, sequence, width].

    Args:
        options: how these become a vector a text: `pooling`, `dimensions`.
        file: the default variant's in the bundle.
        max_length: in tokens; longer texts are cut.
    """
    width = _width(out / file)
    files = module_files(options, width=width, file=file, max_length=max_length)
    for name, content in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if (dense := "2_Dense/config.json") in files:
        from safetensors.numpy import save_file

        save_file(
            {"linear.weight": np.eye(files[dense]["out_features"], width, dtype=np.float32)}, out / _DENSE_WEIGHTS
        )


def module_files(options: Mapping[str, Any], *, width: int, file: str, max_length: int) -> dict[str, Any]:
    """File -> its content: the model, the pooling, where `dimensions` are fewer than the `width` of a token's vector a
    dense layer that keeps the first ones, and the scaling to length 1.

    The library's own `truncate_dim` would cut behind the scaling, and its vectors wouldn't be of length 1.
    """
    pooling, kept = options.get(POOLING, POOLINGS[0]), options.get(DIMENSIONS) or width
    modules = {"Transformer": "", "Pooling": "1_Pooling"}
    files: dict[str, Any] = {
        # `model_args` are the library's own options: a caller's come before them.
        "sentence_bert_config.json": {
            "max_seq_length": max_length,
            "do_lower_case": False,
            "model_args": {"file_name": PurePosixPath(file).name},
        },
        "config_sentence_transformers.json": {"prompts": {}, "similarity_fn_name": "cosine"},
        "1_Pooling/config.json": {
            "word_embedding_dimension": width,
            **{key: mode == pooling for key, mode in POOLING_MODES.items()},
        },
    }
    if kept < width:
        modules["Dense"] = "2_Dense"
        files["2_Dense/config.json"] = {
            "in_features": width,
            "out_features": kept,
            "bias": False,
            "activation_function": "torch.nn.modules.linear.Identity",
        }
    modules["Normalize"] = f"{len(modules)}_Normalize"
    files[MODULES_FILE] = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(modules.items())
    ]
    return files


def _width(model: Path) -> int:
    """Of the vectors that an ONNX file gives."""
    import onnx

    (output,) = onnx.load(model).graph.output
    return int(output.type.tensor_type.shape.dim[-1].dim_value)
