"""Turn a GGUF file into an ordinary checkpoint, so that nothing else has to know the format."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from pathlib import Path

from compressor.errors import MissingExtra, SourceError
from compressor.events import Events
from compressor.home import home
from compressor.sources.digest import file_sha256
from compressor.sources.disk import partial_folder, publish, writing
from compressor.tasks import quiet_transformers
from compressor.tasks.models.checkpoint import refusals_explained

__all__ = ["checkpoint_of_gguf"]


def checkpoint_of_gguf(file: Path, events: Events) -> Path:
    """A folder with the weights as fp32 safetensors and the tokenizer, kept in `home()` under the digest of the file.

    Raises:
        MissingExtra: the package gguf isn't installed. SourceError: the file holds no causal language model.
    """
    kept = home() / "downloads" / "gguf" / file_sha256(file)
    if _is_whole(kept):
        return kept
    if find_spec("gguf") is None:
        raise MissingExtra(f"Reading {file.name}", "gguf")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    events.note(f"{file.name}: reading quantized weights, once.")
    with writing(kept.parent), partial_folder(kept.parent) as temporary:
        new = temporary / "checkpoint"
        # transformers draws a progress bar of its own, whatever it is told.
        with quiet_transformers(), _damage_explained(file), redirect_stderr(io.StringIO()):
            tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(
                file.parent, gguf_file=file.name, dtype="float32", local_files_only=True
            )
            # Weights are plain numbers by now; the mark that they came quantized would keep them from being saved.
            model.hf_quantizer.remove_quantization_config(model)
            tokenizer.save_pretrained(new)
            model.save_pretrained(new)
        publish(new, kept, _is_whole)
    return kept


def _is_whole(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


@contextmanager
def _damage_explained(file: Path) -> Iterator[None]:
    """Turn what is raised for a file that can't be read into `SourceError`."""
    try:
        with refusals_explained(file.parent):
            yield
    except (struct.error, UnicodeDecodeError, MemoryError) as error:
        raise SourceError(f"{file} is cut short or damaged: {error}.", hint="Get the model again.") from error
