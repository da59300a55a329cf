"""The vectors that a model reads a text's tokens as, and the same text answered with others in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from compressor.errors import StageError

__all__ = ["run_with_embeddings", "word_embeddings"]


def word_embeddings(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """What the model's table of word embeddings has for tokens [batch, sequence]: [batch, sequence, width].

    Raises:
        StageError: the architecture has no such table.
    """
    vectors: torch.Tensor = _table(model)(tokens)
    return vectors


def run_with_embeddings(model: Any, inputs: Mapping[str, torch.Tensor], vectors: torch.Tensor) -> Any:
    """What the model's `forward` returns for these inputs, with `vectors` [batch, sequence, width] as their word
    embeddings.

    The table's output is replaced while the model runs, in place of `inputs_embeds`: with these, decoders read a
    text's answer at the end of the batch, padding or not, and a model without layers takes none.

    Raises:
        StageError: the architecture has no table of word embeddings, or doesn't read it.
    """
    replaced: list[torch.Size] = []

    def replace(module: torch.nn.Module, arguments: Any, output: torch.Tensor) -> torch.Tensor:
        replaced.append(output.shape)
        return vectors

    hook = _table(model).register_forward_hook(replace)
    try:
        output = model(**inputs)
    finally:
        hook.remove()
    if replaced != [vectors.shape]:
        raise _no_table(model)
    return output


def _table(model: Any) -> Any:
    try:
        return model.get_input_embeddings()
    except NotImplementedError as error:
        raise _no_table(model) from error


def _no_table(model: Any) -> StageError:
    return StageError(
        f"Texts can't be changed inside a model of architecture {model.config.model_type}: where it reads its word "
        "embeddings is unknown.",
        hint="Leave out the objectives that change them: mixup and adversarial.",
    )
