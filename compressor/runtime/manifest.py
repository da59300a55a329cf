"""`manifest.json`: what a bundle is, and the digest of every file in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PureWindowsPath
from typing import Any

from compressor.errors import BundleError
from compressor.json_file import read_object
from compressor.runtime.tasks import runtime_task
from compressor.task_specs import TASK_SPECS, task_spec

__all__ = ["MANIFEST", "SCHEMA_VERSION", "SIGNATURE", "FileDigest", "Manifest", "TextGraph", "Unsure", "digest"]

MANIFEST = "manifest.json"
SIGNATURE = f"{MANIFEST}.sig"
"""Beside it, where the bundle is signed."""
SCHEMA_VERSION = 1
MAX_LENGTH = 1 << 24
"""Tokens. Far above any model's positions, and small enough for every library that is told."""


@dataclass(frozen=True)
class FileDigest:
    """A file as it was sealed."""

    size: int
    sha256: str


@dataclass(frozen=True)
class TextGraph:
    """The file that takes texts: a variant with the tokenizer in its graph."""

    file: str
    variant: str
    strings: int
    """Difficult strings that its tokens were compared for with those of `tokenizer.json`."""
    differing: int
    """How many of them it cuts otherwise."""
    first: str
    """The first of these; empty where there is none."""


@dataclass(frozen=True)
class Unsure:
    """Which answers are called unsure, chosen on validation."""

    threshold: float | None
    """Probability of the answered label below which it is; None where none keeps the promise, and answers don't say."""
    promise: str
    """`wrong <= 0.05`, or `answered >= 0.9`."""
    variant: str
    """The one whose answers it was chosen by."""
    splits: dict[str, dict[str, Any]] = field(default_factory=dict)
    """`validation` and `test` -> `n` texts, the share `answered`, and what share of these is `wrong`: null of none."""


