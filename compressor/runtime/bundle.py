"""A bundle, loaded and ready to answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.errors import BundleError
from compressor.runtime.answers import Prediction, answer
from compressor.runtime.encoder import Encoder
from compressor.runtime.manifest import Manifest
from compressor.runtime.session import Session, open_session

__all__ = ["Bundle", "assemble", "load"]


class Bundle:
    """Texts in, answers out."""

    def __init__(self, manifest: Manifest, encoder: Encoder, session: Session) -> None:
        self.manifest = manifest
        self._encoder = encoder
        self._session = session

    def predict(
        self, texts: Sequence[str] | str, pairs: Sequence[str] | str | None = None, *, batch_size: int = 1
    ) -> list[Prediction]:
        """One answer a text, in order; none for no texts. Texts longer than the bundle's `max_length` tokens are cut.

        The default batch size of 1 gives each text the answer it was measured with: int8 activations are scaled over
        the whole batch, so a text's neighbours change its logits slightly.

        Raises:
            BundleError: the bundle wants pairs and got none, or the other way round, or unlike numbers of both; or
                something is not a text.
        """
        if batch_size < 1:
            raise BundleError(f"batch_size is {batch_size}; it must be at least 1.")
        texts = [texts] if isinstance(texts, str) else list(texts)
        pairs = [pairs] if isinstance(pairs, str) else None if pairs is None else list(pairs)
        self._check(texts, pairs)
        found: list[Prediction] = []
        for start in range(0, len(texts), batch_size):
            part = slice(start, start + batch_size)
            outputs = self.outputs(texts[part], None if pairs is None else pairs[part])
            found += answer(self.manifest.task, outputs, self.manifest.labels)
        return found

    def outputs(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[npt.NDArray[np.floating[Any]]]:
        """The model's raw outputs for one batch of at least one text, first dimension the batch."""
        return self._session.run(self._encoder.encode(texts, pairs))

    def _check(self, texts: Sequence[Any], pairs: Sequence[Any] | None) -> None:
        if self.manifest.pairs and (pairs is None or len(pairs) != len(texts)):
            raise BundleError("This bundle answers pairs of texts: give a second text for each.")
        if not self.manifest.pairs and pairs is not None:
            raise BundleError("This bundle answers single texts: leave the second texts out.")
        for text in (*texts, *(pairs or ())):
            if not isinstance(text, str):
                raise BundleError(f"{text!r} is not a text.", hint="Give every text as str.")
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise BundleError(f"{text!r} holds half a character.", hint="Read the text with its right encoding.")


def load(folder: Path | str, *, device: str = "cpu", threads: int = 1, variant: str | None = None) -> Bundle:
    """Load a bundle. onnxruntime, tokenizers and numpy are all it takes.

    Args:
        device: `cpu`, `cuda`, `tensorrt` or `openvino`.
        threads: intra-op threads.
        variant: one of the manifest's variants; left out, the default one.

    Raises:
        BundleError: not a bundle, damaged, or without that variant.
        TargetUnavailable: the device isn't here.
    """
    folder = Path(folder)
    return assemble(folder, Manifest.read(folder), device=device, threads=threads, variant=variant)


def assemble(
    folder: Path, manifest: Manifest, *, device: str = "cpu", threads: int = 1, variant: str | None = None
) -> Bundle:
    """`load` for a folder whose manifest is known already."""
    encoder = Encoder.from_folder(folder, manifest.max_length)
    session = open_session(folder / manifest.file_of(variant), device=device, threads=threads)
    return Bundle(manifest, encoder, session)
