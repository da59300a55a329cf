"""Latency of a bundle's variants by batch size and length, on one CPU thread: `--bundle DIR`.

A quick look with the tools of pytest-benchmark (`--benchmark-compare`, histograms). For figures to publish use
`compressor bench`: it gives every variant a process of its own, and real texts.
"""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from compressor.bench import Subject
from compressor.runtime import Encoder, Session, load, open_session
from compressor.runtime.samples import SAMPLES

TEXTS = list(SAMPLES)


@pytest.fixture
def session(subject: Subject) -> Session:
    return open_session(subject.folder / subject.file, threads=1)


@pytest.mark.parametrize("sequence", [32, 128])
@pytest.mark.parametrize("batch", [1, 8])
def test_model(benchmark: BenchmarkFixture, subject: Subject, session: Session, batch: int, sequence: int) -> None:
    """The model alone, inputs ready and without padding."""
    tokens = np.concatenate([row["input_ids"][0] for row in _encoded(subject)])
    ids = np.resize(tokens, (batch, sequence))
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    benchmark.group = f"model, {batch} x {sequence} tokens"
    benchmark.extra_info["size_mb"] = subject.size.model_mb
    outputs = benchmark(session.run, inputs)

    assert len(outputs[0]) == batch


def test_one_text(benchmark: BenchmarkFixture, subject: Subject) -> None:
    """From text to answer: tokenization, model and post-processing."""
    bundle = load(subject.folder, variant=subject.name)
    benchmark.group = "one text, end to end"
    benchmark(bundle.predict, TEXTS[2])


def _encoded(subject: Subject) -> list[dict[str, np.ndarray]]:
    encoder = Encoder.from_folder(subject.folder, subject.max_length)
    return [encoder.encode([text]) for text in TEXTS]
