"""Which models are measured where, and which of them are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from compressor.chain.stages import Measure
from compressor.recipe.benchmark import Precision, Target, WorkloadConfig
from compressor.recipe.recipe import Recipe

__all__ = ["compared_pairs", "deciding_measures", "plan_measures"]


def plan_measures(
    recipe: Recipe, data: Mapping[str, str], *, max_length: int, skipped: Mapping[str, str]
) -> tuple[Measure, ...]:
    """Every variant on every target that is here, and PyTorch once on each place that these compare with."""
    return tuple(_measures(recipe, data, max_length, skipped))


def _measures(
    recipe: Recipe, data: Mapping[str, str], max_length: int, skipped: Mapping[str, str]
) -> Iterator[Measure]:
    """The stages in order. The baseline is there for its accuracy only, once."""
    outputs = {"outputs": "label"} if recipe.teacher and recipe.data else {}
    targets = [target for target in recipe.benchmark.targets if target.name not in skipped]

    def stage(
        subject: str,
        model: str,
        engine: Literal["onnxruntime", "torch"],
        target: Target,
        workloads: tuple[WorkloadConfig, ...],
        precision: Precision = "fp32",
    ) -> Measure:
        return Measure(
            name=f"measure/{subject}@{target.name}",
            inputs={"model": model, **data, **outputs},
            task=recipe.task,
            subject=subject,
            engine=engine,
            precision=precision,
            target=target,
            workloads=workloads,
            max_length=max_length,
            seed=recipe.seed,
            trust_remote_code=recipe.trusts_teacher if model == "teach" else recipe.trusts_student,
        )

    workloads = recipe.benchmark.workloads
    done: set[str] = set()
    for number, target in enumerate(targets):
        reference = target.reference
        wanted = recipe.benchmark.references and reference.name not in done
        done.add(reference.name)
        if wanted and recipe.teacher:
            for subject, precision in _teachers(recipe):
                yield stage(subject, "teach", "torch", reference, workloads, precision)
        if recipe.distill and recipe.distill.baseline and number == 0:
            yield stage("baseline", "baseline", "torch", reference, ())
        if wanted:
            yield stage("student", "distill" if recipe.distill else "student", "torch", reference, workloads)
        yield stage("fp32", "export", "onnxruntime", target, workloads)
        for section in recipe.quantize:
            yield stage(section.name, f"quantize/{section.name}", "onnxruntime", target, workloads)


def _teachers(recipe: Recipe) -> Iterator[tuple[str, Precision]]:
    """The teacher in each precision: the first is the one that gates compare with, and bears the plain name."""
    for number, precision in enumerate(recipe.benchmark.reference_precisions):
        yield (f"teacher-{precision}" if number else "teacher"), precision


def compared_pairs(measures: Sequence[Measure]) -> tuple[tuple[str, str], ...]:
    """Names of stages, each with that of the model it was made of or is to be better than, on the same place."""
    names = {(stage.subject, stage.target.name): stage.name for stage in measures}
    against = {"baseline": "student", "fp32": "student"}
    pairs = []
    for stage in measures:
        model = against.get(stage.subject, "teacher" if stage.engine == "torch" else "fp32")
        places = (stage.target.name, stage.target.reference.name)
        found = next((names[model, place] for place in places if (model, place) in names), stage.name)
        if found != stage.name:
            pairs.append((stage.name, found))
    return tuple(pairs)


def deciding_measures(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    """Those on the first target that is here, by which the shipped variant is chosen, and on its reference."""
    first = next((stage.target for stage in measures if stage.engine == "onnxruntime"), None)
    if first is None:
        return ()
    reference = first.reference.name
    return tuple(
        stage for stage in measures if stage.target.name == (reference if stage.engine == "torch" else first.name)
    )
