"""The noise-free gate: what the graphs consist of that this toolkit exports and quantizes.

A change of torch, transformers, onnxruntime or of our own passes that adds a Cast, undoes a fusion or leaves a matrix
in fp32 shows here at once, on any machine. After a change that is meant:

    pytest benchmarks/test_graph.py --update-graphs
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor.bench import Subject, subjects_from
from compressor.deploy.export import export
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.tasks import get_task
from tests import tiny

from .conftest import NO_BUNDLE, NOTHING_TO_COMPARE
from .invariants import Invariants

EXPECTED = Path(__file__).parent / "graphs"
TASK = "text-classification"


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny BERT, exported and quantized as a recipe does it."""
    folder = tmp_path_factory.mktemp("graphs")
    model = tiny.write_encoder(folder / "model", layers=2, labels=["bad", "good"])
    exported, quantized = folder / "fp32", folder / "int8"
    examples = [{"text": text} for text, _ in tiny.reviews(4)]
    export(
        ExportSection(),
        task=get_task(TASK),
        model_folder=model,
        examples=examples,
        max_length=32,
        out=exported,
        events=Silent(),
    )
    quantize(DynamicQuantization(method="dynamic"), source=exported, out=quantized, events=Silent())
    return {"fp32": exported / "model.onnx", "int8": quantized / "model.onnx"}


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_the_exported_graph_is_the_expected_one(
    graphs: dict[str, Path], variant: str, request: pytest.FixtureRequest
) -> None:
    found, file = Invariants.of(graphs[variant]), EXPECTED / f"tiny-bert-{variant}.json"
    if request.config.getoption("update_graphs"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")
    expected = Invariants.from_json(json.loads(file.read_text(encoding="utf-8")))

    assert found.differences(expected) == []


def test_a_bundle_has_the_graph_of_the_one_before(subject: Subject, request: pytest.FixtureRequest) -> None:
    against: Path | None = request.config.getoption("against")
    if against is None:
        pytest.skip(NO_BUNDLE if subject is None else NOTHING_TO_COMPARE)
    (before,) = subjects_from(against, [subject.name])
    mine, theirs = (Invariants.of(of.folder / of.file) for of in (subject, before))

    assert mine.differences(theirs) == []
