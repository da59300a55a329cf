"""The base of every quantizer, and of those that store embedding tables in few bits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from compressor.deploy.backends import lacking_kernels
from compressor.errors import Problem, StageError
from compressor.events import Events
from compressor.recipe.quantize import QuantizeSection
from compressor.recipe.section import optional

if TYPE_CHECKING:
    import onnx
    import onnx_ir
    import torch

    from compressor.deploy.calibration import Calibration

__all__ = ["MatrixQuantizerConfig", "QuantizerConfig"]


class QuantizerConfig(QuantizeSection):
    """One way to make an exported graph smaller: its options in a recipe, and how it is done.

    A subclass declares `method: Literal["its-name"]`, a default for `name`, its options as fields, `precision` and
    `make`. onnx and onnxruntime are imported inside `make`, since reading a recipe imports the file.
    """

    multiplies_by: ClassVar[tuple[str, ...]] = ()
    """Operators around which every graph of this method multiplies, where they aren't floating-point products."""

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        lacking = [] if self.backend is None else lacking_kernels(self.multiplies_by, self.backend)
        if lacking:
            yield Problem(
                f"the method {self.method!r} makes {' and '.join(lacking)}, for which {self.backend} has no kernels: "
                "each matrix product would wait for the CPU",
                "backend",
                hint="use method: weights or method: float16 there",
            )

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """Read the ONNX file `source`, write the ONNX file `target`, and return facts for the report.

        Args:
            calibration: training examples, where `calibration_examples` asks for some.

        Raises:
            StageError: nothing in the graph could be quantized.
        """
        raise NotImplementedError


class MatrixQuantizerConfig(QuantizerConfig):
    """A quantizer of matrix products with constant weights, and of the embedding tables beside them.

    A subclass does the products: `quantize_matrices`.
    """

    keeps_float: ClassVar[bool] = True

    embeddings: bool = Field(True, description="Quantize the embedding table too; it is half of a small model.")
    embedding_bits: Literal[8, 4] = optional(
        "Bits of the embedding table: 8, a scale for each column, or 4, a step for each block of a row.", 8
    )

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.embedding_bits != 8 and not self.embeddings:
            yield Problem("the tables stay fp32: embeddings is false", "embedding_bits")

    def quantize_matrices(
        self,
        proto: onnx.ModelProto,
        floats: Collection[str],
        *,
        source: Path,
        calibration: Calibration | None,
        events: Events,
    ) -> tuple[onnx_ir.Model, int]:
        """The graph with its matrices quantized, and how many of them; nodes named in `floats` stay as they are.

        Args:
            source: the file that `proto` was read from, its tokenizer beside it.
        """
        raise NotImplementedError

    def rounded_matrix(self, matrix: torch.Tensor) -> torch.Tensor:
        """What `quantize_matrices` stores of a matrix [outputs, inputs], as fp32. For methods that a training can
        simulate: those whose `unsimulated` is None."""
        raise NotImplementedError

    def rounded_inputs(self, values: torch.Tensor) -> torch.Tensor:
        """What is multiplied in place of activations [batch, ..., inputs], each text as if it were alone. For the same
        methods."""
        raise NotImplementedError

    def simulated(self, model: Any) -> AbstractContextManager[Callable[[], dict[str, list[str]]]]:
        from compressor.deploy.simulation import simulated

        return simulated(model, self)

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """Quantize the matrix products with constant weights, and the embedding tables where the recipe says so.

        Returns how often each operator occurs before and after, how many matrices and tables were quantized, and
        `kept_float`, the weights that stayed in float because the recipe says so.

        Raises:
            StageError: the graph has no matrix product with constant weights, and no embedding table to quantize.
        """
        import onnx

        from compressor.deploy import graph
        from compressor.deploy.embeddings import quantize_embeddings
        from compressor.deploy.named_weights import chosen_weights

        proto = onnx.load(source)
        kept = chosen_weights(proto, self.keep_float)
        floats = {one.node for one in kept}
        before, outputs = graph.operators(proto), [output.name for output in proto.graph.output]
        model, matrices = self.quantize_matrices(proto, floats, source=source, calibration=calibration, events=events)
        tables = quantize_embeddings(model, self.embedding_bits, keep=floats) if self.embeddings else 0
        if not (matrices or tables):
            raise StageError(
                f"Nothing could be quantized: {source.name} has no matrix product with constant weights and no large "
                "embedding table.",
                hint="Take this variant out of quantize; the fp32 file is the smallest there is.",
            )
        graph.tidy(model, outputs=outputs)
        after = graph.operators(graph.save(model, target))
        facts = {"matrices": matrices, "tables": tables, "operators": after, "source_operators": before}
        return facts | ({"kept_float": [one.name for one in kept]} if kept else {})
