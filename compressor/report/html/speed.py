"""Throughput and cold start."""

from __future__ import annotations

from compressor.report import format as fmt
from compressor.report.html.bars import Bar, bar_chart
from compressor.report.html.markup import Element
from compressor.report.html.model import Model
from compressor.report.html.tables import table

__all__ = ["cold_start", "throughput"]


def throughput(target: str, models: list[Model]) -> list[Element | None]:
    """Texts a second in length-sorted batches."""
    known = [(model, model.found.throughput) for model in models if model.found.throughput is not None]
    if not known:
        return []
    bars = [
        Bar(model.name, model.colour, (found.samples_per_second,), fmt.number(found.samples_per_second), model.chosen)
        for model, found in known
    ]
    rows = [
        (
            model.name,
            fmt.number(found.samples_per_second),
            fmt.number(found.tokens_per_second),
            fmt.percent(found.padding_ratio),
            str(found.batch),
            str(found.n),
        )
        for model, found in known
    ]
    header = ("model", "texts\nper s", "tokens\nper s", "padding\nof positions", "batch\ntexts", "measured\ntexts")
    chart = bar_chart(f"Throughput on {target}", bars, "texts a second")
    return [chart, table(header, rows, strong=_strong([model for model, _ in known]))]


def cold_start(target: str, models: list[Model]) -> list[Element | None]:
    """From starting a process to its first answer."""
    known = [(model, model.found.cold_start) for model in models if model.found.cold_start is not None]
    if not known:
        return []
    bars = [
        Bar(
            model.name,
            model.colour,
            (found.import_ms, found.load_ms, found.first_answer_ms),
            f"{fmt.number(found.total_ms)} ms",
            model.chosen,
        )
        for model, found in known
    ]
    rows = [
        (
            model.name,
            *(fmt.number(value) for value in (found.import_ms, found.load_ms, found.first_answer_ms, found.total_ms)),
            str(found.n),
        )
        for model, found in known
    ]
    header = ("model", "imports\nms", "load\nms", "first answer\nms", "in all\nms", "processes\n")
    legend = ("start and imports", "load", "first answer")
    chart = bar_chart(f"Cold start on {target}", bars, "ms", legend=legend)
    return [chart, table(header, rows, strong=_strong([model for model, _ in known]))]


def _strong(models: list[Model]) -> list[int]:
    return [i for i, model in enumerate(models) if model.chosen]
