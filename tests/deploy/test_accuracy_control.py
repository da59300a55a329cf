"""Accuracy control leaves in float what costs most, no more than a budget asks for, and says when none keeps it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.deploy.validation import Validation, error_of
from compressor.errors import StageError
from compressor.events import Silent
from compressor.runtime.outputs import Ragged
from compressor.runtime.tasks import Settings
from tests import tiny
from tests.deploy.models import MAX_LENGTH

SPOILT = "bert.encoder.layer.0.output.dense"


class Said(Silent):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture(scope="module")
def spoilt(large: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export, with one weight a column of one matrix that leaves the others of the column no steps in 8 bits: its
    input is a neuron that never fires."""
    folder = tmp_path_factory.mktemp("spoilt") / "export"
    shutil.copytree(large, folder)
    proto = onnx.load(folder / "model.onnx")
    (product,) = (node for node in proto.graph.node if _bias_after(proto, node) == f"{SPOILT}.bias")
    (first,) = (
        node for node in proto.graph.node if _bias_after(proto, node) == "bert.encoder.layer.0.intermediate.dense.bias"
    )
    for tensor in proto.graph.initializer:
        array = numpy_helper.to_array(tensor).copy()
        if tensor.name == product.input[1]:
            array[0] = 1000.0
        elif tensor.name == first.input[1]:
            array[:, 0] = 0.0
        elif tensor.name == "bert.encoder.layer.0.intermediate.dense.bias":
            array[0] = 0.0
        else:
            continue
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    (folder / "model.onnx").unlink()
    onnx.save(proto, folder / "model.onnx")
    return folder


def _bias_after(proto: onnx.ModelProto, product: onnx.NodeProto) -> str:
    if product.op_type != "MatMul":
        return ""
    adds = (node for node in proto.graph.node if node.op_type == "Add" and product.output[0] in node.input)
    return next((name for node in adds for name in node.input if name.endswith(".bias")), "")


def texts(folder: Path, targets: Sequence[int] | None = None) -> Validation:
    """Texts whose right answers are those of the model itself, unless told."""
    examples = [{"text": text} for text, _ in tiny.reviews(60)]
    plain = Validation(examples, (), "text-classification", MAX_LENGTH, Settings(("bad", "good")))
    if targets is None:
        targets = plain.outputs(folder / "model.onnx", folder)["logits"].values.argmax(axis=1).tolist()
    return Validation(examples, targets, plain.task, MAX_LENGTH, plain.settings)


def run(source: Path, out: Path, events: Said | None = None, **budget: Any) -> dict[str, Any]:
    section = DynamicQuantization.model_validate(
        {"method": "dynamic", "reduce_range": True, "control": {"quality_lost": "<= 0", **budget}}
    )
    return quantize(section, source=source, out=out, events=events or Said(), validation=texts(source))


def test_the_weights_that_cost_most_stay_in_float(spoilt: Path, tmp_path: Path) -> None:
    facts = run(spoilt, tmp_path / "out", quality_lost="<= 2")
    found = facts["control"]
    assert found["steps"][0]["lost"] > 2, "all of it in 8 bits loses too much"
    assert found["met"] and found["chosen"] == facts["kept_float"] == [SPOILT]
    assert max(found["removes"], key=found["removes"].__getitem__) == SPOILT
    assert found["removes"][SPOILT] > 0.5


def test_the_file_is_the_one_that_was_judged(spoilt: Path, tmp_path: Path) -> None:
    facts = run(spoilt, tmp_path / "out", quality_lost="<= 2")
    validation, chosen = texts(spoilt), facts["control"]["steps"][-1]
    before = validation.outputs(spoilt / "model.onnx", spoilt)
    outputs = validation.outputs(tmp_path / "out" / "model.onnx", spoilt)
    _, quality = validation.quality(outputs, before, spoilt)
    assert quality == chosen["quality"] and facts["size_mb"] == pytest.approx(chosen["size_mb"], abs=1e-3)
    assert error_of(outputs, before) == pytest.approx(chosen["error"], abs=1e-6)


def test_nothing_stays_in_float_where_the_budget_holds_at_once(large: Path, tmp_path: Path) -> None:
    facts = run(large, tmp_path / "out", quality_lost="<= 50")
    assert facts["control"]["met"] and facts["control"]["chosen"] == [] and len(facts["control"]["steps"]) == 1
    assert "kept_float" not in facts


def test_a_budget_that_nothing_keeps_is_told_and_the_best_small_file_is_taken(spoilt: Path, tmp_path: Path) -> None:
    events = Said()
    facts = run(spoilt, tmp_path / "out", events, size_mb="<= 0.9", quality_lost="<= 0")
    found = facts["control"]
    assert not found["met"] and facts["size_mb"] <= 0.9
    small = [step for step in found["steps"] if step["size_mb"] <= 0.9]
    assert found["chosen"] == list(min(small, key=lambda step: step["lost"])["kept"])
    assert any("No file keeps the budget" in warning for warning in events.warnings)


def test_weights_named_in_the_recipe_stay_in_float_too(spoilt: Path, tmp_path: Path) -> None:
    section = DynamicQuantization.model_validate(
        {"method": "dynamic", "keep_float": ["classifier"], "control": {"quality_lost": "<= 2"}, "reduce_range": True}
    )
    facts = quantize(section, source=spoilt, out=tmp_path / "out", events=Said(), validation=texts(spoilt))
    assert set(facts["kept_float"]) == {SPOILT, "classifier"}
    assert "classifier" not in facts["control"]["removes"]


def test_without_labels_and_without_a_metric_of_likeness_it_is_refused(large: Path, tmp_path: Path) -> None:
    section = DynamicQuantization.model_validate({"method": "dynamic", "control": {"quality_lost": "<= 0.3"}})
    with pytest.raises(StageError, match="no labels"):
        quantize(section, source=large, out=tmp_path / "out", events=Said(), validation=texts(large, targets=()))


def test_the_error_is_the_root_mean_square_as_a_share_of_the_spread() -> None:
    rng = np.random.default_rng(0)
    reference, noise = rng.normal(size=(50, 3)), 0.1 * rng.normal(size=(50, 3))
    expected = np.sqrt((noise**2).mean()) / reference.std()
    assert error_of({"a": Ragged(reference + noise)}, {"a": Ragged(reference)}) == pytest.approx(expected)
