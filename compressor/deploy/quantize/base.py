"""The base of every quantizer, and of those that store embedding tables in few bits."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from compressor.errors import Problem
from compressor.events import Events
from compressor.recipe.quantize import QuantizeSection
from compressor.recipe.section import optional

if TYPE_CHECKING:
    import onnx_ir

    from compressor.deploy.calibration import Calibration

__all__ = ["EmbeddingQuantizerConfig", "QuantizerConfig"]


class QuantizerConfig(QuantizeSection):
    """One way to make an exported graph smaller: its options in a recipe, and how it is done.

    A subclass declares `method: Literal["its-name"]`, a default for `name`, its options as fields, `precision` and
    `make`. onnx and onnxruntime are imported inside `make`, since reading a recipe imports the file.
    """

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """Read the ONNX file `source`, write the ONNX file `target`, and return facts for the report.

        Args:
            calibration: training examples, where `calibration_examples` asks for some.

        Raises:
            StageError: nothing in the graph could be quantized.
        """
        raise NotImplementedError


class EmbeddingQuantizerConfig(QuantizerConfig):
    """A quantizer of matrices that can store the embedding tables in few bits too, by `quantize_embeddings`."""

    embeddings: bool = Field(True, description="Quantize the embedding table too; it is half of a small model.")
    embedding_bits: Literal[8, 4] = optional(
        "Bits of the embedding table: 8, a scale for each column, or 4, a step for each block of a row.", 8
    )

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.embedding_bits != 8 and not self.embeddings:
            yield Problem("the tables stay fp32: embeddings is false", "embedding_bits")

    def quantize_embeddings(self, model: onnx_ir.Model, keep: Collection[str] = ()) -> int:
        """Quantize the tables of the graph in place, as the recipe says, but not those in `keep`. Returns how many."""
        from compressor.deploy.embeddings import quantize_embeddings

        return quantize_embeddings(model, self.embedding_bits, keep) if self.embeddings else 0
