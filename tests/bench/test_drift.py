"""What the others in a batch change: each figure against a literal rewrite, for models of every task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compressor.bench import Subject, measure
from compressor.bench.drift import batch_drift
from compressor.bench.results import BatchDrift, Measurement, Size
from compressor.bench.workloads import Bench
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from compressor.runtime import Encoder, runtime_task
from compressor.runtime.tasks import Settings
from tests import tiny
from tests.bench.models import MAX_LENGTH, write_onnx
from tests.bench.workloads.fakes import Recorder, bench


class Neighbourly(Recorder):
    """A model whose answer depends on its batch: (ids of the text, tokens of the longest text beside it)."""

    def compute(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> list[npt.NDArray[Any]]:
        (pair,) = super().compute(inputs)
        pair[:, 1] = inputs["input_ids"].shape[1]
        return [pair]


class Tagger(Recorder):
    """Each token's id as the first of three tags, and the length of the batch as the last: a row a token."""

    def compute(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> list[npt.NDArray[Any]]:
        ids = inputs["input_ids"].astype(np.float32)
        return [np.stack([ids, -ids, np.full_like(ids, ids.shape[1])], axis=-1)]


class Reader(Tagger):
    """Two outputs of a number a token."""

    def compute(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> list[npt.NDArray[Any]]:
        (tags,) = super().compute(inputs)
        return [tags[..., 0], tags[..., 0] + tags[..., 2]]


@pytest.fixture(scope="module")
def encoder(onnx_folder: Path) -> Encoder:
    return Encoder.from_folder(onnx_folder, MAX_LENGTH)


def of_task(engine: Recorder, encoder: Encoder, task: str, examples: list[dict[str, str]], labels: int) -> Bench:
    names = tuple(f"tag{i}" for i in range(labels))
    return Bench(engine, encoder, runtime_task(task), Settings(names), examples, seed=5)


def test_each_figure_is_what_a_loop_over_the_batches_finds(encoder: Encoder, texts: list[str]) -> None:
    model = bench(Neighbourly(), encoder, texts)
    eight, all_of_32 = batch_drift(model)

    order = np.random.default_rng(5).permutation(len(texts)).tolist()
    lengths = [encoder.encode([texts[i]])["input_ids"].shape[1] for i in order]
    sums = [float(encoder.encode([texts[i]])["input_ids"].sum()) for i in order]
    spread = np.sqrt((np.var(sums) + np.var(lengths)) / 2)
    for found, size in ((eight, 8), (all_of_32, 32)):
        moved, changed = [], []
        for place, (length, total) in enumerate(zip(lengths, sums, strict=True)):
            start = place // size * size
            longest = max(lengths[start : start + size])
            moved += [0.0, (longest - length) / spread]
            changed.append((total >= length) != (total >= longest))
        assert (found.batch, found.n) == (size, len(texts))
        assert found.largest == pytest.approx(max(moved))
        assert found.mean == pytest.approx(np.mean(moved))
        assert found.changed == np.mean(changed)
    assert eight.largest and all_of_32.mean and all_of_32.mean > 0


def test_a_model_that_reads_each_text_alone_does_not_drift(encoder: Encoder, texts: list[str]) -> None:
    assert batch_drift(bench(Recorder(), encoder, texts)) == [
        BatchDrift(batch=size, n=len(texts), largest=0, mean=0, changed=0) for size in (8, 32)
    ]


def test_every_text_is_answered_alone_and_once_in_a_batch_of_each_size(encoder: Encoder, texts: list[str]) -> None:
    engine = Recorder()
    batch_drift(bench(engine, encoder, texts))

    sizes = [len(ids) for ids in engine.asked]
    assert {size: sizes.count(size) for size in (1, 8, 32)} == {1: len(texts), 8: len(texts) // 8 + 1, 32: 1}
    assert max(map(len, texts)) > min(map(len, texts)), "else there is no padding"


def test_a_slow_model_answers_fewer_texts_and_says_how_many(
    encoder: Encoder, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Recorder()
    monkeypatch.setattr("compressor.bench.drift.time.perf_counter", lambda: 60.0 * len(engine.asked))
    assert [found.n for found in batch_drift(bench(engine, encoder, 3 * texts))] == [32, 32]


@pytest.mark.parametrize(
    ("task", "engine", "labels", "roles"),
    [
        ("multi-label-classification", Neighbourly(), 2, ("text",)),
        ("token-classification", Tagger(), 3, ("text",)),
        ("question-answering", Reader(), 0, ("question", "context")),
        ("sentence-embedding", Tagger(), 0, ("text",)),
        ("sentence-embedding", Tagger(), 0, ("text", "text_pair")),
        ("regression", Neighbourly(), 2, ("text",)),
    ],
)
def test_outputs_of_every_task_are_compared(
    encoder: Encoder, texts: list[str], task: str, engine: Recorder, labels: int, roles: tuple[str, ...]
) -> None:
    others = (texts[i:] + texts[:i] for i in range(len(roles)))
    examples = [dict(zip(roles, both, strict=True)) for both in zip(*others, strict=True)]
    model = of_task(engine, encoder, task, examples, labels)
    found = batch_drift(model)

    assert [drift.n for drift in found] == [len(texts)] * 2
    assert all(drift.largest and drift.mean and drift.largest > drift.mean > 0 for drift in found)
    # Hardly two vectors, or two numbers, are ever the same: nobody asks whether they are.
    assert all((drift.changed is None) == model.task.graded for drift in found)


def test_numbers_a_token_have_one_spread_and_outputs_each_their_own(encoder: Encoder) -> None:
    """The start logits of a context are one number for each of its tokens, not a number of its own for each place."""
    examples = [{"question": "good", "context": text} for text, _ in tiny.reviews(20)]
    model = of_task(Reader(), encoder, "question-answering", examples, 0)
    found = batch_drift(model)[0]

    one_by_one = [model.kept_outputs(model.encode([i]), 1) for i in range(len(examples))]
    ends = np.concatenate([outputs["end_logits"].values for outputs in one_by_one])
    lengths = {len(row) for row in model.encode(range(len(examples))).rows}
    assert found.largest is not None
    assert found.largest <= (max(lengths) - min(lengths)) / ends.std() + 1e-6


def test_nothing_is_said_where_nothing_can_be_compared(encoder: Encoder) -> None:
    assert batch_drift(bench(Recorder(), encoder, [])) == []
    assert batch_drift(bench(Recorder(), encoder, ["a good film"])) == []
    assert batch_drift(bench(Recorder(), encoder, ["a good film"] * 5)) == []


def test_a_model_that_answers_nan_in_a_batch_has_no_drift_that_a_gate_could_hold(
    encoder: Encoder, texts: list[str]
) -> None:
    class Broken(Recorder):
        def compute(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> list[npt.NDArray[Any]]:
            (pair,) = super().compute(inputs)
            return [np.where(inputs["attention_mask"].all(axis=1, keepdims=True), pair, np.nan)]

    found = batch_drift(bench(Broken(), encoder, texts))
    assert [(drift.largest, drift.mean) for drift in found] == [(None, None)] * 2
    assert Measurement("int8", "onnxruntime", "cpu-1", Size(1.0), batch_drift=tuple(found)).largest_drift is None
    json.dumps([drift.largest for drift in found], allow_nan=False)


def test_dynamic_int8_drifts_where_fp32_does_not(tmp_path: Path, texts: list[str]) -> None:
    """Measured as a run measures: in the worker's process, with onnxruntime's own int8."""
    from onnxruntime.quantization import quantize_dynamic

    from compressor.deploy.quiet import quiet

    examples = [{"text": text} for text in texts]
    found = {}
    for name in ("fp32", "int8"):
        folder = write_onnx(tmp_path / name)
        if name == "int8":
            with quiet():
                quantize_dynamic(folder / "model.onnx", folder / "model.onnx", op_types_to_quantize=["MatMul"])
        subject = Subject(name, "onnxruntime", folder, MAX_LENGTH, "text-classification")
        measured, _ = measure(subject, Target(), [], examples, seed=3, work=tmp_path / "work", events=Silent())
        found[name] = measured

    fp32, int8 = found["fp32"].largest_drift, found["int8"].largest_drift
    assert fp32 is not None and int8 is not None
    assert fp32 < 1e-5 < 1e-3 < int8
    assert Measurement.from_json(json.loads(json.dumps(found["int8"].to_json()))) == found["int8"]


def test_a_measurement_of_an_earlier_version_has_none() -> None:
    old = Measurement("int8", "onnxruntime", "cpu-1", Size(1.0)).to_json()
    del old["batch_drift"]
    assert Measurement.from_json(old).batch_drift == ()
    assert Measurement.from_json(old).largest_drift is None
    new = replace(Measurement.from_json(old), batch_drift=(BatchDrift(8, 40, 0.1, 0.01, 0.0),))
    assert new.largest_drift == 0.1
