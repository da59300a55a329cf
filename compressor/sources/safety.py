"""Refuse a model folder that would run or unpickle foreign code, or that isn't whole."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

from compressor.errors import MissingExtra, SourceError, UnsafeSource, listed, shortened
from compressor.json_file import MAX_BYTES, BadJson, read_object
from compressor.sources.model_config import MOST_TOKENS, foreign_code, unusable

__all__ = ["HOW_TO_CONVERT", "check_model_folder", "check_what_pytorch_loads", "is_pickle"]

# weights_only: torch then unpickles tensors and nothing else.
HOW_TO_CONVERT = (
    'Convert it once: python -c "import torch; from safetensors.torch import save_file; '
    "weights = torch.load('pytorch_model.bin', weights_only=True, map_location='cpu'); "
    "save_file({name: t.clone().contiguous() for name, t in weights.items()}, 'model.safetensors', {'format': 'pt'})\""
)
INDEX = "model.safetensors.index.json"
CONFIG = "config.json"
READ_BY_TRANSFORMERS = (
    CONFIG,
    "tokenizer_config.json",
    "generation_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
READ_WHOLE = (
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "chat_template.jinja",
)
"""Of tokenizers, beside JSON."""
ADAPTER = "adapter_config.json"


def is_pickle(name: str) -> bool:
    """Whether a file of this name holds weights that are read with pickle."""
    path = PurePosixPath(name)
    return path.suffix in {".pt", ".pth", ".ckpt"} or (path.suffix == ".bin" and path.name.startswith("pytorch_model"))


def check_model_folder(folder: Path, *, trust_remote_code: bool, gguf_file: str | None = None) -> None:
    """Check, before anything of it is loaded, that `folder` is a whole model folder with safetensors weights.

    With `gguf_file` it is a folder with this file, which holds configuration, weights and tokenizer, and no code.

    Raises:
        UnsafeSource: the weights are only there as pickle, or the model brings or names Python code that isn't trusted.
        SourceError: the configuration or the weights are missing, cut short or unreadable, or no model can have the
            sizes that the configuration gives.
    """
    if gguf_file is not None:
        _check_gguf(folder, gguf_file)
    elif not (folder / CONFIG).is_file():
        raise _no_config(folder)
    if (folder / ADAPTER).is_file():
        raise SourceError(
            f"{folder} holds an adapter beside its model ({ADAPTER}), which would be left out.",
            hint="Merge it into the weights first (peft: merge_and_unload, save_pretrained), or take the file away.",
        )
    _check_files(folder)
    for path in (folder / name for name in READ_BY_TRANSFORMERS):
        if path.is_file():
            _check_settings(path, trust_remote_code)
    for path in (folder / name for name in ("tokenizer.json", "vocab.json", "added_tokens.json")):
        if path.is_file():
            _check_vocabulary(path)
    for path in () if gguf_file is not None else _weights(folder):
        _check_safetensors(path)


def check_what_pytorch_loads(path: Path) -> None:
    """`check_model_folder` for a path that a user gave, where it is a PyTorch model folder; anything else passes."""
    # os.path.isdir, because Path.is_dir raises for a name that is too long.
    if os.path.isdir(path) and not (path / "model.onnx").is_file() and any(path.glob("*.safetensors")):  # noqa: PTH112
        check_model_folder(path, trust_remote_code=False)


def _check_files(folder: Path) -> None:
    """Refuse what libraries would wait for, or read whole into memory, because of its name alone."""
    for path in sorted(folder.iterdir()):
        if not path.exists() or path.is_dir():
            continue
        if not path.is_file():
            raise SourceError(f"{path} is not a plain file.", hint="Get the model again.")
        if (path.name in READ_WHOLE or path.suffix == ".json") and path.stat().st_size > MAX_BYTES:
            raise SourceError(f"{path} is larger than {MAX_BYTES >> 20} MiB.", hint="Get the model again.")


def _check_gguf(folder: Path, name: str) -> None:
    path = folder / name
    if PurePosixPath(name).name != name or not path.is_file():
        there = sorted(found.name for found in folder.glob("*.gguf")) if folder.is_dir() else []
        raise SourceError(
            f"There is no GGUF file {name!r} in {folder}.",
            hint=f"It has {', '.join(there[:5])}." if there else "Give the folder that holds it.",
        )
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise SourceError(f"{path} is no GGUF file: it doesn't begin like one.", hint="Get the model again.")


def _no_config(folder: Path) -> SourceError:
    if not folder.is_dir():
        return SourceError(f"{folder} is not a folder with a model.", hint="Give the folder that holds config.json.")
    inner = sorted(path.parent.name for path in folder.glob("*/config.json"))
    within = f" There is one in {', '.join(inner[:3])}." if inner else ""
    return SourceError(
        f"{folder} is not a model folder: there is no config.json in it.{within}",
        hint="Give the folder that holds config.json, model.safetensors and the tokenizer.",
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except BadJson as error:
        raise SourceError(f"{path} can't be read: {error}.", hint="Get the model again.") from error


def _check_settings(path: Path, trust_remote_code: bool) -> None:
    """Refuse what a file says about code to run; in `config.json`, also sizes that no model has."""
    settings = _read_json(path)
    if not trust_remote_code and (named := foreign_code(settings)):
        raise UnsafeSource(
            f"{path} asks to run Python code that comes with the model or from a hub ({named}).",
            hint="If you have read that code and trust it, set `trust_remote_code: true` beside the model.",
        )
    # Code that is trusted may mean what it likes by a name.
    own = trust_remote_code and settings.get("auto_map")
    if path.name == CONFIG and not own and (fault := unusable(settings)):
        raise SourceError(f"{path} describes no model that can be built: {fault}.", hint="Get the model again.")


def _check_vocabulary(path: Path) -> None:
    """Refuse numbers that no token has: writing a tokenizer takes memory for each number up to the largest."""
    content = _read_json(path)
    model, added = content.get("model"), content.get("added_tokens")
    vocabulary = (model.get("vocab") if isinstance(model, dict) else None) if path.name == "tokenizer.json" else content
    numbers = [*vocabulary.values()] if isinstance(vocabulary, dict) else []
    numbers += [token.get("id") for token in added if isinstance(token, dict)] if isinstance(added, list) else []
    largest = max((number for number in numbers if isinstance(number, int)), default=0)
    if largest > MOST_TOKENS:
        raise SourceError(
            f"{path} gives a token the number {shortened(str(largest))}; no vocabulary is so large.",
            hint="Get the model again.",
        )


def _weights(folder: Path) -> list[Path]:
    """The safetensors files `from_pretrained` will read: one, or the shards of an index."""
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if (folder / INDEX).is_file():
        weight_map = _read_json(folder / INDEX).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise SourceError(f"{folder / INDEX} names no weights.", hint="Get the model again.")
        shards = sorted({str(name) for name in weight_map.values()})
        present = {path.name for path in folder.iterdir() if path.is_file()}
        if missing := [name for name in shards if name not in present]:
            raise SourceError(f"Weights are missing in {folder}: {listed(missing)}.", hint="Get the model again.")
        return [folder / name for name in shards]
    names = sorted(path.name for path in folder.iterdir())
    if pickles := [name for name in names if is_pickle(name)]:
        raise UnsafeSource(
            f"{folder} has its weights only as pickle ({', '.join(pickles[:3])}): loading them can run any code.",
            hint=HOW_TO_CONVERT,
        )
    raise SourceError(
        f"There are no weights in {folder}: neither model.safetensors nor {INDEX}.",
        hint=f"It holds {listed(names)}.",
    )


def _check_safetensors(path: Path) -> None:
    """Read the header, which tells a file that was cut short or is a Git LFS pointer; the weights stay unread."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingExtra(f"Reading {path.name}", "toolkit", "safetensors") from error
    try:
        with safe_open(path, framework="numpy"):
            return
    except (SafetensorError, OSError) as error:
        pointer = path.stat().st_size < 1024 and path.read_bytes().startswith(b"version https://git-lfs")
        hint = "It is a Git LFS pointer: run `git lfs pull` in its repository." if pointer else "Get the model again."
        raise SourceError(f"{path} is not a whole safetensors file: {error}.", hint=hint) from error
