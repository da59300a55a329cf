from __future__ import annotations

from pathlib import Path

import pytest

from compressor.bench.subject import Subject
from compressor.bench.workloads.lengths import lengths
from compressor.runtime import Encoder


def test_lengths_are_those_before_texts_are_cut(onnx_folder: Path) -> None:
    texts = ["good film", "a good film", " ".join(["good"] * 50)]  # and [CLS], [SEP]
    subject = Subject("m", "onnxruntime", onnx_folder, 5, "text-classification")
    found = lengths(subject, [{"text": text} for text in texts])

    assert (found.n, found.max_tokens) == (3, 52)
    assert found.mean_tokens == pytest.approx((4 + 5 + 52) / 3)
    assert found.cut == pytest.approx(1 / 3), "a text of exactly the maximum is whole"
    assert sum(found.histogram.counts) == 3
    assert found.histogram.edges[0] == 4


def test_pairs_have_the_length_of_both_texts(onnx_folder: Path) -> None:
    encoder = Encoder.from_folder(onnx_folder, 64)
    together = encoder.encode(["a good film"], ["the plot"])["input_ids"].size

    subject = Subject("m", "onnxruntime", onnx_folder, 64, "text-classification")
    assert lengths(subject, [{"text": "a good film", "text_pair": "the plot"}]).max_tokens == together
