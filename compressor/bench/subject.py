"""What is measured: a model file with its tokenizer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from compressor.bench.results import Size
from compressor.bench.weights import megabytes, onnx_files, onnx_parameters, safetensors_parameters
from compressor.errors import BundleError
from compressor.json_file import BadJson, read_object
from compressor.runtime.manifest import MANIFEST, Manifest
from compressor.runtime.options import read_options
from compressor.runtime.tasks import Settings, runtime_task
from compressor.task_specs import task_of_config, task_spec

__all__ = ["Subject", "answer_settings", "position_limit", "roles_of", "samples_for", "subjects_from"]

Precision = Literal["fp32", "bf16"]

DEFAULT_MAX_LENGTH = 128
DEPLOYED = (MANIFEST, "config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")
"""What a device needs beside the weights."""
POSITIONS = ("max_position_embeddings", "n_positions")
"""What models call the number of their positions; the second is GPT-2's."""
COUNT_FROM_PADDING = ("camembert", "data2vec-text", "ibert", "longformer", "mpnet", "roberta", "xlm-roberta", "xmod")
"""Models that give their first token the position after the padding's: the positions up to there hold no text. Source:
`create_position_ids_from_input_ids` in transformers/models/roberta/modeling_roberta.py, and its copies."""
GIVE = "Give runs/<name>/bundle, a .onnx file, or a model folder with *.safetensors."


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
    precision: Precision = "fp32"
    """Of a PyTorch reference; an ONNX file has its own."""

    @property
    def size(self) -> Size:
        """What it weighs, counted where it isn't known."""
        if self.engine == "torch":
            files, count = sorted(self.folder.glob("*.safetensors")), safetensors_parameters
        else:
            files, count = onnx_files(self.folder / self.file), _parameters_of_first
        beside = [path for path in (self.folder / name for name in DEPLOYED) if path.is_file()]
        return Size(
            model_mb=megabytes(files),
            parameters=count(files) if self.parameters is None else self.parameters,
            deployed_mb=megabytes([*files, *beside]),
        )


def subjects_from(
    path: Path, variants: Sequence[str] | None = None, *, precision: Precision | None = None
) -> list[Subject]:
    """The variants of a bundle; or one ONNX file with the tokenizer beside it or one folder up; or a PyTorch model
    folder (config.json, *.safetensors, tokenizer.json).

    Args:
        precision: what a PyTorch model computes in; left out, fp32.

    Raises:
        BundleError: it is none of these, or without a variant that was asked for, or has a precision of its own.
    """
    if not os.path.exists(path):  # noqa: PTH110  # Path.exists raises for a name that is too long
        raise BundleError(f"{path} is not there.", hint=GIVE)
    if (path / MANIFEST).is_file():
        _refuse(path, precision=precision)
        manifest = Manifest.read(path)
        names = variants or list(manifest.variants)
        return [
            Subject(name, "onnxruntime", path, manifest.max_length, manifest.task, file=manifest.file_of(name))
            for name in names
        ]
    if variants:
        raise BundleError(f"{path} has no variants to choose from: it is one model.", hint="Leave --variant out.")
    if path.is_dir() and not (path / "model.onnx").is_file() and any(path.glob("*.safetensors")):
        return [_torch(path, precision or "fp32")]
    file = path / "model.onnx" if path.is_dir() else path
    if file.suffix != ".onnx" or not file.is_file():
        raise BundleError(f"{path} is neither a bundle nor an ONNX file nor a model folder.", hint=GIVE)
    _refuse(path, precision=precision)
    return [_bare(file)]


def position_limit(folder: Path) -> int | None:
    """Tokens a model has positions for, by its `config.json`; None where that tells nothing."""
    config = _config(folder)
    found = (config.get(name) for name in POSITIONS)
    limit = next((limit for limit in found if isinstance(limit, int) and limit > 0), None)
    if limit is not None and config.get("model_type") in COUNT_FROM_PADDING:
        padding = config.get("pad_token_id")
        limit -= (padding if isinstance(padding, int) else 0) + 1
    return limit


def answer_settings(subject: Subject) -> Settings:
    """What post-processing needs: a bundle's manifest tells it, else `config.json` and the options beside the model."""
    if (subject.folder / MANIFEST).is_file():
        manifest = Manifest.read(subject.folder)
        return Settings(manifest.labels, manifest.options, manifest.unsure_below)
    names = _config(subject.folder).get("id2label") or {}
    labels = tuple(str(names[key]) for key in sorted(names, key=int)) if isinstance(names, dict) else ()
    return Settings(labels if task_spec(subject.task).named_outputs else (), read_options(subject.folder))


def roles_of(subject: Subject) -> tuple[str, ...]:
    """Roles of the texts that an example has: those of the bundle, else those that the task requires."""
    if (subject.folder / MANIFEST).is_file():
        return Manifest.read(subject.folder).roles
    spec = task_spec(subject.task)
    return tuple(role for role in spec.text_roles if role in spec.roles)


def samples_for(subject: Subject) -> list[dict[str, str]]:
    """Sentences that come with the program, as examples of the subject's task."""
    return runtime_task(subject.task).samples(roles_of(subject))


def _refuse(path: Path, *, precision: Precision | None) -> None:
    if precision is not None:
        raise BundleError(
            f"{path} has a precision of its own.", hint="Leave --precision out; it is for PyTorch model folders."
        )


def _torch(folder: Path, precision: Precision) -> Subject:
    """A PyTorch model that nothing but its `config.json` describes."""
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise BundleError(f"There is no {name} in {folder}.", hint="Give a folder as save_pretrained writes it.")
    name = folder.resolve().name or "model"
    return Subject(name, "torch", folder, _max_length(folder), task_of_config(_config(folder)), precision=precision)


def _bare(file: Path) -> Subject:
    """An ONNX file that nothing but a `config.json` beside it describes."""
    folder = next((parent for parent in (file.parent, file.parent.parent) if _has_tokenizer(parent)), None)
    if folder is None:
        raise BundleError(
            f"There is no tokenizer.json beside {file}.", hint="Put the model's tokenizer.json into its folder."
        )
    name = file.relative_to(folder).as_posix()
    return Subject(file.stem, "onnxruntime", folder, _max_length(folder), task_of_config(_config(folder)), file=name)


def _parameters_of_first(files: Sequence[Path]) -> int | None:
    return onnx_parameters(files[0]) if files else None


def _config(folder: Path) -> dict[str, Any]:
    """The model's `config.json`; a bare ONNX file may be without."""
    try:
        return read_object(folder / "config.json")
    except BadJson:
        return {}


def _has_tokenizer(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file()


def _max_length(folder: Path) -> int:
    """The model's position limit where its config tells, but not more than is usual for a text."""
    return min(DEFAULT_MAX_LENGTH, position_limit(folder) or DEFAULT_MAX_LENGTH)
