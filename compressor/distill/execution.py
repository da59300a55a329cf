"""How a model's steps are executed while it trains: with which attention, with activations kept or computed again, as
Python or compiled, in which memory."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from compressor.distill.freed_memory import freed_memory_kept
from compressor.errors import RecipeError, StageError, TargetUnavailable
from compressor.home import home

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from compressor.recipe.training import TrainingSection

__all__ = ["assert_executable", "executed"]

_PLAIN_UP_TO = 128
"""Tokens. Plain attention keeps a square of the length for each head, which longer texts don't have the memory for."""
_COMPILERS = {"darwin": "clang++", "win32": "cl"}
"""System -> what `torch.compile` calls there, where `CXX` names nothing; elsewhere g++."""


def assert_executable(section: TrainingSection, model: PreTrainedModel) -> None:
    """Before anything is trained, whether model and machine can do what the section asks.

    Raises:
        RecipeError: the architecture can't compute activations again.
        TargetUnavailable: there is no C++ compiler.
    """
    if section.gradient_checkpointing and not model.supports_gradient_checkpointing:
        raise RecipeError(
            f"gradient_checkpointing is set, and transformers has none for the architecture {model.config.model_type}.",
            hint="Leave it out; a smaller batch_size with gradient_accumulation takes less memory too.",
        )
    compiler = os.environ.get("CXX", _COMPILERS.get(sys.platform, "g++"))
    if section.compile and shutil.which(compiler) is None:
        raise TargetUnavailable(
            f"compile is set, and torch.compile finds no C++ compiler here: there is no `{compiler}`.",
            hint="Install one, name it in the environment variable CXX, or leave compile out.",
        )


@contextmanager
def executed(section: TrainingSection, model: PreTrainedModel, device: str, longest: int) -> Iterator[None]:
    """While a model is trained on a device, on rows of up to `longest` tokens. Names and values of its weights stay as
    they are.

    Raises:
        StageError: the model can't be compiled.
    """
    if section.gradient_checkpointing:
        model.activation_checkpointing_enable()
    if section.compile:
        # By itself torch keeps what it compiled among temporary files, which go with the command.
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(home() / "compiled"))
        model.compile(dynamic=True)  # batches differ in length
    explained = _failures_explained(model.config.model_type) if section.compile else nullcontext()
    plain = _plain_attention(model) if device == "cpu" and longest <= _PLAIN_UP_TO else nullcontext()
    kept = freed_memory_kept() if device == "cpu" else nullcontext()
    try:
        with explained, plain, kept:
            yield
    finally:
        if section.gradient_checkpointing:
            model.activation_checkpointing_disable()


@contextmanager
def _plain_attention(model: PreTrainedModel) -> Iterator[None]:
    """Attention as matrix products and a softmax: on a CPU, PyTorch's fused one is slow backwards for short texts."""
    before = model.config._attn_implementation
    if before != "sdpa" or not model._can_set_attn_implementation():
        yield
        return
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextmanager
def _failures_explained(architecture: str) -> Iterator[None]:
    from torch._dynamo.exc import TorchDynamoException  # loads the compiler

    try:
        yield
    except TorchDynamoException as error:
        said = str(error).strip().partition("\n")[0]
        raise StageError(
            f"torch.compile failed for the architecture {architecture}: {said}",
            hint="Leave compile out. If a training was killed while it compiled, remove what it left: the folder that "
            f"TORCHINDUCTOR_CACHE_DIR names, else {home() / 'compiled'}.",
        ) from error
