"""Causal language models, read from checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.errors import SourceError
from compressor.tasks import quiet_transformers
from compressor.tasks.models.checkpoint import refusals_explained

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["load_language_model"]


def load_language_model(folder: Path, *, trust_remote_code: bool) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Model (fp32, eval mode) and tokenizer, which pads and cuts on the left: what follows a prompt goes on at its end.

    Raises:
        SourceError: the folder holds none. UnsafeSource: it comes as Python code that isn't trusted.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings: dict[str, Any] = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    with quiet_transformers(), refusals_explained(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, **settings)
        model, loaded = AutoModelForCausalLM.from_pretrained(
            folder, dtype="float32", use_safetensors=True, output_loading_info=True, **settings
        )
    if missing := sorted(loaded["missing_keys"]):
        raise SourceError(
            f"{folder} is not a causal language model: it lacks {', '.join(missing[:3])}.",
            hint="Take a checkpoint that was trained to write text, for example GPT-2.",
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise SourceError(f"The tokenizer in {folder} has neither a padding nor an end token.")
    tokenizer.padding_side = tokenizer.truncation_side = "left"
    return model.eval(), tokenizer
