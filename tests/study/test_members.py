from __future__ import annotations

from pathlib import Path

import pytest

from compressor.chain.plan import make_plan
from compressor.errors import Problem, RecipeError
from compressor.recipe import Recipe
from compressor.recipe.environment import substitute
from compressor.recipe.override import apply_overrides, override
from compressor.recipe.tree import Node, Place, plain
from compressor.study.members import load_members
from compressor.study.plan import plan_study, sharing
from tests.chain import recipes
from tests.command import compressor
from tests.recipe.write import BASE, problems_of, write

STUDY = (
    BASE
    + """\
seeds: [1, 2]
variants:
  - {name: no-teacher, set: {distill.objectives: [{kind: hard-labels}], gates: null}}
"""
)


def test_the_recipe_as_it_stands_comes_first_and_each_variant_has_every_seed(tmp_path: Path) -> None:
    members = load_members(write(tmp_path, STUDY))
    folders = [member.folder for member in members]
    assert folders == ["base/seed-1", "base/seed-2", "no-teacher/seed-1", "no-teacher/seed-2"]
    assert [member.recipe.student_seed for member in members] == [1, 2, 1, 2]
    base, _, other, _ = (member.recipe for member in members)
    assert base.distill and [one.kind for one in base.distill.objectives] == ["soft-targets", "hard-labels"]
    assert other.distill and [one.kind for one in other.distill.objectives] == ["hard-labels"]
    assert not any(member.recipe.is_study for member in members)


def test_without_seeds_each_variant_is_one_run_with_the_seed_of_its_recipe(tmp_path: Path) -> None:
    members = load_members(write(tmp_path, STUDY), ["seeds=[]", "seed=7"])
    assert [member.folder for member in members] == ["base/seed-7", "no-teacher/seed-7"]
    assert members[0].recipe.distill and members[0].recipe.distill.seed is None


def test_overrides_hold_for_every_run_and_variants_come_after_them(tmp_path: Path) -> None:
    overrides = ["distill.epochs=9", "data.max_length=32", "variants=[{name: short, set: {distill.epochs: 1}}]"]
    members = load_members(write(tmp_path, STUDY), overrides)
    assert [member.recipe.data.max_length for member in members if member.recipe.data] == [32] * 4
    assert [member.recipe.distill.epochs for member in members if member.recipe.distill] == [9, 9, 1, 1]


@pytest.mark.parametrize(
    "text", ["null", "1e-5", 'it\'s "quoted": [a, {b}]', "a\\n\n\tb ", "\x85\u2028 \x7f \U0001f600"]
)
def test_texts_of_a_variant_arrive_as_they_are(text: str) -> None:
    problems: list[Problem] = []
    tree = apply_overrides(Node({}, Place()), [override("bundle.license", [text, {"a": text}])], problems)
    assert plain(substitute(tree, {}, problems)) == {"bundle": {"license": [text, {"a": text}]}}
    assert problems == []


def test_references_to_the_environment_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LICENSE", "costs ${NOTHING} 5$$")
    changed = ["variants=[{name: other, set: {bundle.license: '${LICENSE} $${HOME}'}}]"]
    members = load_members(write(tmp_path), changed)
    assert members[1].recipe.bundle.license == "costs ${NOTHING} 5$$ ${HOME}"


def test_every_mistake_of_every_variant_is_told_with_its_name(tmp_path: Path) -> None:
    variants = """\
variants:
  - {name: first, set: {distill.epochz: 3, distill.learning_rate: fast}}
  - {name: second, set: {distill.objectives.7.kind: hard-labels}}
"""
    with pytest.raises(RecipeError) as caught:
        load_members(write(tmp_path, BASE + variants))
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 3
    assert all(text.startswith(f"{tmp_path / 'recipe.yaml'}: variant ") for text in told)
    assert "variant first: distill.epochz: is not a known key (did you mean `epochs`?)" in told[1]
    assert "variant second: distill.objectives.7.kind" in told[2] and "its items are 0 to 1" in told[2]


@pytest.mark.parametrize(
    ("keys", "path", "words"),
    [
        ("seeds: [1, 2, 1]", "seeds.2", "twice"),
        ("variants: [{name: base, set: {seed: 1}}]", "variants.0.name", "without changes"),
        ("variants: [{name: a, set: {seed: 1}}, {name: a, set: {seed: 2}}]", "variants.1.name", "two variants"),
        ("variants: [{name: a, set: {name: b}}]", "variants.0.set", "can't set `name`"),
        ("variants: [{name: a, set: {task: regression}}]", "variants.0.set", "can't set `task`"),
        ("variants: [{name: a, set: {seeds: [1]}}]", "variants.0.set", "can't set `seeds`"),
        ("variants: [{name: a, set: {variants: []}}]", "variants.0.set", "can't set `variants`"),
        ("seeds: [1]\nvariants: [{name: a, set: {distill.seed: 4}}]", "variants.0.set", "which `seeds` does"),
        ("variants: [{name: a, set: {}}]", "variants.0.set", "at least 1"),
        ("variants: [{name: ../up, set: {seed: 1}}]", "variants.0.name", "lower-case letters"),
    ],
)
def test_seeds_and_variants_that_make_no_sense_are_refused(tmp_path: Path, keys: str, path: str, words: str) -> None:
    (problem,) = problems_of(write(tmp_path, f"{BASE}{keys}\n"))
    assert problem.path == path
    assert words in str(problem)


