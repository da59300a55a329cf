"""A bundle's file that takes texts: the tokenizer is in its graph, as operators of onnxruntime-extensions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compressor.errors import BundleError
from compressor.runtime.bundle import Bundle
from compressor.runtime.compute import joined
from compressor.runtime.encoder import Encoder
from compressor.runtime.manifest import Manifest
from compressor.runtime.outputs import Outputs
from compressor.runtime.session import Session, open_session
from compressor.runtime.tasks import Encoded

__all__ = ["TEXT", "TextBundle", "load_text_graph"]

TEXT = "text"
"""The input of such a file: string [batch]."""


class TextBundle(Bundle):
    """Answers by the file that takes texts. The bundle's own tokenizer only says where in a text the tokens stand."""

    def __init__(self, manifest: Manifest, encoder: Encoder, session: Session) -> None:
        super().__init__(manifest, encoder, session)
        self._texts = session

    def compute(self, encoded: Encoded, *, batch_size: int = 1) -> Outputs:
        roles = self.task.spec.text_roles
        texts = [example[role] for example in encoded.examples for role in roles if role in example]
        if len(texts) != len(encoded.rows):
            raise BundleError("The file that takes texts answers single texts, each of one row.")
        parts = []
        for start in range(0, len(texts), batch_size):
            batch = slice(start, start + batch_size)
            part = Encoded(encoded.examples, encoded.rows[batch], encoded.example_of_row[batch])
            arrays = self._texts.run({TEXT: np.array(texts[batch], dtype=object)})
            options = self.settings.options
            parts.append(self.task.reduce(arrays, part, pads_left=self.encoder.pads_left, options=options))
        return {name: joined([part[name] for part in parts]) for name in parts[0]}


def load_text_graph(folder: Path | str, *, threads: int = 1) -> TextBundle:
    """Load the file of a bundle that takes texts.

    Raises:
        BundleError: not a bundle, damaged, or without such a file.
        MissingExtra: onnxruntime-extensions isn't installed.
    """
    folder = Path(folder)
    manifest = Manifest.read(folder)
    if manifest.text_graph is None:
        raise BundleError(
            f"{folder} has no file that takes texts.",
            hint="`bundle: {tokenizer_in_graph: true}` in the recipe adds one.",
        )
    session = open_session(folder / manifest.text_graph.file, threads=threads, extensions=True)
    return TextBundle(manifest, Encoder.from_folder(folder, manifest.max_length), session)
