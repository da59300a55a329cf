"""Candidates of a traced model: built, checked against PyTorch, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from compressor.deploy import graph
from compressor.deploy.candidates import CANDIDATES, Candidate
from compressor.deploy.export import export
from compressor.deploy.optimize import Built, build, together
from compressor.deploy.tracer import Tracer
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.tasks import get_task
from compressor.tasks.models.checkpoint import load_tokenizer
from tests.deploy.models import MAX_LENGTH, write_classifier

TASK = get_task("text-classification")
SECTION = ExportSection()


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracer, Path]:
    """A BERT of two layers, and the folder of its export."""
    folder = tmp_path_factory.mktemp("optimize")
    model = write_classifier(folder / "model", "bert", num_hidden_layers=2)
    exported = folder / "export"
    export(SECTION, task=TASK, model_folder=model, examples=[], max_length=MAX_LENGTH, out=exported, events=Silent())
    loaded = TASK.load_model(model, None, new_head="never", trust_remote_code=False, events=Silent())
    tracer = Tracer(
        loaded,
        load_tokenizer(exported, False),
        TASK,
        examples=[],
        max_length=MAX_LENGTH,
        opset=None,
        events=Silent(),
    )
    return tracer, exported


def built(traced: tuple[Tracer, Path], out: Path, *names: str, section: ExportSection = SECTION) -> Built:
    tracer, exported = traced
    return build(together(names), tracer=tracer, section=section, beside=exported, out=out)


@pytest.mark.parametrize("name", CANDIDATES.names)
def test_every_candidate_of_a_bert_agrees_with_pytorch(traced: tuple[Tracer, Path], tmp_path: Path, name: str) -> None:
    found = built(traced, tmp_path / "out", name)
    assert found.reason == "" and found.difference is not None and found.difference < 1e-4
    assert found.nodes and found.size_mb
    assert {file.name for file in (tmp_path / "out").iterdir()} == {file.name for file in traced[1].iterdir()}
    plain, made = (graph.operators(onnx.load(folder / "model.onnx")) for folder in (traced[1], tmp_path / "out"))
    assert made != plain


def test_several_are_one_graph_in_the_order_in_which_they_go_together(
    traced: tuple[Tracer, Path], tmp_path: Path
) -> None:
    """A scale is folded before the queries are joined with keys and values, behind which it isn't found."""
    found = built(traced, tmp_path / "out", "joined-products", "folded-scale", "short-mask")
    assert found.name == "short-mask + folded-scale + joined-products"
    assert found.reason == ""
    operators = graph.operators(onnx.load(tmp_path / "out" / "model.onnx"))
    assert "Mul" not in operators and operators["Split"] == 2 and "GatherND" not in operators


class Wrong(Candidate):
    """One that changes what a model answers."""

    title, absent = "wrong", "never"

    def change(self, model: object) -> int:
        nodes = [node for node in model.graph if node.op_type == "Tanh"]  # type: ignore[attr-defined]
        for node in nodes:
            node.op_type = "Relu"
        return len(nodes)


class Absent(Candidate):
    title, absent = "absent", "there is nothing to change"

    def change(self, model: object) -> int:
        return 0


@pytest.mark.parametrize(
    ("candidate", "reason"), [(Wrong(), "differs from PyTorch"), (Absent(), "there is nothing to change")]
)
def test_what_answers_otherwise_or_finds_nothing_is_refused_with_a_reason(
    traced: tuple[Tracer, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, candidate: Candidate, reason: str
) -> None:
    monkeypatch.setitem(CANDIDATES._loaded, "short-mask", candidate)
    found = built(traced, tmp_path / "out", "short-mask")
    assert reason in found.reason and found.difference is None
    assert not (tmp_path / "out" / "model.onnx").exists()
