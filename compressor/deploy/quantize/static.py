"""Static int8: weights and activations in 8 bits, with scales that training texts choose beforehand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from compressor.deploy.quantize.base import MatrixQuantizerConfig
from compressor.errors import Problem, StageError
from compressor.events import Events

if TYPE_CHECKING:
    import onnx
    import onnx_ir

    from compressor.deploy.calibration import Calibration

__all__ = ["COMPONENT", "StaticQuantization"]

_INTEGER_PRODUCTS = ("MatMulIntegerToFloat", "QLinearMatMul", "QGemm", "MatMulInteger")


class StaticQuantization(MatrixQuantizerConfig):
    """Weights and activations in 8 bits, with one fixed scale for each activation, chosen by training texts."""

    unsimulated: ClassVar[str | None] = "its scales for activations are chosen by what the finished student computes"
    multiplies_by: ClassVar[tuple[str, ...]] = ("QuantizeLinear",)

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

    def quantize_matrices(
        self,
        proto: onnx.ModelProto,
        floats: Collection[str],
        *,
        source: Path,
        calibration: Calibration | None,
        events: Events,
    ) -> tuple[onnx_ir.Model, int]:
        import onnx_ir

        from compressor.deploy.qdq import activations, constant_products, quantize_products
        from compressor.deploy.ranges import find_ranges, largest_by_channel
        from compressor.deploy.smoothing import smooth

        assert calibration is not None  # calibration_examples asks for it
        model = onnx_ir.from_proto(proto)
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
        return model, len(products)

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """As the base does; also returns how many of the products onnxruntime computes in integers here."""
        from compressor.deploy import graph

        facts = super().make(source, target, calibration, events)
        executed, matrices = graph.executed_operators(target), facts["matrices"]
        integer = sum(executed.get(operator, 0) for operator in _INTEGER_PRODUCTS)
        if integer < matrices:
            advice = " With activations: uint8, an x86 CPU may do more." if self.activations == "int8" else ""
            events.warn(
                f"{self.name}: onnxruntime computes {integer} of {matrices} quantized products in integers here, "
                f"the others in fp32.{advice}"
            )
        examples = len(calibration.examples) if calibration else 0
        return facts | {"integer_products": integer, "calibrated_on": examples}


COMPONENT = StaticQuantization
