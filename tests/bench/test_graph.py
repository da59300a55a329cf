from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.bench import Subject
from compressor.bench.graph import executed_graph, multiply_adds, shares_of_time
from compressor.bench.open_engine import open_engine
from compressor.bench.placement import Placement
from compressor.bench.results import Graph
from compressor.deploy.export import export
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.errors import TargetUnavailable
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.tasks import get_task
from tests.bench.models import LABELS

LENGTH = 48
HIDDEN, LAYERS, FEED_FORWARD = 32, 4, 64


def inputs(tokens: int = LENGTH) -> dict[str, np.ndarray]:
    ids = np.arange(5, 5 + tokens)[None, :]
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def executed(folder: Path) -> Graph:
    return executed_graph(Subject("model", "onnxruntime", folder, 64, "text-classification"), Placement(), inputs())


@pytest.fixture(scope="module")
def fp32(classifier_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(classifier_folder, tmp_path_factory.mktemp("fp32"), ExportSection())


def exported(model: Path, out: Path, section: ExportSection) -> Path:
    task = get_task("text-classification")
    export(section, task=task, model_folder=model, examples=[], max_length=64, out=out, events=Silent())
    return out


@pytest.fixture(scope="module")
def int8(fp32: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("int8")
    quantize(DynamicQuantization(name="int8", method="dynamic"), source=fp32, out=out, events=Silent())
    return out


def test_a_bert_costs_what_one_counts_by_hand(fp32: Path) -> None:
    projections = 4 * HIDDEN * HIDDEN  # query, key, value, output
    attention = 2 * LENGTH * HIDDEN  # scores, and their product with the values
    layer = projections + attention + 2 * HIDDEN * FEED_FORWARD
    keys_and_values = 2 * HIDDEN * HIDDEN  # of the last layer for all tokens; the rest of it for the first one alone
    head = HIDDEN * HIDDEN + HIDDEN * len(LABELS)  # of the first token alone

    found = executed(fp32)
    assert found.tokens == LENGTH
    first = layer - keys_and_values + head
    assert found.multiply_adds_per_token == round((LAYERS - 1) * layer + keys_and_values + first / LENGTH)


def test_quantization_changes_operators_and_not_what_they_compute(fp32: Path, int8: Path) -> None:
    before, after = executed(fp32), executed(int8)

    assert before.multiply_adds_per_token == after.multiply_adds_per_token
    assert any("Integer" in name or "Quantize" in name for name in after.operators)
    assert before.operators != after.operators


def test_pytorch_counts_the_same_as_the_graph_that_was_traced(classifier_folder: Path, tmp_path: Path) -> None:
    engine = open_engine(Subject("student", "torch", classifier_folder, 64, "text-classification"), Placement())
    products = engine.multiply_adds(inputs())

    assert products is not None
    traced = exported(classifier_folder, tmp_path / "traced", ExportSection(optimize="none"))
    assert round(products / LENGTH) == executed(traced).multiply_adds_per_token


def test_the_graph_is_the_one_that_runs_and_tells_where(onnx_folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    found = executed(onnx_folder)

    assert found.operators == {"Cast": 1, "Gather": 1, "MatMul": 1, "Mul": 1, "ReduceSum": 1, "Unsqueeze": 1}
    assert found.providers == {"CPUExecutionProvider": 6}
    assert found.multiply_adds_per_token == round(8 * 2 / LENGTH)
    assert not list(tmp_path.iterdir()), "the profile is removed"


def test_the_time_is_shared_out_among_the_operators_that_run(fp32: Path, int8: Path) -> None:
    for folder in (fp32, int8):
        found = executed(folder)
        assert found.profile is not None and found.profile.runs == 10
        assert found.profile.shares.keys() == found.operators.keys()
        assert sum(found.profile.shares.values()) == pytest.approx(1, abs=1e-2)
        shares = list(found.profile.shares.values())
        assert shares == sorted(shares, reverse=True)


def test_shares_are_of_medians_and_what_holds_others_is_counted_once() -> None:
    def run(**microseconds: int) -> list[dict[str, Any]]:
        return [{"args": {"op_name": kind}, "dur": took} for kind, took in microseconds.items()]

    runs = [
        [*run(MatMul=30, Gelu=20), *run(MatMul=30)],
        [*run(MatMul=31, Gelu=9000, If=9100), *run(MatMul=29)],  # interrupted
        [*run(MatMul=20, Gelu=20, If=90), *run(MatMul=35)],
    ]
    assert shares_of_time(runs) == {"MatMul": 0.75, "Gelu": 0.25}
    assert shares_of_time([]) == {}


def test_a_device_that_computes_later_has_no_times(onnx_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from compressor.bench import graph

    subject = Subject("model", "onnxruntime", onnx_folder, 64, "text-classification")
    runs = graph.profile_runs(subject, Placement(), inputs())
    for event in runs[0]:
        event["args"]["provider"] = "CUDAExecutionProvider"
    monkeypatch.setattr(graph, "profile_runs", lambda *_: runs)
    found = executed_graph(subject, Placement(device="cuda"), inputs())
    assert found.profile is None and found.operators


def test_a_provider_that_executed_nothing_is_not_taken_for_the_one_asked_for(
    onnx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session may list the GPU first, and the CPU still be given every operator."""
    from compressor.bench import graph

    subject = Subject("model", "onnxruntime", onnx_folder, 64, "text-classification")
    on_cpu = graph.profile_runs(subject, Placement(), inputs())
    monkeypatch.setattr(graph, "profile_runs", lambda *_: on_cpu)
    with pytest.raises(TargetUnavailable, match="CUDAExecutionProvider"):
        executed_graph(subject, Placement(device="cuda"), inputs())


def node(operator: str, output: list[int], *shapes: list[int]) -> dict[str, Any]:
    return {
        "op_name": operator,
        "input_type_shape": [{"float": shape} for shape in shapes],
        "output_type_shape": [{"float": output}],
    }


@pytest.mark.parametrize(
    ("executed", "expected"),
    [
        (node("MatMul", [2, 7, 5], [2, 7, 3], [3, 5]), 2 * 7 * 5 * 3),
        (node("MatMul", [2, 7, 5], [2, 7, 3]), 2 * 7 * 5 * 3),  # its weights are laid out anew
        (node("Gemm", [7, 5], [3, 7], [3, 5], [5]), 7 * 5 * 3),  # first factor transposed
        (node("MatMulNBits", [1, 7, 5], [1, 7, 32], [5, 1, 16], [5]), 7 * 5 * 32),
        (node("MatMul", [], [3], [3]), 3),
        # com.microsoft: hidden states [batch, length, hidden] times one matrix for all three; then scores.
        (node("Attention", [2, 7, 6], [2, 7, 6], [6, 18], [18]), 2 * (7 * 6 * 18 + 2 * 7 * 7 * 6)),
        (node("QAttention", [2, 7, 6], [2, 7, 6], [18]), 2 * (7 * 6 * 18 + 2 * 7 * 7 * 6)),
        # Query, keys and values given, of unlike lengths, flat and by head.
        (node("MultiHeadAttention", [2, 7, 6], [2, 7, 6], [2, 9, 6], [2, 9, 6]), 2 * 2 * 7 * 9 * 6),
        (node("Attention", [2, 3, 7, 2], [2, 3, 7, 2], [2, 3, 9, 2], [2, 3, 9, 2]), 2 * 2 * 7 * 9 * 6),
        (node("MultiHeadAttention", [2, 7, 6], [2, 7, 3, 3, 2]), 2 * 2 * 7 * 7 * 6),
        (node("GroupQueryAttention", [2, 7, 6], [2, 7, 10], [2, 1, 0, 2]), 2 * 2 * 7 * 7 * 6),
        (node("Softmax", [2, 7, 7], [2, 7, 7]), 0),
    ],
)
def test_every_kind_of_product_is_counted_by_its_shapes(executed: dict[str, Any], expected: int) -> None:
    assert multiply_adds(executed) == expected
