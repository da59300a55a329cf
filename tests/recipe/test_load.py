from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compressor.errors import Problem, RecipeError
from compressor.recipe import Recipe, load_recipe, resolve
from tests.recipe.write import BASE, only, problems_of, write


def test_a_recipe_is_loaded_from_a_file_with_the_defaults_filled_in(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path))
    assert isinstance(recipe, Recipe)
    assert recipe.teacher is not None
    assert recipe.teacher.finetune is not None
    assert recipe.teacher.finetune.epochs == 2
    assert recipe.seed == 13
    assert recipe.student.layers == (0, 1)


def test_a_shipped_recipe_is_loaded_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_recipe("quickstart").name == "quickstart"


def test_overrides_come_last_and_read_the_environment(tmp_path: Path) -> None:
    file = write(tmp_path, BASE.replace("epochs: 3", "epochs: ${EPOCHS:-3}"))
    assert load_recipe(file, environment={"EPOCHS": "7"}).distill.epochs == 7  # type: ignore[union-attr]
    recipe = load_recipe(file, ["distill.epochs=${MORE}", "teacher.model=${MORE}/x"], {"MORE": "9"})
    assert recipe.distill is not None
    assert recipe.teacher is not None
    assert (recipe.distill.epochs, recipe.teacher.model) == (9, "9/x")


def test_the_environment_is_the_process_own_unless_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECIPE_NAME", "from-the-shell")
    assert load_recipe(write(tmp_path, BASE.replace("base", "${RECIPE_NAME}", 1))).name == "from-the-shell"


def test_extends_merges_mappings_and_replaces_the_rest(tmp_path: Path) -> None:
    write(tmp_path, BASE, "base.yaml")
    (tmp_path / "sub").mkdir()
    middle = "extends: ../base.yaml\ndistill: {batch_size: 8, objectives: [{kind: hard-labels}]}\n"
    write(tmp_path / "sub", middle, "middle.yaml")
    top = write(tmp_path, "extends: sub/middle.yaml\nname: top\ndistill: {batch_size: 4}\ngates: null\n")
    assert resolve(top)["distill"] == {"epochs": 3, "batch_size": 4, "objectives": [{"kind": "hard-labels"}]}
    recipe = load_recipe(top)
    assert recipe.name == "top"
    assert recipe.gates.accuracy_retained is None


def test_a_null_section_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, BASE, "base.yaml")
    text = (
        "extends: base.yaml\nteacher: null\ndistill: null\ngates: null\nstudent: {init: org/finished, layers: null}\n"
    )
    recipe = load_recipe(write(tmp_path, text))
    assert (recipe.teacher, recipe.distill, recipe.student.init) == (None, None, "org/finished")


def test_null_stays_null_where_null_means_something(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path), ["distill.early_stopping=null"])
    assert recipe.distill is not None
    assert recipe.distill.early_stopping is None


def test_a_shipped_recipe_can_be_extended(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "extends: quickstart\nname: mine\ndistill: {epochs: 1}\n"))
    assert recipe.name == "mine"
    assert recipe.distill is not None
    assert (recipe.distill.epochs, recipe.distill.batch_size) == (1, 64)


def test_an_unset_variable_of_a_replaced_value_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path, BASE.replace("reviews.csv", '"${UNSET}"'), "base.yaml")
    assert load_recipe(write(tmp_path, "extends: base.yaml\ndata: {source: a.csv}\n"), environment={}).data is not None


def test_everything_wrong_is_reported_at_once_in_the_file_it_came_from(tmp_path: Path) -> None:
    base = write(tmp_path, BASE.replace("epochs: 2", "epochs: two").replace("weight: 0.9", "wieght: 0.9"), "base.yaml")
    top = write(tmp_path, "extends: base.yaml\nseed: -1\nbundle:\n  variant: int9\nteacher: {revision: '${UNSET}'}\n")
    found = problems_of(top, ["distill.epochs=0", "nonsense"])
    assert {(problem.file, problem.line, problem.path, problem.override) for problem in found} == {
        (base, 5, "teacher.finetune.epochs", None),
        (base, 10, "distill.objectives.0.wieght", None),
        (top, 2, "seed", None),
        (top, 4, "bundle.variant", None),
        (top, 5, "teacher.revision", None),
        (None, None, "distill.epochs", "distill.epochs=0"),
        (None, None, "", "nonsense"),
    }
    text = str(RecipeError(found))
    assert text.count("\n") == 6
    assert f"{base}:10: distill.objectives.0.wieght: is not a known key (did you mean `weight`?)" in text


