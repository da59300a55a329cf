"""The bundle's self-test: every file is as sealed, and every variant still gives the answers it was sealed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from compressor.errors import BundleError, VerificationFailed
from compressor.runtime.bundle import Bundle, assemble, named_in_errors
from compressor.runtime.golden import Golden, replay
from compressor.runtime.manifest import Manifest
from compressor.runtime.text_graph import load_text_graph

__all__ = ["Verification", "largest_difference", "sealed", "shown", "verify"]

CLEAR_MARGIN = 1.0
"""The best output must stay the best where it leads by more than this many tolerances."""


@dataclass(frozen=True)
class Verification:
    """What was checked."""

    files: int
    texts: int
    variants: dict[str, float]
    """Variant -> largest difference of an output from the sealed one, of all its files."""
    tolerances: dict[str, float]
    text_graph: float | None = field(default=None, kw_only=True)
    """The same of the file that takes texts; None where the bundle has none, or it wasn't asked."""


def verify(folder: Path | str, *, device: str = "cpu", threads: int = 1, variant: str | None = None) -> Verification:
    """Check the digest of every file, then replay `golden.json` with every variant and with the file that takes texts,
    or with this variant alone.

    Raises:
        VerificationFailed: naming every file that differs, or the first text that is answered otherwise.
        BundleError: not a bundle, or without that variant.
        TargetUnavailable: the device isn't here.
        MissingExtra: a file takes texts, and onnxruntime-extensions isn't installed.
    """
    folder = Path(folder)
    worst: dict[str, float] = {}
    with named_in_errors(folder):
        manifest, golden = sealed(folder)
        for name in [variant] if variant else manifest.variants:
            for file in filter(None, (manifest.file_of(name), manifest.ort_files.get(name))):
                bundle = assemble(folder, manifest, variant=name, file=file, device=device, threads=threads)
                worst[name] = max(largest_difference(bundle, name, golden), worst.get(name, 0.0))
        from_text = None if variant else _text_graph_difference(folder, manifest, golden, threads)
    return Verification(len(manifest.files), len(golden.examples), worst, golden.tolerances, text_graph=from_text)


def _text_graph_difference(folder: Path, manifest: Manifest, golden: Golden, threads: int) -> float | None:
    """By how much the outputs of the file that takes texts differ at most from those its variant was sealed with."""
    if manifest.text_graph is None:
        return None
    bundle = load_text_graph(folder, threads=threads)
    try:
        return largest_difference(bundle, manifest.text_graph.variant, golden)
    except VerificationFailed as error:
        raise VerificationFailed(f"{manifest.text_graph.file}: {error.message}", hint=error.hint) from error


def sealed(folder: Path) -> tuple[Manifest, Golden]:
    """What a bundle was sealed with, after a check of the digest of every file.

    Raises:
        VerificationFailed: naming every file that differs.
        BundleError: not a bundle.
    """
    manifest = Manifest.read(folder)
    if damage := list(manifest.damage(folder)):
        raise VerificationFailed(
            f"{folder} is not as it was sealed: {'; '.join(damage)}.", hint="Copy the bundle again."
        )
    return manifest, Golden.read(folder, manifest)


def largest_difference(bundle: Bundle, variant: str, golden: Golden) -> float:
    """By how much a bundle's outputs differ at most from those that a variant was sealed with.

    Raises:
        VerificationFailed: by more than the tolerance, or to another answer, or there is none.
    """
    tolerance = golden.tolerances[variant]
    worst = 0.0
    try:
        given = replay(bundle, golden.examples)
    except BundleError as error:
        raise VerificationFailed(
            f"The variant {variant} can't answer what it was sealed with: {error.message}", hint=error.hint
        ) from error
    for example, sealed, got in zip(golden.examples, golden.outputs[variant], given, strict=True):
        expected = np.asarray(sealed)
        difference = float(np.abs(expected - got).max(initial=0.0)) if expected.shape == got.shape else float("inf")
        # Written so that NaN fails.
        if not difference <= tolerance or _flipped(expected, got, CLEAR_MARGIN * tolerance):
            raise VerificationFailed(
                f"The variant {variant} answers {shown(example)} with {np.round(got, 4).tolist()}; it was sealed "
                f"with {np.round(expected, 4).tolist()} (difference {difference:.4g}, tolerance {tolerance:.4g}).",
                hint="This onnxruntime or this processor computes otherwise. For int8 on a CPU without VNNI, make the "
                "bundle again with `reduce_range: true`.",
            )
        worst = max(worst, difference)
    return worst


def _flipped(expected: np.ndarray, got: np.ndarray, clear: float) -> bool:
    """Whether another output leads now, though the sealed one led by more than `clear`."""
    if expected.size < 2 or expected.argmax() == got.argmax():
        return False
    second, best = np.sort(expected)[-2:]
    return bool(best - second > clear)


def shown(example: Mapping[str, str]) -> str:
    """The text as it can be found again, cut where it is long."""
    return " and ".join(repr(text if len(text) <= 60 else f"{text[:57]}...") for text in example.values())
