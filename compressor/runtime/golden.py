"""`golden.json`: a few inputs, what each variant answered when sealed, and how far another machine may differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.errors import BundleError
from compressor.json_file import read_object
from compressor.runtime.bundle import Bundle, assemble
from compressor.runtime.manifest import Manifest
from compressor.runtime.tasks import runtime_task

__all__ = ["GOLDEN", "Golden", "replay", "seal"]

GOLDEN = "golden.json"

# Tolerances, as shares of the largest sealed output. fp32 leaves room for the order of additions (measured: 1e-6) and
# for TF32 on a GPU, which keeps 10 bits. With fewer bits, an activation that rounds the other way moved outputs of a
# 6-layer model by up to 0.05, and 8-bit products that saturate, as they do on x86 CPUs without VNNI, by up to 0.15
# (60 texts, saturation computed in numpy; docs/bundles.md): about as far as int8 is from fp32.
FP32_SHARE = 0.005
FP16_SHARE = 0.05
REDUCED_SHARE = 0.25
_SHARES = MappingProxyType({"fp32": FP32_SHARE, "fp16": FP16_SHARE})

Example = dict[str, str]
Row = list[float]


@dataclass(frozen=True)
class Golden:
    """Sealed answers."""

    examples: tuple[Example, ...]
    """Each with a text for every role of the manifest."""
    outputs: dict[str, list[Row]]
    """Variant -> the model's outputs for each example on its own, flattened behind each other."""
    tolerances: dict[str, float]
    """Variant -> largest difference of an output that is still the same answer."""

    def texts_of_data(self, manifest: Manifest) -> tuple[Example, ...]:
        """Those of the examples that are of somebody's data: none, where they are the built-in sentences."""
        built_in = runtime_task(manifest.task).samples(manifest.roles)
        return tuple(example for example in self.examples if example not in built_in)

    def differences(self) -> dict[str, float]:
        """Largest difference of each variant's sealed outputs from the first variant's."""
        first = next(iter(self.outputs.values()))
        return {
            variant: max(float(np.abs(np.subtract(a, b)).max(initial=0.0)) for a, b in zip(rows, first, strict=True))
            for variant, rows in self.outputs.items()
        }

    def write(self, folder: Path) -> None:
        """Write `golden.json` into the bundle."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / GOLDEN).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, manifest: Manifest) -> Golden:
        """Read the sealed answers of a bundle.

        Raises:
            BundleError: there are none, they can't be read, or they aren't complete.
        """
        path = folder / GOLDEN
        try:
            data = read_object(path)
            examples = tuple(dict(example) for example in data["examples"])
            outputs = {
                str(name): [[float(value) for value in row] for row in rows] for name, rows in data["outputs"].items()
            }
            tolerances = {str(name): float(value) for name, value in data["tolerances"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"{path} can't be read: {error}", hint="Copy the bundle again.") from error
        complete = all(
            variant in tolerances and len(outputs.get(variant, ())) == len(examples) for variant in manifest.variants
        )
        whole = all(isinstance(example.get(role), str) for example in examples for role in manifest.roles)
        if not examples or not complete or not whole:
            message = f"{path} doesn't hold an answer of every variant to every text."
            raise BundleError(message, hint="Copy the bundle again.")
        # What else stands there isn't asked.
        texts = tuple({role: example[role] for role in manifest.roles} for example in examples)
        return cls(texts, outputs, tolerances)


def seal(folder: Path, manifest: Manifest, examples: Sequence[Example]) -> Golden:
    """Ask every variant in a bundle's folder, on the CPU, and keep what it answers."""
    outputs, tolerances = {}, {}
    for variant in manifest.variants:
        rows = replay(assemble(folder, manifest, variant=variant), examples)
        outputs[variant] = [[round(float(value), 7) for value in row] for row in rows]
        share = _SHARES.get(manifest.precision_of(variant), REDUCED_SHARE)
        tolerances[variant] = float(f"{share * max(float(np.abs(row).max(initial=0.0)) for row in rows):.3g}")
    return Golden(tuple(examples), outputs, tolerances)


def replay(bundle: Bundle, examples: Sequence[Example]) -> list[npt.NDArray[np.floating[Any]]]:
    """The outputs for each example on its own, all of them flattened behind each other.

    Raises:
        BundleError: an example lacks a text, or the outputs make no answer.
    """
    found = []
    for example in bundle.examples(examples):
        encoded = bundle.task.encode(bundle.encoder, [example])
        outputs = bundle.compute(encoded)
        bundle.task.decode(outputs, encoded, bundle.settings)  # What can't be answered must not be approved.
        found.append(np.concatenate([np.ravel(ragged.values) for ragged in outputs.values()]))
    return found