def test_checks_run_on_sound_sections_although_others_are_broken(tmp_path: Path) -> None:
    text = BASE.replace("epochs: 3", "epochs: x").replace("[0, 1]", "[0, 0]")
    assert {problem.path for problem in problems_of(write(tmp_path, text))} == {"distill.epochs", "student.layers"}


def test_a_broken_or_misspelt_section_is_not_also_called_missing(tmp_path: Path) -> None:
    assert only(problems_of(write(tmp_path, BASE.replace("teacher:", "techer:", 1)))).path == "techer"
    assert only(problems_of(write(tmp_path, BASE.replace("reviews.csv", "5")))).path == "data.source"


def test_a_missing_key_stands_where_its_section_does(tmp_path: Path) -> None:
    problem = only(problems_of(write(tmp_path, BASE.replace("model: some/teacher", "ensemble: {}"))))
    assert (problem.path, problem.line, problem.message) == ("teacher.ensemble.members", 4, "is missing")
    assert "two or more" in (problem.hint or "").lower()


def test_a_teacher_that_nobody_names_is_told_where_its_section_stands(tmp_path: Path) -> None:
    problem = only(problems_of(write(tmp_path, BASE.replace("model: some/teacher", "sha256: null"))))
    assert (problem.path, problem.line) == ("teacher", 3)
    assert problem.message == "doesn't say who teaches: name one of `model`, `run`, `ensemble`, `answers`, `prompt`"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("- a\n", "must be a mapping"),
        ("just words", "must be a mapping"),
        ("a: [\n", "not YAML"),
        ("extends: nowhere.yaml\n", "no file and no shipped recipe"),
        ("extends: [a, b]\n", "one file"),
        ("extends: '${UNSET}'\n", "UNSET is not set"),
        ("extends: recipe.yaml\n", "circle"),
    ],
)
def test_an_unreadable_file_is_one_problem(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    problem = only(problems_of(file))
    assert message in problem.message
    assert problem.file == file


def test_a_circle_through_several_files_is_drawn(tmp_path: Path) -> None:
    write(tmp_path, "extends: b.yaml\n", "a.yaml")
    write(tmp_path, "extends: c.yaml\n", "b.yaml")
    write(tmp_path, "extends: a.yaml\n", "c.yaml")
    problem = only(problems_of(tmp_path / "a.yaml"))
    assert problem.file == tmp_path / "c.yaml"
    assert all(name in problem.message for name in ("a.yaml ->", "b.yaml ->", "c.yaml ->"))


def test_a_broken_base_is_reported_in_its_own_file(tmp_path: Path) -> None:
    base = write(tmp_path, "name: x\ndata: {a: [}\n", "base.yaml")
    problem = only(problems_of(write(tmp_path, "extends: base.yaml\n")))
    assert (problem.file, problem.line) == (base, 2)


def test_a_recipe_that_is_not_there_gets_a_suggestion(tmp_path: Path) -> None:
    assert only(problems_of("quikstart")).hint == "did you mean `quickstart`?"
    assert "quickstart" in (only(problems_of(tmp_path / "none.yaml")).hint or "")
    assert "no file" in only(problems_of(tmp_path)).message


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes("name: caf\xe9".encode("latin-1"))
    assert only(problems_of(file)) == Problem("is not UTF-8 text", file=file, hint="save it as UTF-8")


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    file = write(tmp_path)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_recipe(file).name == "base"


def test_bytes_that_are_no_text_never_crash(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path), ["teacher.model=folder/\udcff"])
    assert recipe.teacher is not None


SECTIONS = ["data", "teacher", "student", "distill", "quantize", "benchmark", "gates", "bundle", "nothing"]
KEYS = ["source", "columns", "labels", "split", "finetune", "layers", "objectives", "targets", "workloads", "variant"]
BELOW = ["0", "1", "0.kind", "1.layers", "0.name", "test", "epochs"]
paths = (
    st.sampled_from(["name", "0", *SECTIONS])
    | st.tuples(st.sampled_from(SECTIONS), st.sampled_from([*KEYS, *BELOW])).map(".".join)
    | st.tuples(st.sampled_from(SECTIONS), st.sampled_from(KEYS), st.sampled_from(BELOW)).map(".".join)
)
values = st.recursive(
    st.sampled_from(
        ["null", "true", "-1", "0.5", ".nan", "9e999", "x", "kind", "hidden-states", "uniform", "''", "$${"]
    )
    | st.sampled_from(["dataset", "grid", "train", "teacher", "${X}", ">= 2", "wheel://"]).map(
        lambda text: f"'{text}'"
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["kind", "text", "layers", "train", "0", "weight"]), inner, max_size=2).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
        )
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(paths, values), min_size=1, max_size=3))
def test_whatever_is_set_it_is_a_recipe_or_a_list_of_problems(tmp_path: Path, changes: list[tuple[str, str]]) -> None:
    try:
        load_recipe(write(tmp_path), [f"{path}={value}" for path, value in changes], {})
    except RecipeError as error:
        assert all(str(problem) and "Input should" not in str(problem) for problem in error.problems)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("ab:-[]{}&*!#|>'\"%@`?,$~\n\t 01.", max_size=30))
