"""A recipe names where a model will live, and gets variants, as if they were written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from compressor.errors import Problem
from compressor.recipe import Recipe, dump_recipe, json_schema, load_recipe, resolve
from compressor.recipe.platforms import PLATFORMS
from tests.recipe.write import BASE, only, problems_of, write


def loaded(folder: Path, quantize: str) -> Recipe:
    return load_recipe(write(folder), [f"quantize={quantize}"])


def names(recipe: Recipe) -> list[str]:
    return [variant.name for variant in recipe.quantize]


@pytest.mark.parametrize(
    ("platform", "variants"),
    [
        ("{platform: x86-vnni}", "[{method: dynamic}]"),
        ("{platform: x86-avx2}", "[{name: int8-avx2, method: dynamic, reduce_range: true}]"),
        ("{platform: arm64}", "[{method: dynamic}]"),
        ("{platform: mobile}", "[{method: dynamic, ort_format: true}]"),
        (
            "{platform: web}",
            "[{method: dynamic}, {method: weights, bits: 8, accuracy_level: 1, backend: webgpu}]",
        ),
        (
            "{platform: web, webgpu: int4}",
            "[{method: dynamic}, {method: weights, bits: 4, accuracy_level: 1, backend: webgpu}]",
        ),
        ("{platform: web, webgpu: fp16}", "[{method: dynamic}, {method: float16, backend: webgpu}]"),
        ("{platform: web, webgpu: null}", "[{method: dynamic}]"),
    ],
)
def test_a_platform_stands_for_variants(platform: str, variants: str, tmp_path: Path) -> None:
    recipe = loaded(tmp_path, f"[{platform}]")
    assert recipe == loaded(tmp_path, variants)
    assert "platform" not in dump_recipe(recipe)


def test_every_platform_makes_variants_that_can_be_made(tmp_path: Path) -> None:
    for platform in PLATFORMS.names:
        assert loaded(tmp_path, f"[{{platform: {platform}}}]").quantize


def test_what_several_want_is_made_once(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, "[{platform: x86-avx2}, {platform: arm64}, {platform: mobile}, {platform: web}]")
    assert names(recipe) == ["int8-avx2", "int8", "int8-weights"]
    assert [variant.ort_format for variant in recipe.quantize] == [False, True, False]


@pytest.mark.parametrize(
    "order", ["[{method: dynamic}, {platform: mobile}]", "[{platform: mobile}, {method: dynamic}]"]
)
def test_a_variant_that_is_written_out_too_is_made_once(order: str, tmp_path: Path) -> None:
    (variant,) = loaded(tmp_path, order).quantize
    assert (variant.name, variant.ort_format) == ("int8", True)


def test_a_like_named_variant_with_other_settings_needs_a_name_of_its_own(tmp_path: Path) -> None:
    problem = only(problems_of(write(tmp_path), ["quantize=[{method: dynamic, per_channel: false}, {platform: web}]"]))
    assert "two variants are called 'int8'" in problem.message


@pytest.mark.parametrize(
    ("item", "path", "said"),
    [
        ("{platform: webb}", "quantize.0.platform", "there is no platform 'webb'"),
        ("{platform: [web]}", "quantize.0.platform", "there is no platform"),
        ("{platform: web, webgpu: int3}", "quantize.0.webgpu", "must be 'int8', 'int4' or 'fp16'"),
        ("{platform: arm64, bits: 4}", "quantize.0.bits", "is not a known key"),
    ],
)
def test_what_is_wrong_with_a_platform_is_said_where_it_stands(item: str, path: str, said: str, tmp_path: Path) -> None:
    text = BASE.replace("quantize: [{name: int8, method: dynamic}]", f"quantize:\n  - {item}")
    problem: Problem = only(problems_of(write(tmp_path, text)))
    assert (problem.path, problem.line) == (path, 13)
    assert said in problem.message


def test_editors_know_platforms_and_their_options(tmp_path: Path) -> None:
    def wrong(item: dict[str, Any]) -> bool:
        recipe = resolve(write(tmp_path)) | {"quantize": [item]}
        return not Draft202012Validator(json_schema()).is_valid(recipe)

    assert not wrong({"platform": "web", "webgpu": "fp16"})
    assert not wrong({"method": "dynamic"})
    assert wrong({"platform": "moon"})
    assert wrong({"platform": "web", "webgpu": "fp8"})


@pytest.mark.parametrize("method", ["dynamic", "static"])
def test_a_method_that_is_slow_on_a_backend_is_refused_before_anything_runs(method: str, tmp_path: Path) -> None:
    problem = only(problems_of(write(tmp_path), [f"quantize=[{{method: {method}, backend: webgpu}}]"]))
    assert problem.path == "quantize.0.backend"
    assert "webgpu has no kernels" in problem.message
