"""How well models answer: every metric, accuracy against latency, paired differences, lengths of the texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compressor.bench.results import Lengths, VariantDifference
from compressor.report import format as fmt
from compressor.report.blocks import Block, table
from compressor.report.blocks.charts import HistogramChart, IntervalChart, IntervalRow, Point, ScatterChart, Span
from compressor.report.content.tables import Targets, figures_table, section
from compressor.report.document import RunReport
from compressor.report.figures import metric_figures
from compressor.report.models import Model, colours, headline, model_name, workload
from compressor.task_specs import MetricSpec, metric_spec

__all__ = ["lengths_section", "paired_differences", "quality_sections"]

SCATTER = (
    "{} and to the left is better. On the dashed line, the Pareto front, are the models that no other beats in both. "
    "Bars are 95% intervals: of the metric over the choice of test texts, of the median latency over its samples."
)
DIFFERENCES = (
    "Both models answer the same texts, so this is narrower than two intervals held side by side. Where a bar crosses "
    "the line at 0, these texts can't tell the two apart. p is the exact McNemar test: how likely so many more texts "
    "went one way by chance."
)


def quality_sections(report: RunReport, targets: Targets) -> Iterator[Block]:
    """What is known of the answers, section by section."""
    metric = report.metric
    found = paired_differences(report)

    def metrics(_: str, models: list[Model]) -> Iterator[Block]:
        figures = metric_figures(models, report.task)
        if len(figures) > 1:
            yield figures_table(figures, [model for model in models if model.found.accuracy])

    remark = SCATTER.format("Up" if metric.higher_is_better else "Down")
    yield from section("Metrics", targets, metrics)
    title = f"{metric.title[:1].upper()}{metric.title[1:]} against latency"
    yield from section(title, targets, lambda target, models: [_scatter(target, models, metric)], remark)
    yield from section(
        "Paired differences", targets, lambda target, models: _differences(target, models, report, found), DIFFERENCES
    )


def _scatter(target: str, models: list[Model], metric: MetricSpec) -> Block | None:
    """None where no two models have both figures."""
    known = [model for model in models if model.found.accuracy and headline(model.found)]
    if len(known) < 2:
        return None
    points = tuple(_point(model, metric) for model in known)
    shown = (not all(one.filled for one in points), any(one.filled for one in points), any(p.strong for p in points))
    keys = (("disc reference", "PyTorch"), ("disc variant", "ONNX"), ("disc chosen", "answers by default"))
    latency = headline(known[0].found)
    assert latency is not None
    return ScatterChart(
        f"{metric.title} against median latency on {target}, {workload(latency)}",
        "median latency, ms",
        f"{metric.title}, %" if metric.unit == "share" else metric.title,
        points,
        metric.higher_is_better,
        tuple(key for key, present in zip(keys, shown, strict=True) if present),
    )


def _point(model: Model, metric: MetricSpec) -> Point:
    quality, latency = model.found.accuracy, headline(model.found)
    assert quality is not None
    assert latency is not None
    scale = 100 if metric.unit == "share" else 1
    median, around = latency.model.p50_ms, latency.model.intervals.get("p50")
    written = fmt.quality(quality.value, metric, quality.interval)
    return Point(
        model.name,
        model.colour,
        f"{metric.title} {written}, median {fmt.number(median)} ms",
        Span(around.low if around else median, median, around.high if around else median),
        Span(scale * quality.interval.low, scale * quality.value, scale * quality.interval.high),
        filled=model.found.role == "variant",
        strong=model.chosen,
    )


def paired_differences(report: RunReport) -> list[VariantDifference]:
    """Every paired difference that is known, each once: those from the teacher that the accuracies carry, and those of
    the run."""
    teacher = next((found.subject for found in report.measurements if found.role == "teacher"), "teacher")
    known = {(found.subject, found.reference, found.target) for found in report.differences}
    carried = [
        VariantDifference(found.subject, teacher, found.target, found.accuracy.metric, found.accuracy.difference)
        for found in report.measurements
        if found.subject != teacher and found.accuracy and found.accuracy.difference
    ]
    return [*(own for own in carried if (own.subject, own.reference, own.target) not in known), *report.differences]


def _differences(
    target: str, models: list[Model], report: RunReport, differences: list[VariantDifference]
) -> Iterator[Block]:
    found = [one for one in differences if one.target == target]
    if not found:
        return
    metric = metric_spec(report.task, found[0].metric)
    scale, unit = (100, "points") if metric.unit == "share" else (1, metric.title)
    names = {one.subject: model_name(one) for one in reversed(report.measurements)}
    colour = colours(report.measurements)

    def row(one: VariantDifference) -> IntervalRow:
        low, value, high = (one.difference.interval.low, one.difference.value, one.difference.interval.high)
        name = f"{names.get(one.subject, one.subject)} against {names.get(one.reference, one.reference)}"
        span = Span(scale * low, scale * value, scale * high)
        return IntervalRow(name, colour.get(one.subject, "v0"), span, fmt.change(value, metric))

    title, axis = f"Paired differences of {metric.title} on {target}", f"difference of {metric.title}"
    yield IntervalChart(title, f"{axis} in points" if scale == 100 else axis, tuple(map(row, found)))
    header = ("model", "against", f"difference\n{unit}", f"95% interval\n{unit}", "better\ntexts", "worse\ntexts")
    yield table((*header, "p\nMcNemar"), [_cells(one, names, metric) for one in found], words=(1,))


def _cells(found: VariantDifference, names: Mapping[str, str], metric: MetricSpec) -> tuple[str, ...]:
    difference = found.difference
    counted = difference.better or difference.worse or difference.p_value is not None
    low, high = (fmt.change(bound, metric) for bound in (difference.interval.low, difference.interval.high))
    return (
        names.get(found.subject, found.subject),
        names.get(found.reference, found.reference),
        fmt.change(difference.value, metric),
        f"{low} to {high}",
        str(difference.better) if counted else fmt.NA,
        str(difference.worse) if counted else fmt.NA,
        fmt.p_value(difference.p_value),
    )


def lengths_section(targets: Targets) -> list[Block]:
    """How long the texts are, for each tokenizer."""
    return section("Lengths of the texts", targets, _lengths)


def _lengths(_: str, models: list[Model]) -> Iterator[Block]:
    found: list[tuple[Lengths, list[str]]] = []
    for model in models:
        known = next((names for lengths, names in found if lengths == model.found.lengths), None)
        if known is not None:
            # Models with one tokenizer see texts of the same lengths.
            known.append(model.name)
        elif model.found.lengths:
            found.append((model.found.lengths, [model.name]))
    for lengths, names in found:
        if lengths.histogram.counts:
            title = f"Lengths of the texts in tokens, for {', '.join(names)}"
            axis = "tokens" if len(found) == 1 else f"tokens of {names[0]}"
            yield HistogramChart(title, axis, "texts", lengths.histogram)
    rows = [
        (", ".join(names), str(one.n), fmt.number(one.mean_tokens), str(one.max_tokens), fmt.percent(one.cut))
        for one, names in found
    ]
    if rows:
        yield table(("models", "texts", "mean\ntokens", "longest\ntokens", "cut\nshare"), rows)
