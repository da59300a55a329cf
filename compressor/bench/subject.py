"""What is measured: a model file with its tokenizer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from compressor.bench.results import Size
from compressor.errors import BundleError
from compressor.runtime.manifest import MANIFEST, Manifest

__all__ = ["Subject", "subjects_from"]

DEFAULT_MAX_LENGTH = 128


@dataclass(frozen=True)
class Subject:
    """A variant, or a PyTorch reference."""

    name: str
    engine: Literal["onnxruntime", "torch"]
    folder: Path
    """Holds the tokenizer, and the model."""
    max_length: int
    task: str
    parameters: int | None = None
    file: str = "model.onnx"
    """The ONNX file, relative to the folder."""
    trust_remote_code: bool = False

    @property
    def size(self) -> Size:
        """Size of the weights on disk."""
        if self.engine == "torch":
            files = list(self.folder.glob("*.safetensors"))
        else:
            files = [path for path in (self.folder / self.file, self.folder / f"{self.file}.data") if path.exists()]
        return Size(model_mb=sum(path.stat().st_size for path in files) / 1e6, parameters=self.parameters)


def subjects_from(path: Path, variants: Sequence[str] | None = None) -> list[Subject]:
    """The variants of a bundle, or one ONNX file with the tokenizer beside it.

    Raises:
        BundleError: neither, or without a variant that was asked for.
    """
    if path.is_dir() and (path / MANIFEST).exists():
        manifest = Manifest.read(path)
        names = variants or list(manifest.variants)
        return [
            Subject(name, "onnxruntime", path, manifest.max_length, manifest.task, file=manifest.file_of(name))
            for name in names
        ]
    if path.suffix == ".onnx" and path.is_file():
        folder = next((parent for parent in (path.parent, path.parent.parent) if _has_tokenizer(parent)), None)
        if folder is None:
            raise BundleError(
                f"There is no tokenizer.json beside {path}.", hint="Put the model's tokenizer.json into its folder."
            )
        return [
            Subject(
                path.stem,
                "onnxruntime",
                folder,
                _max_length(folder),
                "text-classification",
                file=path.relative_to(folder).as_posix(),
            )
        ]
    raise BundleError(f"{path} is neither a bundle nor an ONNX file.", hint="Give runs/<name>/bundle or a .onnx file.")


def _has_tokenizer(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file()


def _max_length(folder: Path) -> int:
    """The model's position limit where its config tells, but not more than is usual for a text."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return DEFAULT_MAX_LENGTH
    return min(DEFAULT_MAX_LENGTH, int(config.get("max_position_embeddings") or DEFAULT_MAX_LENGTH))
