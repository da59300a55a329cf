"""Refuse a model folder that would run or unpickle foreign code, or that isn't whole."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from compressor.errors import MissingExtra, SourceError, UnsafeSource

__all__ = ["HOW_TO_CONVERT", "check_model_folder", "is_pickle"]

# weights_only: torch then unpickles tensors and nothing else.
HOW_TO_CONVERT = (
    'Convert it once: python -c "import torch; from safetensors.torch import save_file; '
    "weights = torch.load('pytorch_model.bin', weights_only=True, map_location='cpu'); "
    "save_file({name: t.clone().contiguous() for name, t in weights.items()}, 'model.safetensors', {'format': 'pt'})\""
)
INDEX = "model.safetensors.index.json"


def is_pickle(name: str) -> bool:
    """Whether a file of this name holds weights that are read with pickle."""
    path = PurePosixPath(name)
    return path.suffix in {".pt", ".pth", ".ckpt"} or (path.suffix == ".bin" and path.name.startswith("pytorch_model"))


def check_model_folder(folder: Path, *, trust_remote_code: bool) -> None:
    """Check, before anything of it is loaded, that `folder` is a whole model folder with safetensors weights.

    Raises:
        UnsafeSource: the weights are only there as pickle, or the model brings Python code that isn't trusted.
        SourceError: the configuration or the weights are missing, cut short or unreadable.
    """
    if not (folder / "config.json").is_file():
        raise _no_config(folder)
    for name in ("config.json", "tokenizer_config.json"):
        if not trust_remote_code and (brought := _code_in(folder / name)):
            raise UnsafeSource(
                f"{folder / name} asks to run Python code that comes with the model ({brought}).",
                hint="If you have read that code and trust it, set `trust_remote_code: true` beside the model.",
            )
    for path in _weights(folder):
        _check_safetensors(path)


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
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} can't be read: {error}.", hint="Get the model again.") from error
    if not isinstance(content, dict):
        raise SourceError(f"{path} is not a JSON object.", hint="Get the model again.")
    return content


def _code_in(path: Path) -> str:
    """The code a configuration file names: `auto_map` (classes) and `custom_pipelines`; empty if none."""
    if not path.is_file():
        return ""
    content = _read_json(path)
    return ", ".join(
        f"{key}: {json.dumps(content[key])}" for key in ("auto_map", "custom_pipelines") if content.get(key)
    )


def _weights(folder: Path) -> list[Path]:
    """The safetensors files `from_pretrained` will read: one, or the shards of an index."""
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if (folder / INDEX).is_file():
        weight_map = _read_json(folder / INDEX).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise SourceError(f"{folder / INDEX} names no weights.", hint="Get the model again.")
        shards = [folder / str(name) for name in sorted(set(weight_map.values()))]
        if missing := [shard.name for shard in shards if not shard.is_file()]:
            raise SourceError(f"Weights are missing in {folder}: {', '.join(missing)}.", hint="Get the model again.")
        return shards
    names = sorted(path.name for path in folder.iterdir())
    if pickles := [name for name in names if is_pickle(name)]:
        raise UnsafeSource(
            f"{folder} has its weights only as pickle ({', '.join(pickles[:3])}): loading them can run any code.",
            hint=HOW_TO_CONVERT,
        )
    raise SourceError(
        f"There are no weights in {folder}: neither model.safetensors nor {INDEX}.",
        hint=f"It holds {', '.join(names[:10])}.",
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
