"""From the reports of a study's runs to its own: a row a variant, each beside the base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from compressor.bench.results import Measurement
from compressor.chain.measurement import read_scores
from compressor.engine.artifact import Artifact
from compressor.engine.store import Store
from compressor.recipe import Recipe
from compressor.recipe.study import BASE
from compressor.report.document import RunReport
from compressor.report.models import headline, speedup
from compressor.report.study import BaseDifference, StageCost, StudyMember, StudyReport, StudyVariant
from compressor.runtime.tasks import runtime_task
from compressor.study.differences import Scored, base_difference
from compressor.study.plan import StudyRun
from compressor.task_specs import task_spec

__all__ = ["Ended", "assemble_study"]


@dataclass(frozen=True)
class Ended:
    """How a run of a study ended: with a report, or with an error."""

    run: StudyRun
    report: RunReport | None = None
    error: str = ""
    exit_code: int = 0
    """Of the error."""


def assemble_study(recipe: Recipe, runs: Sequence[Ended], store: Store, *, created: str) -> StudyReport:
    """Put together what the runs found.

    Args:
        runs: those of the base first, the runs of each variant one after another.
        store: holds the scores of their test examples.
    """
    metric = next((one.report.metric.name for one in runs if one.report), task_spec(recipe.task).main_metric.name)
    scored: dict[str, dict[int, Scored]] = {}
    variants = []
    for name, group in groupby(runs, key=lambda one: one.run.member.variant):
        own = list(group)
        scored[name] = {one.run.member.seed: found for one in own if (found := _scored(one, metric, store))}
        changes = dict(own[0].run.member.changes)
        difference = None if name == BASE else _difference(recipe, metric, scored[name], scored[BASE])
        variants.append(StudyVariant(name, tuple(map(_member, own)), changes, difference))
    return StudyReport(recipe.name, recipe.task, metric, created, tuple(variants))


def _difference(
    recipe: Recipe, metric: str, variant: dict[int, Scored], base: dict[int, Scored]
) -> BaseDifference | None:
    metrics = runtime_task(recipe.task).metrics
    return base_difference(variant, base, metrics[metric], seed=recipe.seed) if metric in metrics else None


def _member(ended: Ended) -> StudyMember:
    member, report = ended.run.member, ended.report
    if report is None:
        return StudyMember(member.seed, member.folder, ended.error)
    shipped, teacher = report.beside_reference
    if report.reference_role != "teacher":
        teacher = None
    latency = headline(shipped) if shipped else None
    return StudyMember(
        seed=member.seed,
        folder=member.folder,
        chosen=report.chosen,
        student=_quality(report.of_role("student")),
        shipped=_quality(shipped),
        examples=shipped.accuracy.n if shipped and shipped.accuracy else None,
        retained=_retained(report, shipped, teacher),
        divergence=shipped.accuracy.metrics.get("divergence") if shipped and shipped.accuracy else None,
        speedup=speedup(shipped, teacher) if shipped else None,
        p50_ms=latency.model.p50_ms if latency else None,
        size_mb=shipped.size.model_mb if shipped else None,
        gates=report.gates,
        stages=tuple(StageCost(stage.name, stage.key, stage.seconds) for stage in report.stages),
    )


def _quality(found: Measurement | None) -> float | None:
    return found.accuracy.value if found and found.accuracy else None


def _retained(report: RunReport, shipped: Measurement | None, teacher: Measurement | None) -> float | None:
    mine, theirs = _quality(shipped), _quality(teacher)
    if mine is None or not theirs or theirs < 0 or not report.metric.higher_is_better:
        return None
    return mine / theirs


def _scored(ended: Ended, metric: str, store: Store) -> Scored | None:
    """What a run ships, on the test split; None where that wasn't scored by this metric."""
    shipped = ended.report.measurement(ended.report.chosen) if ended.report else None
    if shipped is None or shipped.accuracy is None or shipped.accuracy.metric != metric:
        return None
    measured = _artifact(ended, store, f"measure/{shipped.subject}@{shipped.target}")
    data = _artifact(ended, store, "prepare")
    # The digest of its file tells one test split from another.
    split = data.files["test.arrow"].sha256 if data and "test.arrow" in data.files else ""
    return Scored(shipped.accuracy.value, read_scores(measured) if measured else None, split)


def _artifact(ended: Ended, store: Store, stage: str) -> Artifact | None:
    key = ended.run.plan.keys.get(stage)
    return None if key is None else store.peek(key)