@dataclass(frozen=True)
class Manifest:
    """Everything the runtime must know to answer, and to tell that nothing was changed."""

    name: str
    task: str
    labels: tuple[str, ...]
    max_length: int
    """In tokens; longer texts are cut."""
    pairs: bool
    """Whether an input is a pair of texts."""
    variants: dict[str, str]
    """Variant -> its file in the bundle."""
    default: str
    """The variant that answers unless another is asked for."""
    files: dict[str, FileDigest]
    """Every file but the manifest."""
    versions: dict[str, str] = field(default_factory=dict)
    """Libraries that made the bundle."""
    gates: tuple[dict[str, Any], ...] = ()
    """The recipe's gates and their verdicts."""
    passed: bool = True
    """Whether every gate held."""
    planted: int = 0
    """Random texts that were planted among the training texts, to measure what is learned by heart: a bundle with any
    is not for use."""
    created: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    """What the task needs beside the labels: thresholds, for example."""
    precisions: dict[str, str] = field(default_factory=dict)
    """Variant -> precision of its weights: `fp32`, `int8`. Where it is left out, the variant's name says it."""
    calibration: dict[str, Any] = field(default_factory=dict)
    """`temperature`, by which the student's logits are divided already (`applied`: it is in the weights of every
    variant), and log loss and expected calibration error on validation `before` and `after`. Empty where it wasn't
    calibrated."""
    text_graph: TextGraph | None = None
    ort_files: dict[str, str] = field(default_factory=dict)
    """Variant -> the same graph in ONNX Runtime's own format, where the bundle has it."""
    unsure: Unsure | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def unsure_below(self) -> float | None:
        """Probability below which an answer is called unsure; None: answers don't say."""
        return None if self.unsure is None else self.unsure.threshold

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the texts that an example has, in the order the model reads them."""
        spec = runtime_task(self.task).spec
        required = tuple(role for role in spec.text_roles if role in spec.roles)
        return spec.text_roles[: max(len(required), 1 + self.pairs)]

    def precision_of(self, variant: str) -> str:
        """Precision of a variant's weights."""
        return self.precisions.get(variant, variant)

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into the bundle."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a bundle.

        Raises:
            BundleError: the folder is not a bundle, is of a newer version, or names files outside itself.
        """
        path = folder / MANIFEST
        try:
            if not path.is_file():
                raise BundleError(
                    f"{folder} is not a bundle: it has no {MANIFEST}.",
                    hint="`compressor run` writes one to runs/<name>/bundle.",
                )
            data = read_object(path)
            version = int(data["schema_version"])
            if version > SCHEMA_VERSION:
                raise BundleError(
                    f"{path} is of version {version}; this compressor reads up to {SCHEMA_VERSION}.",
                    hint="pip install --upgrade compressor",
                )
            manifest = cls._from_json(data)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise BundleError(f"{path} can't be read: {error}", hint="Copy the bundle again.") from error
        if wrong := manifest._inconsistency():
            raise BundleError(f"{path} {wrong}", hint="Copy the bundle again.")
        return manifest

    @classmethod
    def _from_json(cls, data: dict[str, Any]) -> Manifest:
        """What another writer of this version adds is left out."""
        known = {key: data[key] for key in (found.name for found in fields(cls)) if key in data}
        checked = {
            **{name: str(data[name]) for name in ("name", "task", "default")},
            "pairs": bool(data["pairs"]),
            "labels": tuple(map(str, data["labels"])),
            "max_length": int(data["max_length"]),
            "variants": {str(variant): str(name) for variant, name in data["variants"].items()},
            "files": {name: FileDigest(int(of["size"]), str(of["sha256"])) for name, of in data["files"].items()},
            "gates": tuple(data.get("gates", ())),
            "planted": int(data.get("planted", 0)),
            "options": dict(data.get("options", {})),
            "precisions": dict(data.get("precisions", {})),
            "calibration": dict(data.get("calibration", {})),
            "text_graph": _text_graph(data.get("text_graph")),
            "unsure": _unsure(data.get("unsure")),
            "ort_files": {str(variant): str(name) for variant, name in data.get("ort_files", {}).items()},
        }
        return cls(**(known | checked))

    def _inconsistency(self) -> str | None:
        """What no bundle says, as the end of a sentence."""
        texts = [self.text_graph.file] if self.text_graph else []
        for name in (*self.files, *self.variants.values(), *self.ort_files.values(), *texts):
            if not _is_inside(name):
                return f"names a file outside the bundle: {name}"
        if not 1 <= self.max_length <= MAX_LENGTH:
            return "leaves no room for a text."
        known = self.task in TASK_SPECS.names
        if known and not self.labels and task_spec(self.task).named_outputs:
            return "has no labels."
        if self.default not in self.variants:
            return f"has no file for its default variant {self.default!r}."
        if self.unsure_below is not None and not 0 <= self.unsure_below <= 1:
            return "has an unsure threshold that is no probability."
        if self.text_graph and self.text_graph.variant not in self.variants:
            return f"has a file that takes texts of an unknown variant {self.text_graph.variant!r}."
        if unknown := self.ort_files.keys() - self.variants.keys():
            return f"has an .ort file of a variant that it hasn't: {', '.join(sorted(unknown))}."
        return None

    def file_of(self, variant: str | None) -> str:
        """The file of a variant, or of the default one.

        Raises:
            BundleError: the bundle has no such variant.
        """
        name = variant or self.default
        if name not in self.variants:
            raise BundleError(f"The bundle has no variant {name!r}.", hint=f"It has: {', '.join(self.variants)}.")
        return self.variants[name]

    def damage(self, folder: Path) -> Iterator[str]:
        """What differs between the files and their digests, a sentence each."""
        texts = [self.text_graph.file] if self.text_graph else []
        models = (*self.variants.values(), *self.ort_files.values(), *texts)
        yield from (f"{name} has no digest" for name in models if name not in self.files)
        for name, sealed in self.files.items():
            path = folder / name
            try:
                if not path.is_file():
                    yield f"{name} is missing"
                elif path.stat().st_size != sealed.size or digest(path).sha256 != sealed.sha256:
                    yield f"{name} has changed"
            except OSError as error:
                yield f"{name} can't be read ({error.strerror})"


def _text_graph(data: Any) -> TextGraph | None:
    if data is None:
        return None
    names = {name: str(data[name]) for name in ("file", "variant", "first")}
    return TextGraph(**names, strings=int(data["strings"]), differing=int(data["differing"]))


def _unsure(data: Any) -> Unsure | None:
    if data is None:
        return None
    threshold = data["threshold"]
    splits = {str(name): dict(found) for name, found in data.get("splits", {}).items()}
    return Unsure(
        None if threshold is None else float(threshold),
        str(data.get("promise", "")),
        str(data.get("variant", "")),
        splits,
    )


def _is_inside(name: str) -> bool:
    """Whether a file name stays in the folder it is resolved in, on any operating system."""
    path = PureWindowsPath(name)  # Reads both kinds of slashes, drives too.
    return bool(path.parts) and not path.anchor and ".." not in path.parts


def digest(path: Path) -> FileDigest:
    """Size and sha256 of a file."""
    with path.open("rb") as file:
        return FileDigest(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
