from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compressor.chain import plan as module
from compressor.chain.plan import RecipePlan, make_plan
from compressor.chain.stages import Differences, Measure
from compressor.errors import HashMismatch, SourceError, TargetUnavailable
from tests.chain import recipes

Planned = Callable[..., RecipePlan]


@pytest.fixture
def planned(tmp_path: Path, reviews_csv: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """The plan of the full recipe, with overrides; this machine has no GPU, whatever it has."""
    monkeypatch.setattr(module, "target_reason", lambda target: "no GPU" if target.device == "cuda" else None)
    recipe = recipes.full(reviews_csv, encoder_folder)
    return lambda *overrides: make_plan(recipes.load(tmp_path, recipe, *overrides))


@pytest.fixture
def finished(tmp_path: Path, classifier_folder: Path) -> Planned:
    """The plan of a finished student, without teacher, training and data."""
    recipe: dict[str, Any] = {
        "name": "tiny",
        "student": {"init": str(classifier_folder)},
        "quantize": [{"method": "dynamic"}],
        "benchmark": {"workloads": [{"kind": "grid", "sequence": [8]}]},
    }
    return lambda *overrides: make_plan(recipes.load(tmp_path, recipe, *overrides))


def names(plan: RecipePlan) -> list[str]:
    return [stage.name for stage in plan.stages]


def inputs(plan: RecipePlan, name: str) -> dict[str, str]:
    return dict(next(stage for stage in plan.stages if stage.name == name).inputs)


CHAIN = ["prepare", "teach", "label", "student", "distill", "export", "quantize/int8"]


def test_the_full_chain(planned: Planned) -> None:
    plan = planned()
    measures = [f"measure/{subject}@cpu-1" for subject in ("teacher", "student", "fp32", "int8")]
    assert names(plan) == [*CHAIN, *measures, "differences", "evaluate", "bundle"]
    assert inputs(plan, "student") == {"data": "prepare", "teacher": "teach"}
    assert inputs(plan, "distill") == {"data": "prepare", "student": "student", "teacher": "teach", "outputs": "label"}
    assert inputs(plan, "measure/int8@cpu-1") == {"model": "quantize/int8", "data": "prepare", "outputs": "label"}
    assert set(inputs(plan, "bundle")) == {*CHAIN, *measures, "differences", "evaluate"}


def test_every_stage_reads_only_what_comes_before_it(planned: Planned) -> None:
    plan = planned("distill.baseline=true", "benchmark.targets=[{threads: 1}, {threads: 2}]")
    for index, stage in enumerate(plan.stages):
        assert set(stage.inputs.values()) <= set(names(plan)[:index])
    assert len(set(names(plan))) == len(names(plan))


def test_a_baseline_is_trained_without_a_teacher_and_scored_once(planned: Planned, encoder_folder: Path) -> None:
    targets = "benchmark.targets=[{threads: 1}, {threads: 2}]"
    plan = planned("distill.baseline=true", f"student.init={encoder_folder}", targets)
    assert inputs(plan, "baseline") == {"data": "prepare", "student": "student"}
    baseline = next(stage for stage in plan.stages if stage.name == "baseline")
    assert [objective["kind"] for objective in baseline.config["distill"]["objectives"]] == ["hard-labels"]
    assert [name for name in names(plan) if "baseline@" in name] == ["measure/baseline@cpu-1"]


def test_a_baseline_of_pairs_without_a_score_is_trained_to_tell_pairs_apart(planned: Planned) -> None:
    pairs = ["task=sentence-embedding", "data.columns={text: text, text_pair: label}", "gates=null"]
    given = "distill.objectives=[{kind: soft-targets}, {kind: contrastive, temperature: 0.1, weight: 0.2}]"
    for objectives, temperature in (("distill.objectives=[{kind: soft-targets}]", 0.05), (given, 0.1)):
        plan = planned(*pairs, "distill.baseline=true", objectives)
        baseline = next(stage for stage in plan.stages if stage.name == "baseline")
        assert inputs(plan, "baseline") == {"data": "prepare", "student": "student"}
        (objective,) = baseline.config["distill"]["objectives"]
        assert objective == {"kind": "contrastive", "weight": 1.0, "temperature": temperature, "symmetric": False}


def test_students_that_ask_no_teacher_do_not_wait_for_it(planned: Planned, encoder_folder: Path) -> None:
    plan = planned("teacher=null", f"student.init={encoder_folder}", "distill.objectives=[{kind: hard-labels}]")
    assert names(plan)[:4] == ["prepare", "student", "distill", "export"]
    assert inputs(plan, "distill") == {"data": "prepare", "student": "student"}
    assert inputs(plan, "measure/fp32@cpu-1") == {"model": "export", "data": "prepare"}


def test_variants_are_tried_on_training_texts_where_there_are_any(planned: Planned, finished: Planned) -> None:
    plan = planned()
    assert inputs(plan, "quantize/int8") == {"export": "export", "data": "prepare"}
    config = plan.keys["quantize/int8"].document["config"]
    assert (config["max_length"], config["task"]) == (32, "text-classification")
    assert inputs(finished(), "quantize/int8") == {"export": "export"}


def test_accuracy_control_reads_the_data_and_leaves_keys_of_others_alone(planned: Planned) -> None:
    before, after = planned(), planned("quantize.0.control={quality_lost: '<= 0.3'}")
    assert inputs(after, "quantize/int8") == {"export": "export", "data": "prepare"}
    documents = [plan.keys["quantize/int8"].document["config"] for plan in (before, after)]
    assert not {"control", "keep_float"} & set(documents[0])
    assert documents[1]["control"]["quality_lost"] == "<= 0.3"


def test_a_finished_student_is_only_exported_and_measured(finished: Planned) -> None:
    plan = finished()
    measures = [f"measure/{subject}@cpu-1" for subject in ("student", "fp32", "int8")]
    assert names(plan) == ["student", "export", "quantize/int8", *measures, "bundle"]
    assert inputs(plan, "export") == {"model": "student"}


def test_without_data_the_export_says_where_texts_are_cut(finished: Planned) -> None:
    assert finished().keys["export"].document["config"]["max_length"] == 128
    assert finished("export.max_length=512").keys["export"].document["config"]["max_length"] == 512


def test_every_variant_is_measured_on_every_target(planned: Planned) -> None:
    plan = planned(
        "quantize=[{name: a, method: dynamic}, {name: b, method: dynamic, embeddings: false}]",
        "benchmark.targets=[{threads: 1}, {threads: 2}]",
        "benchmark.references=false",
    )
    measured = {name.removeprefix("measure/") for name in names(plan) if name.startswith("measure/")}
    assert measured == {f"{variant}@cpu-{threads}" for variant in ("fp32", "a", "b") for threads in (1, 2)}


def references(plan: RecipePlan) -> list[str]:
    """What of PyTorch is measured: `teacher@cpu-1`."""
    measures = [stage for stage in plan.stages if isinstance(stage, Measure) and stage.engine == "torch"]
    return [f"{stage.subject}@{stage.target.name}" for stage in measures]


def test_each_precision_of_the_teacher_is_a_row_of_its_own(planned: Planned) -> None:
    plan = planned("benchmark.reference_precisions=[fp32, bf16]")
    assert references(plan) == ["teacher@cpu-1", "teacher-bf16@cpu-1", "student@cpu-1"]
    assert inputs(plan, "measure/teacher-bf16@cpu-1")["model"] == "teach"
    assert plan.keys["measure/teacher-bf16@cpu-1"].document["config"]["precision"] == "bf16"
    swapped = planned("benchmark.reference_precisions=[bf16]")
    assert references(swapped) == ["teacher@cpu-1", "student@cpu-1"]
    assert swapped.keys["measure/teacher@cpu-1"].document["config"]["precision"] == "bf16"


@pytest.mark.parametrize(
    ("targets", "places"),
    [
        ("[{}, {arena: false}, {spinning: true}]", ["cpu-1", "cpu-1-spin"]),
        ("[{arena: false}, {}, {affinity: [0]}]", ["cpu-1", "cpu-1-on-0"]),
        ("[{device: cuda}, {device: cuda, io_binding: true}, {device: tensorrt}]", ["cuda"]),
        ("[{device: tensorrt}, {device: openvino, threads: 2}]", ["cuda", "cpu-2"]),
    ],
)
def test_pytorch_is_measured_once_on_each_place_that_variants_compare_with(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, targets: str, places: list[str]
) -> None:
    monkeypatch.setattr(module, "target_reason", lambda target: None)
    plan = planned(f"benchmark.targets={targets}")
    assert references(plan) == [f"{subject}@{place}" for place in places for subject in ("teacher", "student")]
    variants = [name for name in names(plan) if name.startswith("measure/fp32@")]
    assert variants == [f"measure/fp32@{target.name}" for target in plan.recipe.benchmark.targets]


def pairs(plan: RecipePlan) -> list[str]:
    """What is compared with what: `fp32@cpu-1 student@cpu-1`."""
    found = next(stage for stage in plan.stages if isinstance(stage, Differences))
    return [" ".join(name.removeprefix("measure/") for name in pair) for pair in found.pairs]


def test_each_model_is_compared_with_what_it_was_made_of(planned: Planned) -> None:
    plan = planned("distill.baseline=true", "benchmark.reference_precisions=[fp32, bf16]", "benchmark.targets=[{}]")
    assert pairs(plan) == [
        "teacher-bf16@cpu-1 teacher@cpu-1",
        "baseline@cpu-1 student@cpu-1",
        "student@cpu-1 teacher@cpu-1",
        "fp32@cpu-1 student@cpu-1",
        "int8@cpu-1 fp32@cpu-1",
    ]


def test_where_pytorch_cannot_run_variants_are_compared_with_it_on_the_same_device(planned: Planned) -> None:
    plan = planned("benchmark.targets=[{arena: false}, {threads: 2}]")
    assert pairs(plan) == [
        "student@cpu-1 teacher@cpu-1",
        "fp32@cpu-1-no-arena student@cpu-1",
        "int8@cpu-1-no-arena fp32@cpu-1-no-arena",
        "student@cpu-2 teacher@cpu-2",
        "fp32@cpu-2 student@cpu-2",
        "int8@cpu-2 fp32@cpu-2",
    ]


def test_without_references_variants_are_still_compared_with_fp32(planned: Planned) -> None:
    assert pairs(planned("benchmark.references=false")) == ["int8@cpu-1 fp32@cpu-1"]
    assert "differences" not in names(planned("benchmark.references=false", "quantize=[]"))


def test_a_reference_that_cannot_be_measured_stops_no_run(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "target_reason", lambda target: None)
    plan = planned("benchmark.targets=[{device: cuda, required: true}]")
    required = {stage.name: stage.target.required for stage in plan.stages if isinstance(stage, Measure)}
    assert required["measure/fp32@cuda"]
    assert not required["measure/teacher@cuda"]


def test_a_target_that_is_not_here_is_left_out_with_its_reason(planned: Planned) -> None:
    plan = planned("benchmark.targets=[{device: cpu}, {device: cuda}]")
    assert dict(plan.skipped) == {"cuda": "no GPU"}
    assert not [name for name in names(plan) if name.endswith("@cuda")]


def test_a_required_target_that_is_not_here_stops_before_anything_runs(planned: Planned) -> None:
    with pytest.raises(TargetUnavailable, match="cuda is required and not here: no GPU"):
        planned("benchmark.targets=[{device: cuda, required: true}]")


def changed(planned: Planned, *overrides: str, before: tuple[str, ...] = ()) -> set[str]:
    """Stages whose keys an override changes."""
    old, new = planned(*before), planned(*before, *overrides)
    return {name for name in names(new) if name not in old.keys or old.keys[name].digest != new.keys[name].digest}


STUDENT = {"distill", "export", "quantize/int8", "differences", "evaluate", "bundle"} | {
    f"measure/{subject}@cpu-1" for subject in ("student", "fp32", "int8")
}
ALL = {
    *CHAIN,
    "differences",
    "evaluate",
    "bundle",
    *(f"measure/{subject}@cpu-1" for subject in ("teacher", "student", "fp32", "int8")),
}


@pytest.mark.parametrize(
    ("override", "stages"),
    [
        ("distill.epochs=9", STUDENT),
        ("distill.objectives.0={kind: soft-targets, temperature: 8}", STUDENT),
        ("student.layers=[0]", {"student"} | STUDENT),
        ("teacher.finetune.epochs=9", ALL - {"prepare"}),
        ("data.split={test: 0.2}", ALL),
        ("data.max_length=16", ALL - {"prepare"}),
        ("seed=14", ALL),
        ("quantize.0.per_channel=false", {"quantize/int8", "measure/int8@cpu-1", "differences", "evaluate", "bundle"}),
        ("benchmark.workloads=[{kind: dataset}]", ALL - set(CHAIN)),
        ("gates={size_mb: '<= 1'}", {"evaluate", "bundle"}),
        ("bundle.golden=3", {"bundle"}),
        ("bundle.examples=false", {"evaluate", "bundle"}),
        ("name=other", {"bundle"}),
        ("distill.baseline=true", {"baseline", "measure/baseline@cpu-1", "differences", "bundle"}),
        ("benchmark.targets.0.required=true", {"bundle"}),
    ],
)
def test_a_setting_changes_only_what_depends_on_it(planned: Planned, override: str, stages: set[str]) -> None:
    assert changed(planned, override) == stages


def test_nothing_changes_by_itself(planned: Planned) -> None:
    assert changed(planned) == set()


def test_what_a_file_holds_counts_and_not_where_it_lies(planned: Planned, tmp_path: Path, reviews_csv: Path) -> None:
    elsewhere = tmp_path / "elsewhere.csv"
    shutil.copy(reviews_csv, elsewhere)
    assert changed(planned, f"data.source={elsewhere}") == {"bundle"}
    with elsewhere.open("a", encoding="utf-8") as file:
        file.write("one more good film,good\n")
    assert changed(planned, f"data.source={elsewhere}") == ALL


def test_a_model_folder_counts_by_its_content(planned: Planned, tmp_path: Path, encoder_folder: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(encoder_folder, elsewhere)
    assert changed(planned, f"teacher.model={elsewhere}") == {"bundle"}
    (elsewhere / "config.json").write_text("{}", encoding="utf-8")
    assert changed(planned, f"teacher.model={elsewhere}") == ALL - {"prepare"}


def test_only_measurements_are_bound_to_this_machine(planned: Planned) -> None:
    plan = planned()
    assert {name for name in names(plan) if plan.keys[name].document["host"]} == {
        name for name in names(plan) if name.startswith("measure/")
    }


def test_the_name_of_a_variant_is_no_part_of_how_it_is_made(planned: Planned) -> None:
    renamed = planned("quantize.0.name=small").keys["quantize/small"]
    assert renamed.digest == planned().keys["quantize/int8"].digest


def test_a_source_that_is_not_there_stops_the_plan(planned: Planned, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.csv"):
        planned(f"data.source={tmp_path / 'nowhere.csv'}")


def test_a_pinned_file_that_differs_stops_the_plan(planned: Planned) -> None:
    with pytest.raises(HashMismatch, match="sha256"):
        planned(f"data.sha256={'a' * 64}")


def test_descendants_are_found_however_far(planned: Planned) -> None:
    plan = planned()
    assert plan.descendants({"label"}) == ALL - {"prepare", "teach", "student"}
    after = {"quantize/int8", "measure/int8@cpu-1", "differences", "evaluate", "bundle"}
    assert plan.descendants({"quantize/int8"}) == after
    assert plan.descendants({"bundle"}) == {"bundle"}


def test_phases_follow_each_other_and_only_those_that_ask_wait_for_the_teacher(planned: Planned) -> None:
    phases = "[{objectives: [{kind: hidden-states}]}, {epochs: 1, objectives: [{kind: hard-labels}]}, {}]"
    plan = planned(f"distill.phases={phases}", "distill.learning_rate=0.5")
    assert [name for name in names(plan) if "distill" in name] == ["distill/1", "distill/2", "distill"]
    assert inputs(plan, "distill/1")["student"] == "student" and "teacher" in inputs(plan, "distill/1")
    assert inputs(plan, "distill/2") == {"data": "prepare", "student": "distill/1"}
    assert inputs(plan, "distill")["student"] == "distill/2" and inputs(plan, "export")["model"] == "distill"
    first, second, last = (next(s for s in plan.stages if s.name == n) for n in ("distill/1", "distill/2", "distill"))
    assert [stage.section.learning_rate for stage in (first, second, last)] == [0.5] * 3  # type: ignore[attr-defined]
    assert [o.kind for o in last.section.objectives] == ["soft-targets", "hard-labels"]  # type: ignore[attr-defined]


def test_settings_that_came_later_and_are_not_used_change_no_key(planned: Planned) -> None:
    stage = next(stage for stage in planned().stages if stage.name == "distill")
    section: Any = stage.config["distill"]
    assert not {"layer_decay", "dropout", "until", "phases"} & set(section)
    digests = [planned(*changed).keys["distill"].digest for changed in ((), ("distill.phases=[]",))]
    assert digests[0] == digests[1] != planned("distill.layer_decay=0.9").keys["distill"].digest


def test_the_bundle_alone_makes_the_files_of_a_platform(planned: Planned) -> None:
    """What is measured is the variant, wherever it will live."""
    assert changed(planned, "quantize=[{platform: arm64}]") == set()
    assert changed(planned, "quantize=[{platform: mobile}]") == {"bundle"}


def test_another_seed_of_the_student_leaves_data_and_teacher_as_they_are(planned: Planned) -> None:
    before, after = planned(), planned("distill.seed=7")
    changed = {name for name in before.keys if before.keys[name].digest != after.keys[name].digest}
    assert {"student", "distill", "export"} <= changed and not {"prepare", "teach", "label"} & changed
    same = planned(f"distill.seed={before.recipe.seed}")
    assert before.keys["distill"].digest == same.keys["distill"].digest


def test_a_part_that_is_trained_for_a_variant_is_kept_by_how_that_one_rounds(planned: Planned) -> None:
    def digests(variant: str, *more: str) -> list[str]:
        phases = "distill.phases=[{epochs: 2}, {epochs: 1, quantization_aware: small}]"
        keys = planned(phases, f"quantize=[{{name: int8, method: dynamic}}, {variant}]", *more).keys
        return [keys[name].digest for name in ("distill/1", "distill")]

    plain = planned("distill.phases=[{epochs: 2}, {epochs: 1}]").keys
    four = digests("{name: small, method: weights, bits: 4}")
    two = digests("{name: small, method: weights, bits: 2}")
    assert four[0] == two[0] == plain["distill/1"].digest
    assert len({four[1], two[1], plain["distill"].digest}) == 3
    # What is chosen when the training is over isn't part of it.
    controlled = '{name: small, method: weights, bits: 2, control: {quality_lost: "<= 1"}}'
    assert digests(controlled) == two


def test_the_baseline_is_trained_for_the_variant_too(planned: Planned) -> None:
    plan = planned("distill.quantization_aware=int8", "distill.baseline=true")
    stages = {stage.name: stage for stage in plan.stages}
    assert [stages[name].variant.name for name in ("distill", "baseline")] == ["int8", "int8"]  # type: ignore[attr-defined]
