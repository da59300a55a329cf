"""From the artifacts of a run to its report: which variant is chosen, which gates hold, what everything cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from compressor.bench import environment, evaluate_gates
from compressor.bench.gates import Audited
from compressor.bench.results import GateVerdict, Measurement, Role, Size, Skipped, VariantDifference
from compressor.chain.cascade_finding import cascade_finding
from compressor.chain.findings import read_findings
from compressor.chain.measurement import read_differences, read_measurements
from compressor.chain.nodes import model_nodes, reference_node, variants
from compressor.chain.price_finding import price_finding
from compressor.engine.artifact import Artifact
from compressor.recipe.recipe import Recipe
from compressor.report.blocks import Finding
from compressor.report.document import RunReport, StageRecord

__all__ = ["assemble", "choose", "verdicts"]


def choose(recipe: Recipe, measurements: Sequence[Measurement]) -> str:
    """The variant that answers by default, by what was found on the first target that is here.

    That is the recipe's `bundle.variant`; else the fastest of those that pass every gate; else the fastest of all.
    """
    if recipe.bundle.variant:
        return recipe.bundle.variant
    names = [node.name for node in variants(recipe)]
    passing = [name for name in names if all(gate.passed for gate in verdicts(recipe, measurements, name))]
    here = _decisive(recipe, measurements)
    return min(passing or names, key=lambda name: _speed(here.get(("variant", name))))


def verdicts(
    recipe: Recipe, measurements: Sequence[Measurement], variant: str, audited: Audited | None = None
) -> tuple[GateVerdict, ...]:
    """Whether each gate of the recipe holds for a variant, on the first target that is here.

    Args:
        audited: what its audit found; None: only the chosen one is audited, so gates on that are left out.
    """
    here = _decisive(recipe, measurements)
    first = {node.role: here.get((node.role, node.name)) for node in reversed(model_nodes(recipe))}
    return tuple(
        evaluate_gates(
            recipe.gates,
            variant=here.get(("variant", variant)),
            fp32=first["variant"],
            reference=first[reference_node(recipe).role],
            student=first["student"],
            audited=audited,
        )
    )


def _decisive(recipe: Recipe, measurements: Sequence[Measurement]) -> dict[tuple[Role | None, str], Measurement]:
    """By role and name: the variants on the first target that is here, and the references these compare with."""
    made = [found for found in measurements if found.role == "variant" and found.skipped is None]
    if not made:
        return {}
    first = made[0].target
    reference = next((target.reference.name for target in recipe.benchmark.targets if target.name == first), first)
    return {
        (found.role, found.subject): found
        for found in measurements
        if (found.target == first and found in made) or (found.target == reference and found.role != "variant")
    }


def _speed(measurement: Measurement | None) -> tuple[float, float]:
    """Sort key: median latency of the first workload, then size; what wasn't measured comes last."""
    if measurement is None:
        return float("inf"), float("inf")
    latency = measurement.latency() or next(iter(measurement.latencies), None)
    return (latency.model.p50_ms if latency else float("inf")), measurement.size.model_mb


def assemble(
    recipe: Recipe,
    artifacts: Mapping[str, Artifact],
    *,
    chosen: str,
    labels: Sequence[str],
    skipped: Mapping[str, str],
    cached: Collection[str] = (),
) -> RunReport:
    """Put together what the stages found.

    Args:
        artifacts: name of the stage -> its artifact, in the order they ran.
        chosen: the variant that ships.
        labels: names of what the model answers.
        skipped: name of a target that isn't here -> why.
        cached: names of the stages that were found finished.
    """
    differences = read_differences(artifacts.values())
    reference = reference_node(recipe).name
    measurements = list(_with_differences(read_measurements(artifacts.values()), differences, reference))
    absent = [
        Measurement(
            subject=chosen,
            engine="onnxruntime",
            target=target,
            size=_size(recipe, artifacts, measurements, chosen),
            skipped=Skipped(reason),
            role="variant",
        )
        for target, reason in skipped.items()
    ]
    return RunReport(
        name=recipe.name,
        task=recipe.task,
        labels=tuple(labels),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        chosen=chosen,
        measurements=(*measurements, *absent),
        gates=verdicts(recipe, measurements, chosen, _audited(artifacts)),
        stages=tuple(
            StageRecord(name, artifact.key, name in cached, artifact.seconds, artifact.facts, artifact.peak_mb)
            for name, artifact in artifacts.items()
        ),
        environment=environment(),
        differences=tuple(differences),
        findings=(
            *_cascade(recipe, artifacts, measurements),
            *_price(recipe, measurements, chosen),
            *read_findings(artifacts.values()),
        ),
    )


def _audited(artifacts: Mapping[str, Artifact]) -> Audited:
    facts = artifacts["audit"].facts if "audit" in artifacts else {}
    return Audited(facts.get("figures", {}), facts.get("unchecked", {}))


def _cascade(
    recipe: Recipe, artifacts: Mapping[str, Artifact], measurements: Sequence[Measurement]
) -> Iterator[Finding]:
    """What other thresholds would bring: known once the cascade and its second student are measured."""
    if recipe.cascade is None:
        return
    here = _decisive(recipe, measurements)
    measured = {name: found for (role, name), found in here.items() if role == "variant"}
    reference = reference_node(recipe)
    yield cascade_finding(
        recipe.cascade, artifacts["cascade"].facts, measured, here.get((reference.role, reference.name))
    )


def _price(recipe: Recipe, measurements: Sequence[Measurement], chosen: str) -> Iterator[Finding]:
    if (price := recipe.benchmark.price_per_hour) is not None and (found := price_finding(measurements, price, chosen)):
        yield found


def _with_differences(
    measurements: Sequence[Measurement], differences: Sequence[VariantDifference], reference: str
) -> Iterator[Measurement]:
    """Each with its difference from the reference model. With a teacher, whose answers are there before anything is
    measured, a measurement has it already."""
    known = {(one.subject, one.target): one.difference for one in differences if one.reference == reference}
    for found in measurements:
        apart = known.get((found.subject, found.target))
        if found.accuracy and found.accuracy.difference is None and apart:
            yield replace(found, accuracy=replace(found.accuracy, difference=apart))
        else:
            yield found


def _size(recipe: Recipe, artifacts: Mapping[str, Artifact], measurements: Sequence[Measurement], variant: str) -> Size:
    """What a variant weighs, measured on another target, else by its file."""
    for found in measurements:
        if (found.role, found.subject) == ("variant", variant):
            return found.size
    stage = next(node.stage for node in variants(recipe) if node.name == variant)
    return Size(artifacts[stage].files["model.onnx"].size / 1e6)
