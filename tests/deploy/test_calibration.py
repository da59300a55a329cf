from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.deploy.calibration import Calibration
from compressor.runtime.encoder import Encoder
from compressor.runtime.session import open_session
from tests import tiny
from tests.deploy.models import MAX_LENGTH

ROWS = [{"text": text} for text, _ in tiny.reviews(5)]


def test_a_graph_takes_what_it_is_fed_one_example_at_a_time(exported: tuple[Path, dict[str, Any]]) -> None:
    source = exported[0] / "model.onnx"
    session = open_session(source)
    feeds = list(Calibration(ROWS, MAX_LENGTH).feeds(source))
    assert [len(feed["input_ids"]) for feed in feeds] == [1] * len(ROWS)
    encoder = Encoder.from_folder(exported[0], MAX_LENGTH)
    for row, feed in zip(ROWS, feeds, strict=True):
        (answer,) = session.run(feed)
        (expected,) = session.run(encoder.encode([row["text"]]))
        assert np.array_equal(answer, expected)


def test_texts_are_cut_and_batched_as_asked(exported: tuple[Path, dict[str, Any]]) -> None:
    feeds = list(Calibration(ROWS, 4).feeds(exported[0] / "model.onnx", batch_size=2))
    assert [feed["input_ids"].shape for feed in feeds] == [(2, 4), (2, 4), (1, 4)]


@pytest.mark.parametrize(
    ("task", "roles"), [("text-classification", {"text"}), ("question-answering", {"question", "context"})]
)
def test_where_there_are_no_data_built_in_sentences_take_every_role(task: str, roles: set[str]) -> None:
    found = Calibration.of_samples(MAX_LENGTH, task)
    assert len(found.examples) > 4
    assert all(set(example) == roles for example in found.examples)
