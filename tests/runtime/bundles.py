"""Bundles of a model that can be computed by hand, and ways to spoil them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.deploy.bundle import BundlePlan, write_bundle
from compressor.runtime import Encoder
from compressor.runtime.manifest import MANIFEST, digest
from tests import tiny
from tests.bench.models import LABELS, MAX_LENGTH, weights, write_onnx

SHARPER = 1.25
"""The variant int8 answers with the head of fp32 times this: a difference that can be told, and computed."""

TEXTS = [text for text, _ in tiny.reviews(6)]


def write(folder: Path, *, pairs: bool = False) -> Path:
    """A bundle with the variants fp32 and int8, the latter by default."""
    fp32, int8 = write_onnx(folder / "fp32"), write_onnx(folder / "int8")
    _sharpen(int8 / "model.onnx")
    examples = [{"text": text, "text_pair": pair} for text, pair in pairwise(TEXTS)]
    plan = BundlePlan(
        name="tiny",
        task="text-classification",
        labels=LABELS,
        max_length=MAX_LENGTH,
        variants={"fp32": fp32, "int8": int8},
        chosen="int8",
        roles=("text", "text_pair") if pairs else ("text",),
        examples=examples,
        recipe="name: tiny\n",
    )
    write_bundle(plan, folder / "bundle", card="# tiny\n")
    return folder / "bundle"


def logits(folder: Path, text: str, variant: str = "int8") -> npt.NDArray[np.float64]:
    """What a variant must answer to a text: the summed embeddings of its tokens times the head."""
    embeddings, head = weights()
    ids = Encoder.from_folder(folder, MAX_LENGTH).encode([text])["input_ids"][0]
    logits: npt.NDArray[np.float64] = embeddings[ids].sum(axis=0) @ head * (SHARPER if variant == "int8" else 1.0)
    return logits


def copy(bundle: Path, folder: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(bundle, folder / "bundle"))


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def unsure_below(bundle: Path, folder: Path, threshold: Any) -> Path:
    """A copy that calls answers below this probability unsure."""
    copied = copy(bundle, folder)

    def change(manifest: dict[str, Any]) -> None:
        manifest["unsure"] = {"threshold": threshold, "promise": "wrong <= 0.05", "variant": "int8", "splits": {}}

    edit(copied / MANIFEST, change)
    return copied


def seal_again(bundle: Path) -> None:
    """Make the manifest agree with the files as they are."""

    def renew(manifest: dict[str, Any]) -> None:
        for name in manifest["files"]:
            found = digest(bundle / name)
            manifest["files"][name] = {"size": found.size, "sha256": found.sha256}

    edit(bundle / MANIFEST, renew)


def _sharpen(path: Path) -> None:
    import onnx

    model = onnx.load(path)
    head = next(tensor for tensor in model.graph.initializer if tensor.name == "head")
    head.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(head) * np.float32(SHARPER), "head"))
    onnx.save(model, path)
