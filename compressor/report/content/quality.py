"""How well models answer: every metric, accuracy against latency, paired differences, lengths of the texts."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.bench.results import Accuracy, BatchDrift, Latency, Lengths, VariantDifference
from compressor.report import format as fmt
from compressor.report.blocks import Block, table
from compressor.report.blocks.charts import HistogramChart, IntervalChart, IntervalRow, Point, ScatterChart, Span
from compressor.report.content.tables import Targets, figures_table, model_table, section
from compressor.report.document import RunReport
from compressor.report.figures import metric_figures
from compressor.report.models import Model, colours, headline, model_name, workload
from compressor.task_specs import MetricSpec, metric_spec

__all__ = ["lengths", "paired_differences", "quality_sections"]

SCATTER = (
    "{} and to the left is better. On the dashed line, the Pareto front, are the models that no other beats in both. "
    "Bars are 95% intervals: of the metric over the choice of test texts, of the median latency over its samples."
)
DIFFERENCES = (
    "Both models answer the same texts, so this is narrower than two intervals held side by side. Where a bar crosses "
    "the line at 0, these texts can't tell the two apart. p is the exact McNemar test: how likely so many more texts "
    "went one way by chance."
)
ALONE = (
    "Each text was answered alone, as quality is measured, and again in batches of random others, padded to the "
    "longest of them. Differences are of the model's outputs, as shares of their standard deviation over the texts. "
    "Where answers must repeat exactly, run such a model one text at a time, or set the gate `batch_drift`."
)


def quality_sections(report: RunReport, targets: Targets) -> Iterator[Block]:
    """What is known of the answers, section by section."""
    metric = report.metric

    def metrics(_: str, models: list[Model]) -> Iterator[Block]:
        figures = metric_figures(models, report.task)
        if len(figures) > 1:
            yield figures_table(figures, [model for model in models if model.found.accuracy])

    remark = SCATTER.format("Up" if metric.higher_is_better else "Down")
    yield from section("Metrics", targets, metrics)
    title = f"{metric.title[:1].upper()}{metric.title[1:]} against latency"
    yield from section(title, targets, lambda target, models: [_scatter(target, models, metric)], remark)
    yield from section("Paired differences", targets, lambda target, _: _differences(target, report), DIFFERENCES)
    yield from section("Alone and in a batch", targets, lambda _, models: [_drift(models)], ALONE)


def _scatter(target: str, models: list[Model], metric: MetricSpec) -> Block | None:
    """None where no two models have both figures."""
    known = [(m, quality, latency) for m in models if (quality := m.found.accuracy) and (latency := headline(m.found))]
    if len(known) < 2:
        return None
    points = tuple(_point(*one, metric) for one in known)
    legend = {
        ("disc reference", "PyTorch"): not all(one.filled for one in points),
        ("disc variant", "ONNX"): any(one.filled for one in points),
        ("disc chosen", "answers by default"): any(one.strong for one in points),
    }
    title = f"{metric.title} against median latency on {target}, {workload(known[0][2])}"
    gain = f"{metric.title}, %" if metric.unit == "share" else metric.title
    keys = tuple(key for key, present in legend.items() if present)
    return ScatterChart(title, "median latency, ms", gain, points, metric.higher_is_better, keys)


def _point(model: Model, quality: Accuracy, latency: Latency, metric: MetricSpec) -> Point:
    scale = 100 if metric.unit == "share" else 1
    median, around = latency.model.p50_ms, latency.model.intervals.get("p50")
    said = f"{metric.title} {fmt.quality(quality.value, metric, quality.interval)}, median {fmt.number(median)} ms"
    x = Span(around.low if around else median, median, around.high if around else median)
    y = Span(scale * quality.interval.low, scale * quality.value, scale * quality.interval.high)
    return Point(model.name, model.colour, said, x, y, filled=model.found.role == "variant", strong=model.chosen)


def paired_differences(report: RunReport) -> list[VariantDifference]:
    """Every paired difference that is known, each once: those from the reference model that the accuracies carry, and
    those of the run."""
    role = report.reference_role or "teacher"
    reference = next((found.subject for found in report.measurements if found.role == role), role)
    known = {(found.subject, found.reference, found.target) for found in report.differences}
    carried = [
        VariantDifference(found.subject, reference, found.target, found.accuracy.metric, found.accuracy.difference)
        for found in report.measurements
        if found.subject != reference and found.accuracy and found.accuracy.difference
    ]
    return [*(own for own in carried if (own.subject, own.reference, own.target) not in known), *report.differences]


def _differences(target: str, report: RunReport) -> Iterator[Block]:
    found = [one for one in paired_differences(report) if one.target == target]
    if not found:
        return
    metric = metric_spec(report.task, found[0].metric)
    scale, unit = (100, "points") if metric.unit == "share" else (1, metric.title)
    names = {one.subject: model_name(one) for one in reversed(report.measurements)}
    colour = colours(report.measurements)
    bars, rows = [], []
    for one in found:
        apart, pair = one.difference, [names.get(subject, subject) for subject in (one.subject, one.reference)]
        low, value, high = (apart.interval.low, apart.value, apart.interval.high)
        span, said = Span(scale * low, scale * value, scale * high), fmt.change(value, metric)
        bars.append(IntervalRow(" against ".join(pair), colour.get(one.subject, "v0"), span, said))
        counted = apart.better or apart.worse or apart.p_value is not None
        counts = (str(apart.better), str(apart.worse)) if counted else (fmt.NA, fmt.NA)
        interval = f"{fmt.change(low, metric)} to {fmt.change(high, metric)}"
        rows.append((*pair, said, interval, *counts, fmt.p_value(apart.p_value)))
    title, axis = f"Paired differences of {metric.title} on {target}", f"difference of {metric.title}"
    yield IntervalChart(title, f"{axis} in points" if scale == 100 else axis, tuple(bars))
    header = ("model", "against", f"difference\n{unit}", f"95% interval\n{unit}", "better\ntexts", "worse\ntexts")
    yield table((*header, "p\nMcNemar"), rows, words=(1,))


def _drift(models: list[Model]) -> Block | None:
    def row(found: BatchDrift) -> tuple[str, ...]:
        moved = (fmt.number(found.largest), fmt.number(found.mean), fmt.percent(found.changed))
        return (str(found.batch), *moved, str(found.n))

    rows = [(model, row(found)) for model in models for found in model.found.batch_drift]
    header = ("batch\ntexts", "largest\nof the spread", "mean\nof the spread", "other answers", "measured\ntexts")
    return model_table(header, rows, optional=(4,))


def lengths(_: str, models: list[Model]) -> Iterator[Block]:
    """How long the texts are, for each tokenizer."""
    found: dict[Lengths, list[str]] = {}
    for model in models:
        if model.found.lengths:
            # Models with one tokenizer see texts of the same lengths.
            found.setdefault(model.found.lengths, []).append(model.name)
    for one, names in found.items():
        if one.histogram.counts:
            title = f"Lengths of the texts in tokens, for {', '.join(names)}"
            axis = "tokens" if len(found) == 1 else f"tokens of {names[0]}"
            yield HistogramChart(title, axis, "texts", one.histogram)
    rows = [
        (", ".join(names), str(one.n), fmt.number(one.mean_tokens), str(one.max_tokens), fmt.percent(one.cut))
        for one, names in found.items()
    ]
    if rows:
        yield table(("models", "texts", "mean\ntokens", "longest\ntokens", "cut\nshare"), rows)
