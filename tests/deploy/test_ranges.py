"""Ranges of activations: what the training texts give, each alone, and no more held than a histogram."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.calibrate import HistogramCollector

from compressor.deploy.calibration import Calibration
from compressor.deploy.ranges import Method, find_ranges, largest_by_channel
from compressor.errors import StageError
from compressor.events import Silent
from tests import tiny
from tests.deploy.models import MAX_LENGTH

TEXTS = [text for text, _ in tiny.reviews(40)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph that looks its tokens up, `[0.5 * id, -id]`, and takes the logarithm of their size."""
    folder = tmp_path_factory.mktemp("ids")
    tiny.write_tokenizer(folder)
    ids = np.arange(len(tiny.VOCABULARY), dtype=np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["looked_up"]),
        helper.make_node("Abs", ["looked_up"], ["size"]),
        helper.make_node("Log", ["size"], ["logarithm"]),
        helper.make_node("Identity", ["logarithm"], ["logits"]),
    ]
    proto = helper.make_model(
        helper.make_graph(
            nodes,
            "model",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", 2])],
            [numpy_helper.from_array(np.stack([ids / 2, -ids], axis=1), "table")],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    onnx.save(proto, folder / "model.onnx")
    return folder / "model.onnx"


def calibration(texts: list[str] = TEXTS) -> Calibration:
    return Calibration([{"text": text} for text in texts], MAX_LENGTH)


def values(source: Path, texts: list[str] = TEXTS) -> Any:
    """What the graph looks up for all texts."""
    ids = np.concatenate([feed["input_ids"].ravel() for feed in calibration(texts).feeds(source)])
    return np.concatenate([ids / 2, -ids])


def find(source: Path, method: Method, texts: list[str] = TEXTS, **options: Any) -> tuple[float, float]:
    feeds = partial(calibration(texts).feeds, source)
    found = find_ranges(onnx.load(source), ["looked_up"], feeds, method=method, events=Silent(), **options)
    assert list(found) == ["looked_up"]
    return found["looked_up"]


def test_minmax_are_the_extremes_of_texts_at_their_own_length(source: Path) -> None:
    seen = values(source)
    assert find(source, "minmax") == (seen.min(), seen.max())
    assert len({feed["input_ids"].size for feed in calibration().feeds(source)}) > 1


@pytest.mark.parametrize("percentile", [80.0, 95.0])
def test_a_percentile_cuts_the_same_share_at_both_ends(source: Path, percentile: float) -> None:
    seen = values(source)
    low, high = find(source, "percentile", percentile=percentile)
    outside = (100 - percentile) / 2
    # The values are whole and half numbers: the cut is one of them, as near as bins are wide.
    bin_width = 2 * np.abs(seen).max() / 2048
    assert low == pytest.approx(np.percentile(seen, outside, method="inverted_cdf"), abs=bin_width)
    assert high == pytest.approx(np.percentile(seen, 100 - outside, method="inverted_cdf"), abs=bin_width)


def test_entropy_stays_within_the_extremes(source: Path) -> None:
    seen = values(source)
    low, high = find(source, "entropy")
    assert seen.min() <= low < 0 < high <= seen.max()


def test_a_text_far_larger_than_those_before_widens_no_histogram(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bins: list[int] = []
    collect = HistogramCollector.collect

    def spy(self: Any, arrays: Any) -> None:
        collect(self, arrays)
        bins.extend(len(histogram[0]) for histogram in self.histogram_dict.values())

    monkeypatch.setattr(HistogramCollector, "collect", spy)
    texts = sorted(TEXTS, key=lambda text: float(np.abs(values(source, [text])).max()))
    find(source, "percentile", texts)
    assert set(bins) == {2048}


@pytest.mark.parametrize("texts", [["[PAD] good", "good"], ["good", "[PAD] good"]])
def test_a_model_that_computes_infinity_for_one_of_the_texts_is_refused(source: Path, texts: list[str]) -> None:
    with pytest.raises(StageError, match="NaN or infinity in logarithm"):
        find_ranges(onnx.load(source), ["logarithm"], partial(calibration(texts).feeds, source), events=Silent())


def test_the_largest_value_of_each_channel_is_that_of_all_texts(source: Path) -> None:
    feeds = partial(calibration().feeds, source)
    found = largest_by_channel(onnx.load(source), ["looked_up"], feeds, Silent())
    largest = max(int(feed["input_ids"].max()) for feed in feeds())
    assert found["looked_up"].tolist() == [largest / 2, largest]
