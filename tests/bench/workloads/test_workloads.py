from __future__ import annotations

import sys

import numpy as np
import pytest

from compressor.recipe.benchmark import DatasetWorkload, GridWorkload, ThroughputWorkload
from compressor.runtime import Encoder
from tests.bench.workloads.fakes import Clock, Recorder, bench, measured

QUICK = {"min_seconds": 1e-9, "min_calls": 30}


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_logits_come_back_in_the_order_of_the_texts(encoder: Encoder, texts: list[str], batch: int) -> None:
    found = bench(Recorder(batch), encoder, texts).all_outputs()["logits"].values

    assert found[:, 0].tolist() == [float(encoder.encode([text])["input_ids"].sum()) for text in texts]
    assert found.shape == (len(texts), 2)


def test_onnx_accuracy_is_taken_one_text_at_a_time(encoder: Encoder, texts: list[str]) -> None:
    """Without padding: int8 activations are scaled over the whole batch."""
    engine = Recorder(accuracy_batch=1)
    bench(engine, encoder, texts).all_outputs()

    assert all(ids.shape[0] == 1 and encoder.pad_id not in ids for ids in engine.asked)


def test_the_dataset_workload_asks_every_text_in_seeded_order_at_its_own_length(
    encoder: Encoder, texts: list[str]
) -> None:
    engine = Recorder()
    found = measured(
        bench(engine, encoder, texts), DatasetWorkload(kind="dataset", min_seconds=1e-9, min_calls=2 * len(texts))
    )

    asked = [ids.tolist() for ids in engine.asked[-2 * len(texts) :]]
    own = [encoder.encode([text])["input_ids"].tolist() for text in texts]
    assert asked[: len(texts)] == asked[len(texts) :]
    assert sorted(asked[: len(texts)]) == sorted(own)
    assert asked[: len(texts)] != own
    (latency,) = found.latencies
    assert (latency.workload, latency.batch, latency.sequence, latency.model.n) == ("dataset", 1, None, 2 * len(texts))


def test_every_model_is_measured_from_the_same_text_on_however_long_it_warmed_up(
    encoder: Encoder, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = []
    for seconds_a_call in (0.5, 0.001):
        engine = Recorder()
        monkeypatch.setattr("compressor.bench.workloads.timing.time.perf_counter", Clock(engine, seconds_a_call))
        workload = DatasetWorkload(kind="dataset", min_seconds=1.0, min_calls=1, max_seconds=1.0)
        found = measured(bench(engine, encoder, texts), workload)
        first.append(engine.asked[len(engine.asked) - found.latencies[0].model.n].tolist())

    assert first[0] == first[1]


@pytest.mark.parametrize(("seconds_a_call", "warm_up"), [(0.5, 10), (0.01, 100)])
def test_the_warm_up_takes_ten_calls_and_a_second(
    encoder: Encoder, texts: list[str], monkeypatch: pytest.MonkeyPatch, seconds_a_call: float, warm_up: int
) -> None:
    engine = Recorder()
    monkeypatch.setattr("compressor.bench.workloads.timing.time.perf_counter", Clock(engine, seconds_a_call))
    found = measured(bench(engine, encoder, texts), DatasetWorkload(kind="dataset", min_seconds=5.0, min_calls=40))

    assert len(engine.asked) - found.latencies[0].model.n == pytest.approx(warm_up, abs=1)


@pytest.mark.parametrize(
    ("seconds_a_call", "calls"),
    [
        (0.01, 500),  # min_seconds decides
        (1.0, 40),  # min_calls decides
        (10.0, 6),  # max_seconds decides
    ],
)
def test_a_workload_runs_as_long_as_the_recipe_says(
    encoder: Encoder, texts: list[str], monkeypatch: pytest.MonkeyPatch, seconds_a_call: float, calls: int
) -> None:
    engine = Recorder()
    monkeypatch.setattr("compressor.bench.workloads.timing.time.perf_counter", Clock(engine, seconds_a_call))
    found = measured(
        bench(engine, encoder, texts), DatasetWorkload(kind="dataset", min_seconds=5.0, min_calls=40, max_seconds=60.0)
    )

    (latency,) = found.latencies
    assert latency.model.n == pytest.approx(calls, abs=1)
    assert latency.model.p50_ms == pytest.approx(1000 * seconds_a_call)


def test_end_to_end_holds_the_model_and_both_are_kept_raw(encoder: Encoder, texts: list[str]) -> None:
    found = measured(bench(Recorder(), encoder, texts), DatasetWorkload(kind="dataset", **QUICK))
    model, end_to_end = found.samples["dataset.model"], found.samples["dataset.end_to_end"]

    assert len(model) == len(end_to_end) == 30
    assert np.all((model > 0) & (end_to_end > model))


def test_a_grid_cell_has_its_shape_and_no_padding(encoder: Encoder, texts: list[str]) -> None:
    engine = Recorder()
    found = measured(bench(engine, encoder, texts), GridWorkload(kind="grid", batch=(1, 4), sequence=(8, 16), **QUICK))

    assert [(cell.batch, cell.sequence) for cell in found.latencies] == [(1, 8), (1, 16), (4, 8), (4, 16)]
    assert {ids.shape for ids in engine.asked} == {(1, 8), (1, 16), (4, 8), (4, 16)}
    assert all(encoder.pad_id not in ids for ids in engine.asked)
    assert all(cell.end_to_end is None for cell in found.latencies)
    assert len(found.samples["grid.4x16"]) == 30


def test_throughput_counts_real_tokens_over_whole_passes(encoder: Encoder, texts: list[str]) -> None:
    engine = Recorder()
    found = measured(bench(engine, encoder, texts), ThroughputWorkload(kind="throughput", batch=16, min_seconds=0.001))
    throughput = found.throughput
    assert throughput is not None

    assert throughput.n % len(texts) == 0
    lengths = sorted(encoder.encode([text])["input_ids"].size for text in texts)
    positions = sum(max(part) * len(part) for part in (lengths[:16], lengths[16:32], lengths[32:]))
    assert throughput.padding_ratio == pytest.approx(1 - sum(lengths) / positions)
    assert throughput.tokens_per_second / throughput.samples_per_second == pytest.approx(sum(lengths) / len(texts))


def test_a_large_test_set_does_not_make_throughput_endless(encoder: Encoder, texts: list[str]) -> None:
    engine = Recorder()
    found = measured(
        bench(engine, encoder, texts * 50), ThroughputWorkload(kind="throughput", batch=64, min_seconds=1e-9)
    )

    assert found.throughput is not None
    assert found.throughput.n == 512


def test_pairs_are_encoded_together(encoder: Encoder) -> None:
    engine = Recorder()
    bench(engine, encoder, ["a good film"], pairs=["dull"]).all_outputs()

    assert engine.asked[0].tolist() == encoder.encode(["a good film"], ["dull"])["input_ids"].tolist()


def test_unknown_labels_do_not_stop_a_bare_model(encoder: Encoder, texts: list[str]) -> None:
    model, end_to_end = bench(Recorder(), encoder, texts, labels=()).call(0)

    assert 0 < model < end_to_end < sys.maxsize