def test_whatever_is_written_it_is_a_recipe_or_a_list_of_problems(tmp_path: Path, text: str) -> None:
    try:
        load_recipe(write(tmp_path, BASE + text), environment={})
    except RecipeError as error:
        assert error.problems


def test_loading_needs_the_base_install_only() -> None:
    code = (
        "import sys; from compressor.recipe import load_recipe; load_recipe('quickstart');"
        "print([name for name in ('torch', 'transformers', 'datasets', 'onnxruntime') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def refused(folder: Path, text: str) -> RecipeError:
    """The error of a recipe, short whatever it quotes."""
    file = folder / "hostile.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(file)
    assert len(str(caught.value)) < 2_200 + len(str(file)) * 20
    return caught.value


def test_more_values_than_any_recipe_has_are_one_problem(tmp_path: Path) -> None:
    labels = ", ".join(f"l{number}" for number in range(30_000))
    error = refused(tmp_path, f"name: many\nstudent: {{init: a/b}}\ndata: {{source: a.csv, labels: [{labels}]}}\n")
    assert [problem.message for problem in error.problems] == [
        "holds more than 20000 values, counting those behind aliases"
    ]


def test_thousands_of_wrong_labels_are_told_in_one_breath(tmp_path: Path) -> None:
    """Comparing each with each took minutes."""
    labels = ", ".join(str(number) for number in range(15_000))
    error = refused(tmp_path, f"name: many\nstudent: {{init: a/b}}\ndata: {{source: a.csv, labels: [{labels}]}}\n")
    assert len(error.problems) == 15_000
    assert "data.labels.0: must be text" in str(error)
    assert "more problems." in str(error)


def test_a_file_larger_than_any_recipe_is_not_parsed(tmp_path: Path) -> None:
    error = refused(tmp_path, "name: x\n" + "# comment\n" * 200_000)
    assert "larger than 1,024 KiB" in str(error)


@pytest.mark.parametrize("reference", ["x" * 5_000, "x" * 900_000, "a/" * 2_000])
def test_a_name_no_file_can_have_is_not_there(tmp_path: Path, reference: str) -> None:
    assert "extends: there is no file" in str(refused(tmp_path, f"extends: {reference}\nname: x\n"))
    with pytest.raises(RecipeError, match="there is no file"):
        load_recipe(reference)


def test_long_texts_are_quoted_in_part(tmp_path: Path) -> None:
    refused(tmp_path, f"{'k' * 1_000}: 1\nname: {'n' * 100_000}!\nstudent: {{init: a/b}}\ntask: {'t' * 100_000}\n")
    column = "c" * 100_000
    data = f"{{source: a.csv, columns: {{text: {column}, label: {column}}}}}"
    refused(tmp_path, f"name: x\nstudent: {{init: a/b}}\ndata: {data}\n")


@pytest.mark.parametrize("key", ["quant.ize", "!!python/object:os.system x", ".nan", ">= 0.9"])
def test_an_unknown_section_with_a_dot_in_its_name_is_a_problem(tmp_path: Path, key: str) -> None:
    problem = only(problems_of(write(tmp_path, f"{BASE}'{key}': [1]\n")))
    assert (problem.path, problem.message) == (key, "is not a known key")
    assert problem.line == BASE.count("\n") + 1


def test_a_recipe_that_extends_null_extends_nothing(tmp_path: Path) -> None:
    assert load_recipe(write(tmp_path, f"{BASE}extends: null\n")).name == "base"
    lacking = write(tmp_path, "extends: null\nseed: 1\n")
    assert any("is missing" in problem.message for problem in problems_of(lacking)), "no error without a word"


@pytest.mark.parametrize(
    "text",
    ["name: [\n", "", "name: x\n---\nname: y\n", "name: *x\n", "a: \x00\n", "name: x\nname: y\n", "[" * 50 + "]" * 50],
)
def test_what_is_no_recipe_is_told_with_a_hint(tmp_path: Path, text: str) -> None:
    assert all(problem.hint for problem in problems_of(write(tmp_path, text)))
