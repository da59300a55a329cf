"""Between which values the activations of a graph lie, on training texts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from compressor.deploy.calibration import Calibration
from compressor.deploy.graph import MODEL_FILE
from compressor.deploy.qdq import Range
from compressor.deploy.quiet import quiet
from compressor.errors import StageError
from compressor.events import Events

if TYPE_CHECKING:
    from compressor.runtime.session import Session

__all__ = ["Method", "find_ranges"]

FloatArray = npt.NDArray[np.float32]

Method = Literal["minmax", "entropy", "percentile"]

_BINS = 2048
_QUANTIZED_BINS = 128
"""Of the entropy method: how many levels the distribution is squeezed into to see what is lost, as TensorRT does."""


def find_ranges(
    source: Path,
    names: Sequence[str],
    calibration: Calibration,
    *,
    method: Method,
    percentile: float = 99.99,
    events: Events,
) -> dict[str, Range]:
    """The range of each tensor of the graph in `source` that `names` lists.

    - `minmax`: from the smallest to the largest value that was seen.
    - `percentile`: without the outermost values; `percentile` of them stay, as many are cut below as above.
    - `entropy`: symmetric about 0 and cut where the 8-bit distribution differs least from that of the values, by
      Kullback-Leibler divergence (Migacz, 8-bit inference with TensorRT, GTC 2017).

    Texts go through one at a time, as a bundle answers, and at their natural length: padding is not what scales are
    for. What is held is one histogram a tensor, of `_BINS` bins over the extremes that a first pass over the texts
    finds. (onnxruntime's own calibrators hold the activations of all texts, or widen a histogram by as many bins as a
    later text is larger, which may ask for hundreds of GB: onnxruntime issue 10503.)

    Raises:
        StageError: the model computes NaN or infinity.
    """
    ranges: dict[str, Range] = {}
    with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
        session = _observe(source, names, Path(scratch))

        def observed(what: str) -> Iterator[dict[str, FloatArray]]:
            for done, feed in enumerate(calibration.feeds(source)):
                events.progress(f"calibrate: {what}", done, None)
                yield dict(zip(session.output_names, session.run(feed), strict=True))

        for values in observed("extremes"):
            for name, array in values.items():
                low, high = ranges.get(name, (np.inf, -np.inf))
                ranges[name] = float(np.minimum(low, array.min())), float(np.maximum(high, array.max()))
        for name, extremes in ranges.items():
            if not np.isfinite(extremes).all():
                raise StageError(
                    f"The model computes NaN or infinity in {name}, for training texts.",
                    hint="Take this variant out of quantize.",
                )
        return ranges if method == "minmax" else _cut(ranges, observed("histograms"), method, percentile)


def _observe(source: Path, names: Sequence[str], scratch: Path) -> Session:
    """A session that answers with these tensors in place of the graph's outputs."""
    import onnx
    from onnx import TensorProto, helper

    from compressor.runtime.session import open_session

    proto = onnx.load(source)
    del proto.graph.output[:]
    proto.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    onnx.save(proto, scratch / MODEL_FILE)
    return open_session(scratch / MODEL_FILE)


def _cut(
    extremes: dict[str, Range], observed: Iterator[dict[str, FloatArray]], method: Method, percentile: float
) -> dict[str, Range]:
    from onnxruntime.quantization.calibrate import HistogramCollector

    collector = HistogramCollector(method, False, _BINS, _QUANTIZED_BINS, percentile, "same")
    with quiet():
        # Histograms that begin with the extremes never widen.
        collector.collect({name: np.array(pair, np.float32) for name, pair in extremes.items()})
    for values in observed:
        with quiet():
            collector.collect(values)
    with quiet():
        found = collector.compute_collection_result()
    return {name: (float(low), float(high)) for name, (low, high, *_) in found.items()}
