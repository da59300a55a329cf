"""The parts of the page that show measurements: each takes the models of one target and gives what there is to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compressor.bench.results import Measurement
from compressor.report.differences import HEADER, cells, collect, points
from compressor.report.document import VariantDifference
from compressor.report.html import distributions, pareto, resources, serving, speed
from compressor.report.html.distributions import latency_table, ridge_chart
from compressor.report.html.grid import grid_table
from compressor.report.html.histogram import histogram_chart, lengths_table, tokenizers
from compressor.report.html.intervals import IntervalRow, interval_chart
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model, by_target, colours
from compressor.report.html.page import Section
from compressor.report.html.pareto import pareto_chart
from compressor.report.html.serving import highest_rate_table, serving_chart, serving_table
from compressor.report.html.tables import table
from compressor.report.rows import groups, headline, workload_name

__all__ = ["measured_sections"]

Parts = list[Element | None]

DIFFERENCES = (
    "Both models answer the same texts, so this is narrower than two intervals held side by side. Where a bar crosses "
    "the line at 0, these texts can't tell the two apart. p is the exact McNemar test: how likely so many more texts "
    "went one way by chance."
)
SHAPES = "Median latency of made-up inputs without padding; the stronger the colour, the slower, by ratio."
THROUGHPUT = "Batches of real texts, sorted by length; padding isn't counted."
COLD_START = (
    "From starting a process to its first answer: medians over fresh processes, files already in the page cache. The "
    "whole is the median of the sums."
)


def measured_sections(
    measurements: Sequence[Measurement], chosen: str | None, differences: Sequence[VariantDifference] = ()
) -> list[Section]:
    """Everything that was measured; sections without a figure are empty."""
    targets = list(by_target(measurements, chosen))

    def section(title: str, draw: Callable[[str, list[Model]], Parts], remark: str = "") -> Section:
        content: list[Element] = []
        for target, models in targets:
            parts = [part for part in draw(target, models) if part is not None]
            if parts:
                content += [tag("h3", f"On {target}")] if len(targets) > 1 else []
                content += parts
        return Section(title, content, remark)

    return [
        Section("Measured", _overview(measurements, chosen)),
        section("Accuracy against latency", lambda target, models: [pareto_chart(target, models)], pareto.REMARK),
        section(
            "Paired differences",
            lambda target, models: _differences(target, models, measurements, differences),
            DIFFERENCES,
        ),
        section("Latency", _latency, distributions.REMARK),
        section("Latency by shape", lambda _, models: [grid_table(models)], SHAPES),
        section("Throughput", speed.throughput, THROUGHPUT),
        section("Under load", _serving, serving.REMARK),
        section("Cold start", speed.cold_start, COLD_START),
        section("Memory", resources.memory, resources.MEMORY_REMARK),
        section("Size and work", resources.size_and_work),
        section("Lengths of the texts", _lengths),
    ]


def _overview(measurements: Sequence[Measurement], chosen: str | None) -> list[Element]:
    """The table of the console: every model on every target, and in words what wasn't measured."""
    content = []
    for group in groups(measurements, chosen):
        if group.rows:
            header = ("model", *(f"{column.title}\n{column.unit}" for column in group.columns))
            rows = [(row.model, *row.cells) for row in group.rows]
            strong = [i for i, row in enumerate(group.rows) if row.chosen]
            content += [tag("h3", f"On {group.target}"), table(header, rows, strong=strong)]
        if group.skipped:
            content.append(tag("ul", *(tag("li", sentence) for sentence in group.skipped), class_="notices"))
    latency = next((found for found in map(headline, measurements) if found), None)
    if latency:
        marked = " In bold: answers by default in the bundle." if chosen else ""
        said = f"Latency: {workload_name(latency)}; e2e is p50 with tokenization and post-processing.{marked}"
        content.append(tag("p", said, class_="remark"))
    return content


def _latency(target: str, models: list[Model]) -> Parts:
    chart = ridge_chart(target, models)
    return [chart, latency_table(models)] if chart is not None else []


def _serving(target: str, models: list[Model]) -> Parts:
    chart = serving_chart(target, models)
    return [chart, highest_rate_table(models), serving_table(models)] if chart is not None else []


def _lengths(_: str, models: list[Model]) -> Parts:
    found = tokenizers(models)
    charts: Parts = [
        histogram_chart(
            f"Lengths of the texts in tokens, for {', '.join(model.name for model in seen_by)}",
            lengths.histogram,
            "tokens" if len(found) == 1 else f"tokens of {seen_by[0].name}",
            "neutral",
        )
        for lengths, seen_by in found
        if lengths.histogram.counts
    ]
    return [*charts, lengths_table(found)] if found else []


def _differences(
    target: str, models: list[Model], measurements: Sequence[Measurement], differences: Sequence[VariantDifference]
) -> Parts:
    found = [one for one in collect(measurements, differences) if one.target == target]
    if not found:
        return []
    names = {model.found.subject: model.name for model in models}
    colour = colours(measurements)
    rows = [
        IntervalRow(
            f"{names.get(one.subject, one.subject)} against {names.get(one.reference, one.reference)}",
            colour.get(one.subject, "v0"),
            100 * one.difference.interval.low,
            100 * one.difference.value,
            100 * one.difference.interval.high,
            f"{points(one.difference.value)} points",
        )
        for one in found
    ]
    metric = found[0].metric
    chart = interval_chart(f"Paired differences of {metric} on {target}", rows, f"difference of {metric} in points")
    return [chart, table(HEADER, [cells(one, names) for one in found], words=(1,))]
