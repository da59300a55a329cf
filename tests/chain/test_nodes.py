from __future__ import annotations

from pathlib import Path

import pytest

from compressor.chain.nodes import ModelNode, model_nodes, reference_node, variants
from compressor.chain.plan import make_plan
from compressor.chain.stages import Differences, Measure
from compressor.recipe import Recipe
from tests.chain import recipes

EVERYTHING = (
    "distill.baseline=true",
    "benchmark.reference_precisions=[fp32, bf16]",
    "benchmark.targets=[{threads: 1}, {threads: 1, arena: false}]",
)


@pytest.fixture
def recipe(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> Recipe:
    return recipes.load(tmp_path, recipes.full(reviews_csv, encoder_folder), *EVERYTHING)


def test_every_model_knows_what_it_is_and_what_it_is_made_of(recipe: Recipe) -> None:
    assert model_nodes(recipe) == (
        ModelNode("teacher", "teacher", None, "teach", "torch"),
        ModelNode("teacher-bf16", "teacher", "teacher", "teach", "torch", "bf16"),
        ModelNode("baseline", "baseline", "student", "baseline", "torch"),
        ModelNode("student", "student", "teacher", "distill", "torch"),
        ModelNode("fp32", "variant", "student", "export", "onnxruntime"),
        ModelNode("int8", "variant", "fp32", "quantize/int8", "onnxruntime"),
    )
    assert [node.name for node in variants(recipe)] == ["fp32", "int8"]
    assert reference_node(recipe).name == "teacher"


def test_a_finished_student_has_no_teacher(tmp_path: Path, classifier_folder: Path) -> None:
    loaded = recipes.load(tmp_path, {"name": "tiny", "student": {"init": str(classifier_folder)}})
    assert model_nodes(loaded)[0] == ModelNode("student", "student", None, "student", "torch")
    assert reference_node(loaded) == model_nodes(loaded)[0]


def test_every_variant_of_a_finished_model_is_compared_with_the_model_in_pytorch(
    tmp_path: Path, reviews_csv: Path, classifier_folder: Path
) -> None:
    alone = recipes.finished(reviews_csv, classifier_folder)
    plan = make_plan(recipes.load(tmp_path, alone, "benchmark.targets=[{threads: 1}, {threads: 1, arena: false}]"))
    (differences,) = (stage for stage in plan.stages if isinstance(stage, Differences))
    assert {pair for pair in differences.pairs if pair[1] == "measure/student@cpu-1"} == {
        (f"measure/{variant}@{target}", "measure/student@cpu-1")
        for variant in ("fp32", "int8")
        for target in ("cpu-1", "cpu-1-no-arena")
    }


def test_measurements_carry_roles_and_differences_follow_parents(recipe: Recipe) -> None:
    plan = make_plan(recipe)
    measures = {stage.name: stage for stage in plan.stages if isinstance(stage, Measure)}
    roles = {stage.subject: stage.role for stage in measures.values()}
    assert roles == {node.name: node.role for node in model_nodes(recipe)}
    (differences,) = (stage for stage in plan.stages if isinstance(stage, Differences))
    parents = {measures[mine].subject: measures[theirs].subject for mine, theirs in differences.pairs}
    assert parents == {node.name: node.parent for node in model_nodes(recipe) if node.parent}
