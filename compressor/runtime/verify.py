"""The bundle's self-test: every file is as sealed, and every variant still gives the answers it was sealed with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compressor.errors import BundleError, VerificationFailed
from compressor.runtime.bundle import Bundle, load
from compressor.runtime.manifest import Manifest

__all__ = ["GOLDEN", "Verification", "golden_answers", "verify"]

GOLDEN = "golden.json"
CLEAR_MARGIN = 2.0
"""A label must hold where the best logit leads by more than this many tolerances."""


@dataclass(frozen=True)
class Verification:
    """What was checked."""

    files: int
    texts: int
    variants: dict[str, float]
    """Variant -> largest difference of a logit from the sealed one."""
    tolerances: dict[str, float]


def golden_answers(bundle: Bundle, examples: Sequence[dict[str, str]]) -> list[list[float]]:
    """First output of each example on its own, as `golden.json` keeps it."""
    found = []
    for example in examples:
        pairs = [example["text_pair"]] if "text_pair" in example else None
        found.append([float(value) for value in np.ravel(bundle.outputs([example["text"]], pairs)[0])])
    return found


def verify(folder: Path | str, *, device: str = "cpu", threads: int = 1) -> Verification:
    """Check the digest of every file, then replay `golden.json` with every variant.

    Raises:
        VerificationFailed: naming every file that differs, or the first text that is answered otherwise.
        BundleError: not a bundle.
        TargetUnavailable: the device isn't here.
    """
    folder = Path(folder)
    manifest = Manifest.read(folder)
    if damage := list(manifest.damage(folder)):
        raise VerificationFailed(
            f"{folder} is not as it was sealed: {'; '.join(damage)}.", hint="Copy the bundle again."
        )
    golden = _read(folder / GOLDEN)
    worst = {}
    for variant in manifest.variants:
        bundle = load(folder, device=device, threads=threads, variant=variant)
        worst[variant] = _replay(bundle, variant, golden)
    return Verification(len(manifest.files), len(golden["examples"]), worst, golden["tolerances"])


def _read(path: Path) -> dict[str, Any]:
    try:
        golden: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise BundleError(f"{path} can't be read: {error}") from error
    return golden


def _replay(bundle: Bundle, variant: str, golden: dict[str, Any]) -> float:
    tolerance: float = golden["tolerances"][variant]
    worst = 0.0
    found = golden_answers(bundle, golden["examples"])
    for example, sealed, given in zip(golden["examples"], golden["outputs"][variant], found, strict=True):
        expected, got = np.asarray(sealed), np.asarray(given)
        difference = float(np.abs(expected - got).max())
        best, second = np.sort(expected)[[-1, -2]]
        flipped = bool(expected.argmax() != got.argmax()) and best - second > CLEAR_MARGIN * tolerance
        # Written so that NaN fails.
        if not difference <= tolerance or flipped:
            raise VerificationFailed(
                f"The variant {variant} answers {example['text']!r} with {np.round(got, 4).tolist()}; it was sealed "
                f"with {np.round(expected, 4).tolist()} (difference {difference:.4g}, tolerance {tolerance:.4g}).",
                hint="This onnxruntime or this processor computes otherwise. For int8 on a CPU without VNNI, make the "
                "bundle again with `reduce_range: true`.",
            )
        worst = max(worst, difference)
    return worst
