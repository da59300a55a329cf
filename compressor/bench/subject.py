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
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of a PyTorch reference; an ONNX file has its own."""

    @property
    def size(self) -> Size:
        """Size of the weights on disk."""
        if self.engine == "torch":
            files = list(self.folder.glob("*.safetensors"))
        else:
            files = [path for path in (self.folder / self.file, self.folder / f"{self.file}.data") if path.exists()]
        return Size(model_mb=sum(path.stat().st_size for path in files) / 1e6, parameters=self.parameters)


def subjects_from(path: Path, variants: Sequence[str] | None = None) -> list[Subject]:
    """The variants of a bundle, or one ONNX file with the tokenizer beside it or one folder up.

    Raises:
        BundleError: neither, or without a variant that was asked for.
    """
    if not path.exists():
        raise BundleError(f"{path} is not there.", hint="Give runs/<name>/bundle or a .onnx file.")
    if (path / MANIFEST).is_file():
        manifest = Manifest.read(path)
        names = variants or list(manifest.variants)
        return [
            Subject(name, "onnxruntime", path, manifest.max_length, manifest.task, file=manifest.file_of(name))
            for name in names
        ]
    file = path / "model.onnx" if path.is_dir() else path
    if file.suffix != ".onnx" or not file.is_file():
        raise BundleError(f"{path} is neither a bundle nor an ONNX file.", hint="Give runs/<name>/bundle or a .onnx.")
    if variants:
        raise BundleError(f"{path} has no variants to choose from: it is one ONNX file.", hint="Leave --variant out.")
    return [_bare(file)]


def _bare(file: Path) -> Subject:
    """An ONNX file that nothing describes: taken for a text classifier."""
    folder = next((parent for parent in (file.parent, file.parent.parent) if _has_tokenizer(parent)), None)
    if folder is None:
        raise BundleError(
            f"There is no tokenizer.json beside {file}.", hint="Put the model's tokenizer.json into its folder."
        )
    name = file.relative_to(folder).as_posix()
    return Subject(file.stem, "onnxruntime", folder, _max_length(folder), "text-classification", file=name)


def _has_tokenizer(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file()


def _max_length(folder: Path) -> int:
    """The model's position limit where its config tells, but not more than is usual for a text."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return DEFAULT_MAX_LENGTH
    return min(DEFAULT_MAX_LENGTH, int(config.get("max_position_embeddings") or DEFAULT_MAX_LENGTH))
