from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from compressor.bench.results import Difference, GateVerdict, Interval, Measurement, Skipped, VariantDifference
from compressor.chain.assemble import assemble, choose, verdicts
from compressor.chain.measurement import write_differences, write_measurement
from compressor.engine.artifact import Artifact, Made, seal
from compressor.recipe import Recipe
from tests.chain import recipes
from tests.engine.fakes import fake_key
from tests.report.sample import measurement


@pytest.fixture
def recipe(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> Recipe:
    """Variants fp32, int8 and small."""
    full = recipes.full(reviews_csv, encoder_folder)
    full["quantize"] = [{"name": "int8", "method": "dynamic"}, {"name": "small", "method": "dynamic"}]
    full["gates"] = {"accuracy_retained": ">= 0.95"}
    return recipes.load(tmp_path, full)


def found(**p50: float) -> list[Measurement]:
    """A teacher of 90% and variants with this median latency; `small` answers worst and is the smallest."""
    accuracy = {"teacher": 0.9, "student": 0.88, "fp32": 0.88, "int8": 0.87, "small": 0.7}
    size = {"teacher": 90.0, "student": 60.0, "fp32": 60.0, "int8": 15.0, "small": 8.0}
    engines = {"teacher": "torch", "student": "torch"}
    return [
        measurement(name, engines.get(name, "onnxruntime"), accuracy[name], p50[name], size[name], 9.0) for name in p50
    ]


def decided(recipe: Recipe, measurements: list[Measurement]) -> tuple[str, tuple[GateVerdict, ...]]:
    """The variant that ships, and its gates' verdicts."""
    chosen = choose(recipe, measurements)
    return chosen, verdicts(recipe, measurements, chosen)


def test_the_fastest_of_those_that_pass_is_chosen(recipe: Recipe) -> None:
    chosen, gates = decided(recipe, found(teacher=9, student=5, fp32=3, int8=1, small=0.5))
    assert chosen == "int8"
    assert [(gate.name, gate.passed) for gate in gates] == [("accuracy_retained", True)]


def test_a_slower_variant_is_chosen_where_only_it_passes(recipe: Recipe) -> None:
    measured = [m for m in found(teacher=9, student=5, fp32=3, int8=1, small=0.5) if m.subject != "int8"]
    assert decided(recipe, measured)[0] == "fp32"


def test_where_none_passes_the_fastest_is_chosen_and_its_gate_fails(recipe: Recipe) -> None:
    strict = recipe.model_copy(update={"gates": recipe.gates.model_copy(update={"accuracy_retained": ">= 1.5"})})
    chosen, gates = decided(strict, found(teacher=9, student=5, fp32=3, int8=1, small=0.5))
    assert chosen == "small"
    assert not gates[0].passed


def test_of_two_as_fast_the_smaller_is_chosen(recipe: Recipe) -> None:
    free = recipe.model_copy(update={"gates": recipe.gates.model_copy(update={"accuracy_retained": None})})
    assert decided(free, found(fp32=1, int8=1, small=1))[0] == "small"


def test_the_recipe_has_the_last_word(recipe: Recipe) -> None:
    named = recipe.model_copy(update={"bundle": recipe.bundle.model_copy(update={"variant": "small"})})
    chosen, gates = decided(named, found(teacher=9, student=5, fp32=3, int8=1, small=0.5))
    assert chosen == "small"
    assert not gates[0].passed


def test_where_nothing_was_measured_the_gates_do_not_hold_and_say_so(recipe: Recipe) -> None:
    chosen, gates = decided(recipe, [])
    assert chosen in ("fp32", "int8", "small")
    assert [(gate.passed, gate.reason) for gate in gates] == [(False, "not measured")]


def test_only_the_first_target_that_is_here_decides(recipe: Recipe) -> None:
    here = found(teacher=9, student=5, fp32=3, int8=1, small=2)
    absent = [replace(m, target="cuda", skipped=Skipped("no GPU")) for m in here]
    elsewhere = [replace(m, target="cpu-2") for m in found(teacher=9, student=5, fp32=0.1, int8=4, small=2)]
    assert decided(recipe, [*absent, *here, *elsewhere])[0] == "int8"


def test_a_target_pytorch_cannot_run_on_is_compared_with_pytorch_on_the_same_device(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    full = recipes.full(reviews_csv, encoder_folder)
    full["benchmark"]["targets"] = [{"device": "cuda", "io_binding": True}, {"device": "cpu"}]
    full["gates"] = {"speedup": ">= 2", "accuracy_retained": ">= 0.9"}
    bound = [
        replace(found, target="cuda-bound" if found.engine == "onnxruntime" else "cuda")
        for found in found(teacher=9, student=5, fp32=3, int8=1)
    ]
    elsewhere = found(teacher=90, student=50, fp32=0.3, int8=0.1)
    chosen, gates = decided(recipes.load(tmp_path, full), [*bound, *elsewhere])
    assert chosen == "int8"
    assert [(gate.name, gate.value) for gate in gates][-1] == ("speedup", 9.0)


def test_a_gate_says_why_there_is_nothing_to_compare_with(recipe: Recipe) -> None:
    measured = found(teacher=9, student=5, fp32=3, int8=1, small=2)
    lacking = [
        replace(m, skipped=Skipped("no CUDA build"), accuracy=None) if m.subject == "teacher" else m for m in measured
    ]
    _, gates = decided(recipe, lacking)
    assert [(gate.passed, gate.reason) for gate in gates] == [
        (False, "the teacher was not measured in PyTorch: no CUDA build")
    ]


def test_without_a_teacher_gates_compare_with_the_model_in_pytorch(
    tmp_path: Path, reviews_csv: Path, classifier_folder: Path
) -> None:
    alone = recipes.finished(reviews_csv, classifier_folder)
    alone["gates"] = {"quality_retained": ">= 0.98", "quality_lost": "<= 2", "speedup": ">= 2"}
    _, gates = decided(recipes.load(tmp_path, alone), found(student=5, fp32=3, int8=1))
    assert [(gate.name, gate.value, gate.passed) for gate in gates] == [
        ("quality_retained", pytest.approx(0.87 / 0.88), True),
        ("quality_lost", pytest.approx(1), True),
        ("speedup", 5.0, True),
    ]


def test_without_a_teacher_accuracies_carry_their_difference_from_the_model_in_pytorch(
    tmp_path: Path, reviews_csv: Path, classifier_folder: Path
) -> None:
    recipe = recipes.load(tmp_path, recipes.finished(reviews_csv, classifier_folder))
    apart = Difference(-0.01, Interval(-0.02, 0.0), 1, 6, 0.1)
    others = [
        VariantDifference("int8", reference, "cpu-1", "accuracy", replace(apart, value=value))
        for reference, value in (("fp32", -0.5), ("student", -0.01))
    ]
    student, int8 = found(student=5, int8=1)
    artifacts = {
        "measure/student@cpu-1": sealed(tmp_path / "student", measured=student),
        "measure/int8@cpu-1": sealed(tmp_path / "int8", measured=int8),
        "differences": sealed(tmp_path / "differences", differences=others),
    }
    report = assemble(recipe, artifacts, chosen="int8", labels=["bad", "good"], skipped={})
    assert [one.accuracy.difference if one.accuracy else None for one in report.measurements] == [None, apart]


def sealed(
    folder: Path,
    measured: Measurement | None = None,
    weights: int = 0,
    differences: Sequence[VariantDifference] = (),
) -> Artifact:
    folder.mkdir()
    if differences:
        write_differences(differences, folder)
    if measured is not None:
        write_measurement(measured, folder)
    if weights:
        (folder / "model.onnx").write_bytes(b"x" * weights)
    seal(folder, stage=folder.name, key=fake_key({}), made=Made({}, 1.0))
    return Artifact.read(folder)


def test_a_model_weighs_what_it_weighs_on_a_target_that_is_not_there(recipe: Recipe, tmp_path: Path) -> None:
    skipped = {"cuda": "no GPU"}
    (int8,) = found(int8=1)
    artifacts = {"quantize/int8": sealed(tmp_path / "quantize", weights=2_500_000)}
    nowhere = assemble(recipe, artifacts, chosen="int8", labels=["bad", "good"], skipped=skipped)
    assert [(one.target, one.size.model_mb) for one in nowhere.measurements] == [("cuda", 2.5)]
    artifacts["measure/int8@cpu-1"] = sealed(tmp_path / "measure", measured=int8)
    somewhere = assemble(recipe, artifacts, chosen="int8", labels=["bad", "good"], skipped=skipped)
    assert [(one.target, one.size.model_mb) for one in somewhere.measurements] == [("cpu-1", 15.0), ("cuda", 15.0)]
    assert somewhere.measurements[1].role == "variant"
