"""`export.optimize: auto` from the recipe to the graph that is taken, with times that are made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from compressor.chain import exporting
from compressor.chain.findings import read_findings
from compressor.chain.graph_finding import graph_finding
from compressor.chain.plan import RecipePlan, make_plan
from compressor.compare import fastest as timing
from compressor.deploy import quantize as quantizers
from compressor.deploy.candidates import CANDIDATES
from compressor.engine.artifact import Artifact
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from compressor.report.blocks import Pairs, Prose, Table
from tests.chain import recipes
from tests.compare.made_up import MadeUpCase

SHARES: dict[str, float] = {}
"""Candidate -> its time as a share of the exported graph's."""


class Fake(MadeUpCase):
    """Shares by candidate."""

    def share(self, seed: int) -> float:
        assert Path(self.a.model).is_file() and Path(self.b.model).is_file() and Path(self.a.inputs).is_file()
        return SHARES.get(self.name.rpartition(",")[0], 1.0)


Optimized = Callable[..., Artifact]


@pytest.fixture
def recipe(reviews_csv: Path, classifier_folder: Path) -> dict[str, Any]:
    """A finished model whose graph is chosen by measuring."""
    return recipes.finished(reviews_csv, classifier_folder) | {"export": {"optimize": "auto"}}


@pytest.fixture
def optimized(tmp_path: Path, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Optimized:
    """What the stage leaves where candidates take such shares of the time."""
    monkeypatch.setattr(timing, "LatencyCase", Fake)
    # All of them are built in tests/deploy/test_optimize.py; these need no second trace.
    tried = ("folded-scale", "fused-attention", "joined-products", "saved-graph")
    monkeypatch.setattr(CANDIDATES, "_files", {name: CANDIDATES._files[name] for name in tried})

    def optimized(shares: dict[str, float], *overrides: str) -> Artifact:
        SHARES.clear()
        SHARES.update(shares)
        plan = make_plan(recipes.load(tmp_path, recipe, *overrides))
        kinds = ("prepare", "student", "export", "optimize")
        plan = replace(plan, stages=tuple(stage for stage in plan.stages if stage.kind in kinds))
        return Runner(plan, Store(), Silent()).run()["optimize"]

    return optimized


def planned(folder: Path, recipe: dict[str, Any], *overrides: str) -> RecipePlan:
    return make_plan(recipes.load(folder, recipe, *overrides))


def test_it_stands_between_the_export_and_what_is_made_of_it(tmp_path: Path, recipe: dict[str, Any]) -> None:
    plan = planned(tmp_path, recipe)
    read = {stage.name: dict(stage.inputs) for stage in plan.stages}
    assert read["optimize"] == {"model": "student", "export": "export", "data": "prepare"}
    assert read["quantize/int8"]["export"] == "optimize"
    assert read["measure/fp32@cpu-1"]["model"] == "optimize"


def test_the_graph_that_stays_is_that_of_fast_which_is_not_made_again(tmp_path: Path, recipe: dict[str, Any]) -> None:
    plans = {how: planned(tmp_path, recipe, f"export.optimize={how}") for how in ("fast", "auto", "none")}
    keys = {how: plan.keys["export"].digest for how, plan in plans.items()}
    assert keys["auto"] == keys["fast"] != keys["none"]
    assert "optimize" not in plans["fast"].keys and "optimize" not in plans["none"].keys


@pytest.mark.parametrize(
    ("overrides", "timed", "shapes"),
    [
        ((), "int8", ["texts"]),
        (("bundle.variant=fp32",), "fp32", ["texts"]),
        (("quantize=[]",), "fp32", ["texts"]),
        (("benchmark.workloads=[{kind: grid, batch: [1, 8], sequence: [16]}]",), "int8", ["1x16", "8x16"]),
    ],
)
def test_the_variant_that_ships_is_timed_with_the_recipes_workloads(
    tmp_path: Path, recipe: dict[str, Any], overrides: tuple[str, ...], timed: str, shapes: list[str]
) -> None:
    config = planned(tmp_path, recipe, *overrides).keys["optimize"].document["config"]
    assert (config["timed"], config["shapes"], config["target"]["threads"]) == (timed, shapes, 1)


def test_the_fastest_is_taken_with_what_else_wins_and_the_report_shows_all(optimized: Optimized) -> None:
    """The scale of attention and the joined products win, each alone; together they win more."""
    both = "folded-scale + joined-products"
    made = optimized({"folded-scale": 0.95, "joined-products": 0.9, both: 0.85, "saved-graph": 1.3})
    assert made.facts["chosen"] == both
    graph = onnx.load(made.folder / "model.onnx")
    assert any(node.op_type == "Split" for node in graph.graph.node)
    assert {"config.json", "tokenizer.json", "model.onnx", "findings.json"} <= set(made.files)

    (finding,) = read_findings([made])
    _, table, titles = finding.blocks
    assert isinstance(table, Table) and isinstance(titles, Pairs)
    rows = {str(row.cells[0]): [str(cell) for cell in row.cells] for row in table.rows}
    assert rows[both][-2:] == ["-15.0% (-15.1% to -14.9%)", "faster: taken"]
    assert rows["joined-products"][-1] == "faster"
    assert rows["saved-graph"][-1] == "slower"
    assert rows["fused-attention"][-1] == "no gain"
    assert rows["export"][-1] == ""
    assert [row.strong for row in table.rows].count(True) == 1
    assert "joined-products" in dict(titles.rows)


def test_the_exported_graph_stays_where_none_is_surely_faster_or_a_variant_cannot_be_made(
    optimized: Optimized, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_of = quantizers.quantize

    def quantize(*args: Any, source: Path, **settings: Any) -> dict[str, Any]:
        if source.name == "joined-products":
            raise StageError("keep_float: no weights of this model are called '*.query'.", hint="There are others.")
        return made_of(*args, source=source, **settings)

    monkeypatch.setattr(quantizers, "quantize", quantize)
    made = optimized({"joined-products": 0.5, "folded-scale": 0.995})
    found = made.facts["candidates"]["joined-products"]
    assert found["reason"].startswith("a variant can't be made of it: keep_float") and found["timed"] == []
    assert made.facts["chosen"] == "export"
    assert not any(" + " in name for name in made.facts["candidates"])


def test_without_a_target_here_the_exported_graph_stays(
    tmp_path: Path, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(target: Target) -> str:
        return "not here"

    monkeypatch.setattr(exporting, "target_reason", lacks)
    document = planned(tmp_path, recipe).keys["optimize"].document
    assert document["config"]["target"] is None
    (said,) = graph_finding({"target": None}).blocks
    assert isinstance(said, Prose) and "stays" in said.text
