"""Which models are measured where, and which of them are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compressor.bench.results import reference_role
from compressor.chain.nodes import ModelNode, model_nodes
from compressor.chain.stages import Measure
from compressor.recipe.benchmark import Target
from compressor.recipe.recipe import Recipe

__all__ = ["compared_pairs", "deciding_measures", "plan_measures"]


def plan_measures(
    recipe: Recipe, data: Mapping[str, str], *, max_length: int, skipped: Mapping[str, str]
) -> tuple[Measure, ...]:
    """Every variant on every target that is here, and PyTorch once on each place that these compare with."""
    outputs = {"outputs": "label"} if recipe.teacher and recipe.data else {}
    targets = [target for target in recipe.benchmark.targets if target.name not in skipped]
    return tuple(
        Measure(
            name=f"measure/{node.name}@{target.name}",
            inputs={"model": node.stage, **data, **outputs},
            task=recipe.task,
            subject=node.name,
            role=node.role,
            parent=node.parent,
            engine=node.engine,
            precision=node.precision,
            target=target,
            # The baseline is there for its accuracy only.
            workloads=() if node.role == "baseline" else recipe.benchmark.workloads,
            max_length=max_length,
            seed=recipe.seed,
            trust_remote_code=recipe.trusts_teacher if node.role == "teacher" else recipe.trusts_student,
        )
        for node, target in _placed(recipe, targets)
    )


def _placed(recipe: Recipe, targets: Sequence[Target]) -> Iterator[tuple[ModelNode, Target]]:
    """Models and where they are measured, in order."""
    done: set[str] = set()
    for number, target in enumerate(targets):
        reference = target.reference
        wanted = recipe.benchmark.references and reference.name not in done
        done.add(reference.name)
        for node in model_nodes(recipe):
            if node.role == "variant":
                yield node, target
            elif number == 0 if node.role == "baseline" else wanted:
                yield node, reference


def compared_pairs(measures: Sequence[Measure]) -> tuple[tuple[str, str], ...]:
    """Names of stages, each with that of the model's parent on the same place, and with that of the reference model.

    A teacher needs no pairs: its answers are known before anything is measured, and `Measure` compares with them.
    """
    names = {(stage.subject, stage.target.name): stage.name for stage in measures}
    role = reference_role(stage.role for stage in measures)
    references = {stage.subject for stage in measures if stage.role == role != "teacher"}
    pairs = []
    for stage in measures:
        places = (stage.target.name, stage.target.reference.name)
        for subject in dict.fromkeys((stage.parent, *references)):
            found = (names[subject, place] for place in places if subject and (subject, place) in names)
            if (other := next(found, None)) and subject != stage.subject:
                pairs.append((stage.name, other))
    return tuple(pairs)


def deciding_measures(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    """The variants on the first target that is here, by which one is chosen, and what they compare with."""
    first = next((stage.target for stage in measures if stage.engine == "onnxruntime"), None)
    if first is None:
        return ()
    variants = (stage for stage in measures if stage.engine == "onnxruntime" and stage.target.name == first.name)
    references = (stage for stage in measures if stage.subject in ("teacher", "student"))
    return (*(stage for stage in references if stage.target.name == first.reference.name), *variants)
