"""Static int8: weights and activations in 8 bits, with scales that training texts choose beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from compressor.deploy.quantize.base import EmbeddingQuantizerConfig
from compressor.errors import Problem, StageError
from compressor.events import Events

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration

__all__ = ["COMPONENT", "StaticQuantization"]

_INTEGER_PRODUCTS = ("MatMulIntegerToFloat", "QLinearMatMul", "QGemm", "MatMulInteger")


class StaticQuantization(EmbeddingQuantizerConfig):
    """Weights and activations in 8 bits, with one fixed scale for each activation, chosen by training texts."""

    keeps_float: ClassVar[bool] = True

    name: str = Field("int8-static", pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the variant in reports.")
    method: Literal["static"] = Field(description="Scales of activations are chosen beforehand, by training texts.")
    calibration: Literal["minmax", "entropy", "percentile"] = Field(
        "minmax", description="How the range of an activation follows from the values that training texts give."
    )
    percentile: float = Field(
        99.99, gt=50, le=100, description="Of `calibration: percentile`: how many of the values lie in the range."
    )
    examples: int = Field(256, gt=0, description="Training examples that choose the ranges.")
    activations: Literal["uint8", "int8"] = Field(
        "uint8", description="Type of activations. onnxruntime multiplies uint8 faster on x86 CPUs."
    )
    reduce_range: bool = Field(
        False, description="Weights in 7 bits: needed on x86 CPUs without VNNI, where 8 bits can saturate."
    )
    smooth: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="SmoothQuant: share of the outliers that moves from activations into matrices; 0.5.",
    )

    @property
    def precision(self) -> str:
        return "int8"

    @property
    def calibration_examples(self) -> int:
        return self.examples

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if "percentile" in self.model_fields_set and self.calibration != "percentile":
            yield Problem(f"is not used by calibration: {self.calibration}", "percentile", hint="leave it out")

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """Quantize the matrix products with constant weights, and the embedding tables where the recipe says so.

        Returns how often each operator occurs before and after, how many matrices and tables became 8-bit, and how
        many of the products onnxruntime computes in integers.

        Raises:
            StageError: the graph has no matrix product with constant weights.
        """
        import onnx_ir

        from compressor.deploy import graph
        from compressor.deploy.named_weights import chosen_weights
        from compressor.deploy.qdq import activations, constant_products, quantize_products
        from compressor.deploy.ranges import find_ranges, largest_by_channel
        from compressor.deploy.smoothing import smooth

        assert calibration is not None  # calibration_examples asks for it
        model = onnx_ir.load(source)
        proto = onnx_ir.to_proto(model)
        before, kept = graph.operators(proto), chosen_weights(proto, self.keep_float)
        floats = {one.node for one in kept}
        outputs = [str(output.name) for output in model.graph.outputs]
        products = [product for product in constant_products(model) if product.name not in floats]
        if not products:
            raise StageError(
                f"Nothing could be quantized: {source.name} has no matrix product with constant weights.",
                hint="Take this variant out of quantize, or use method: dynamic, which quantizes embeddings alone too.",
            )
        feeds = partial(calibration.feeds, source)
        if self.smooth is not None:
            channels = largest_by_channel(onnx_ir.to_proto(model), activations(products), feeds, events)
            smooth(model, products, channels, self.smooth)
        ranges = find_ranges(
            onnx_ir.to_proto(model),
            activations(products),
            feeds,
            method=self.calibration,
            percentile=self.percentile,
            events=events,
        )
        # 7 bits: two products of 255 and 64, which x86 adds up in 16 bits, don't saturate.
        largest = 64 if self.reduce_range else 127
        quantize_products(model, products, ranges, signed=self.activations == "int8", largest=largest)
        tables = self.quantize_embeddings(model, keep=floats)
        graph.tidy(model, outputs=outputs)
        after = graph.operators(graph.save(model, target))
        executed = graph.executed_operators(target)
        integer = sum(executed.get(operator, 0) for operator in _INTEGER_PRODUCTS)
        if integer < len(products):
            advice = " With activations: uint8, an x86 CPU may do more." if self.activations == "int8" else ""
            events.warn(
                f"{self.name}: onnxruntime computes {integer} of {len(products)} quantized products in integers here, "
                f"the others in fp32.{advice}"
            )
        facts = {
            "matrices": len(products),
            "integer_products": integer,
            "tables": tables,
            "calibrated_on": len(calibration.examples),
            "operators": after,
            "source_operators": before,
        }
        return facts | ({"kept_float": [one.name for one in kept]} if kept else {})


COMPONENT = StaticQuantization