def test_seeds_without_a_training_are_refused(tmp_path: Path) -> None:
    overrides = ["distill=null", "student={init: org/finished}", "seeds=[1, 2]"]
    assert [problem.path for problem in problems_of(write(tmp_path), overrides)] == ["seeds"]


def test_seeds_take_the_place_of_the_seed_that_a_run_alone_has(tmp_path: Path) -> None:
    members = load_members(write(tmp_path), ["distill.seed=4", "seeds=[1, 4]"])
    assert [member.recipe.student_seed for member in members] == [1, 4]
    (alone,) = load_members(write(tmp_path), ["distill.seed=4"])
    assert (alone.seed, alone.recipe) == (4, members[1].recipe)


def digests(recipe: Recipe) -> dict[str, str]:
    return {name: key.digest for name, key in make_plan(recipe).keys.items()}


def test_neither_key_changes_the_key_of_a_stage(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)
    plain = digests(recipes.load(tmp_path, recipe))
    study = recipes.load(tmp_path, {**recipe, "seeds": [1], "variants": [{"name": "a", "set": {"seed": 2}}]})
    assert digests(study) == digests(study.alone) == plain


def test_runs_that_differ_in_the_students_seed_share_data_and_teacher(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    file = recipes.write(tmp_path, {**recipes.full(reviews_csv, encoder_folder), "seeds": [1, 2]})
    one, two = plan_study(load_members(file))
    shared = {name for name, key in one.plan.keys.items() if two.plan.keys[name].digest == key.digest}
    assert shared == {"prepare", "teach", "label", "measure/teacher@cpu-1"}
    found = sharing((one, two))
    assert (found.runs, found.shared, found.stages) == (2, 4, 2 * len(one.plan.stages) - 4)


def test_seeds_reach_the_students_of_the_recipes_that_this_one_names(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    """Each of them ends up in what ships, so each has its part in the spread."""
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipes.write(tmp_path, recipe | {"distill": recipe["distill"] | {"seed": 9}}, "first.yaml")
    middle = {"run": "first.yaml", "set": {"distill.seed": 9, "distill": {"epochs": 1, "seed": 9}}}
    recipes.write(tmp_path, recipe | {"student": middle}, "middle.yaml")
    recipe["distill"] |= {"seed": 2, "baseline": True}
    file = recipes.write(
        tmp_path, recipe | {"student": {"run": "middle.yaml"}, "cascade": {"run": "first.yaml", "variant": "int8"}}
    )
    one, two = plan_study(load_members(file, ["seeds=[1, 2]"]))
    seeds = {stage.name: stage.config.get("seed") for stage in one.plan.stages}
    for name in (
        "start/start/distill",
        "start/distill",
        "first/distill",
        "distill",
        "start/start/baseline",
        "baseline",
    ):
        assert seeds[name] == 1
        assert one.plan.keys[name].digest != two.plan.keys[name].digest
    for name in ("prepare", "teach", "label", "first/teach"):
        assert seeds[name] in (None, 13)
        assert one.plan.keys[name].digest == two.plan.keys[name].digest
    # What else the recipe sets of the other one holds as before.
    epochs = {stage.name: stage.config["distill"]["epochs"] for stage in one.plan.stages if stage.kind == "distill"}
    assert (epochs["start/start/distill"], epochs["start/distill"]) == (1, 2)


def test_validate_and_plan_tell_how_many_runs_it_is(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> None:
    file = recipes.write(tmp_path, {**recipes.full(reviews_csv, encoder_folder), "seeds": [1, 2, 3]})
    assert "It is 3 runs of 34 different stages; several runs share 4 of them." in compressor("validate", file).err
    planned = compressor("plan", file, "--format", "json").succeeds().json
    assert planned["runs"] == ["base/seed-1", "base/seed-2", "base/seed-3"]
    assert len(planned["stages"]) == 34
    assert [one["name"] for one in planned["stages"] if len(one["runs"]) == 3] == [
        "prepare",
        "teach",
        "label",
        "measure/teacher@cpu-1",
    ]
    assert "It is 3 runs of 34" in compressor("plan", file).succeeds().out


def test_validate_needs_no_data_to_count_runs(tmp_path: Path) -> None:
    file = write(tmp_path, STUDY)
    ended = compressor("validate", file)
    assert ended.code == 0
    assert "It is 4 runs; what they share can't be told here: " in ended.err


def test_a_wrong_variant_is_found_before_anything_runs(tmp_path: Path) -> None:
    file = write(tmp_path, f"{BASE}variants: [{{name: wrong, set: {{distill.epochz: 1}}}}]\n")
    for command in ("validate", "plan", "run"):
        compressor(command, file).fails(2, "variant wrong: distill.epochz: is not a known key")
