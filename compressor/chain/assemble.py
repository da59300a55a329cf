"""From the artifacts of a run to its report: which variant is chosen, which gates hold, what everything cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from compressor.bench import environment, evaluate_gates
from compressor.bench.results import GateVerdict, Measurement, Size, Skipped
from compressor.chain.findings import read_findings
from compressor.chain.measurement import read_differences, read_measurements
from compressor.engine.artifact import Artifact
from compressor.recipe.recipe import Recipe
from compressor.report.document import RunReport, StageRecord

__all__ = ["assemble", "choose"]


def choose(recipe: Recipe, measurements: Sequence[Measurement]) -> tuple[str, tuple[GateVerdict, ...]]:
    """The variant that answers by default, and its gates' verdicts, on the first target that is here.

    That is the recipe's `bundle.variant`; else the fastest of those that pass every gate; else the fastest of all.
    """
    here = _decisive(recipe, measurements)
    variants = ["fp32", *(section.name for section in recipe.quantize)]
    verdicts = {
        variant: tuple(
            evaluate_gates(
                recipe.gates,
                variant=here.get(variant),
                fp32=here.get("fp32"),
                teacher=here.get("teacher"),
                student=here.get("student"),
            )
        )
        for variant in variants
    }
    if recipe.bundle.variant:
        return recipe.bundle.variant, verdicts[recipe.bundle.variant]
    passing = [variant for variant in variants if all(gate.passed for gate in verdicts[variant])]
    chosen = min(passing or variants, key=lambda variant: _speed(here.get(variant)))
    return chosen, verdicts[chosen]


def _decisive(recipe: Recipe, measurements: Sequence[Measurement]) -> dict[str, Measurement]:
    """By subject: the variants on the first target that is here, and the PyTorch references these compare with."""
    variants = [found for found in measurements if found.engine == "onnxruntime" and found.skipped is None]
    if not variants:
        return {}
    first = variants[0].target
    reference = next((target.reference.name for target in recipe.benchmark.targets if target.name == first), first)
    references = [found for found in measurements if found.engine == "torch"]
    return {found.subject: found for found in references if found.target == reference} | {
        found.subject: found for found in variants if found.target == first
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
    labels: Sequence[str],
    skipped: Mapping[str, str],
    cached: Collection[str] = (),
) -> RunReport:
    """Put together what the stages found. `artifacts`: name of the stage -> its artifact, in the order they ran."""
    measurements = read_measurements(artifacts.values())
    chosen, gates = choose(recipe, measurements)
    absent = [
        Measurement(subject=chosen, engine="onnxruntime", target=target, size=Size(0.0), skipped=Skipped(reason))
        for target, reason in skipped.items()
    ]
    return RunReport(
        name=recipe.name,
        task=recipe.task,
        labels=tuple(labels),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        chosen=chosen,
        measurements=(*measurements, *absent),
        gates=gates,
        stages=tuple(
            StageRecord(name, artifact.key, name in cached, artifact.seconds, artifact.facts, artifact.peak_mb)
            for name, artifact in artifacts.items()
        ),
        environment=environment(),
        differences=tuple(read_differences(artifacts.values())),
        findings=tuple(read_findings(artifacts.values())),
    )
