"""Between which values the activations of a graph lie, on training texts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from compressor.deploy.graph import MODEL_FILE
from compressor.deploy.qdq import Range
from compressor.deploy.quiet import quiet
from compressor.errors import StageError
from compressor.events import Events

if TYPE_CHECKING:
    import onnx

__all__ = ["Method", "find_ranges", "largest", "largest_by_channel"]

FloatArray: TypeAlias = npt.NDArray[np.float32]
Feed: TypeAlias = Mapping[str, npt.NDArray[np.int64]]

Method: TypeAlias = Literal["minmax", "entropy", "percentile"]

_BINS = 2048
_QUANTIZED_BINS = 128
"""Of the entropy method: how many levels the distribution is squeezed into to see what is lost, as TensorRT does."""


def find_ranges(
    model: onnx.ModelProto,
    names: Sequence[str],
    feeds: Callable[[], Iterable[Feed]],
    *,
    method: Method = "minmax",
    percentile: float = 99.99,
    events: Events,
) -> dict[str, Range]:
    """The range of each tensor that `names` lists.

    - `minmax`: from the smallest to the largest value that was seen.
    - `percentile`: without the outermost values; `percentile` of them stay, as many are cut below as above.
    - `entropy`: symmetric about 0 and cut where the 8-bit distribution differs least from that of the values, by
      Kullback-Leibler divergence (Migacz, 8-bit inference with TensorRT, GTC 2017).

    What is held is one histogram a tensor, of `_BINS` bins over the extremes that a first pass over the texts finds.
    (onnxruntime's own calibrators hold the activations of all texts, or widen a histogram by as many bins as a later
    text is larger, which may ask for hundreds of GB: onnxruntime issue 10503.)

    Args:
        feeds: the inputs of one text after the other, at their natural length, as a bundle answers: padding is not what
            scales are for. Called once for each pass.

    Raises:
        StageError: the model computes NaN or infinity.
    """
    ranges: dict[str, Range] = {}
    for values in _observed(model, names, feeds(), events, "extremes"):
        for name, array in values.items():
            low, high = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = float(np.minimum(low, array.min())), float(np.maximum(high, array.max()))
    for name, extremes in ranges.items():
        if not np.isfinite(extremes).all():
            raise StageError(
                f"The model computes NaN or infinity in {name}, for training texts.",
                hint="Take this variant out of quantize.",
            )
    if method == "minmax":
        return ranges
    return _cut(ranges, _observed(model, names, feeds(), events, "histograms"), method, percentile)


def largest(
    model: onnx.ModelProto, names: Sequence[str], feeds: Callable[[], Iterable[Feed]], events: Events, *, below: float
) -> dict[str, float]:
    """The largest absolute value of each tensor, of those below `below`: masks aren't values."""
    found: dict[str, float] = {}
    for values in _observed(model, names, feeds(), events, "largest values"):
        for name, array in values.items():
            size = np.abs(array)
            found[name] = max(found.get(name, 0.0), float(size[size < below].max(initial=0.0)))
    return found


def largest_by_channel(
    model: onnx.ModelProto, names: Sequence[str], feeds: Callable[[], Iterable[Feed]], events: Events
) -> dict[str, FloatArray]:
    """The largest absolute value in each channel, the last axis, of each tensor [channels]."""
    found: dict[str, FloatArray] = {}
    for values in _observed(model, names, feeds(), events, "channels"):
        for name, array in values.items():
            largest = np.abs(array).max(axis=tuple(range(array.ndim - 1)))
            found[name] = np.maximum(found.get(name, largest), largest)
    return found


def _observed(
    model: onnx.ModelProto, names: Sequence[str], feeds: Iterable[Feed], events: Events, what: str
) -> Iterator[dict[str, FloatArray]]:
    """What a graph computes in these places, text by text."""
    import onnx
    from onnx import TensorProto, helper

    from compressor.runtime.session import open_session

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
        file = Path(scratch) / MODEL_FILE
        onnx.save(watched, file)
        session = open_session(file)
    for done, feed in enumerate(feeds):
        events.progress(f"calibrate: {what}", done, None)
        yield dict(zip(session.output_names, session.run(feed), strict=True))


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
