"""Memory, size, and the work a model does for a token."""

from __future__ import annotations

from compressor.bench.results import Memory
from compressor.report import format as fmt
from compressor.report.html.bars import Bar, bar_chart
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model
from compressor.report.html.tables import table

__all__ = ["memory", "size_and_work"]


def memory(target: str, models: list[Model]) -> list[Element | None]:
    """What a process takes that does nothing but run the model: as it grows, and of which kind it is."""
    known = [(model, model.found.memory) for model in models if model.found.memory is not None]
    if not known:
        return []
    growth = [
        Bar(model.name, model.colour, _growth(found), f"{fmt.number(found.peak_mb)} MB", model.chosen)
        for model, found in known
    ]
    kinds = [
        Bar(
            model.name,
            model.colour,
            (found.anonymous_mb, found.file_mb),
            f"{fmt.number(found.anonymous_mb)} + {fmt.number(found.file_mb)} MB",
            model.chosen,
        )
        for model, found in known
        if found.anonymous_mb is not None and found.file_mb is not None
    ]
    header = ["model", "imports\nMB", "loaded\nMB", "peak\nMB", "anonymous\nMB", "from files\nMB"]
    with_device = any(found.device_mb is not None for _, found in known)
    rows = []
    for model, found in known:
        figures = [found.imports_mb, found.load_mb, found.peak_mb, found.anonymous_mb, found.file_mb]
        figures += [found.device_mb] if with_device else []
        rows.append((model.name, *(fmt.number(value) for value in figures)))
    return [
        bar_chart(
            f"Peak memory on {target}",
            growth,
            "MB, at the peak",
            legend=("imports", "loading the model", "answering"),
            caption="Resident memory of a process of its own: what is there after the imports, what loading adds, what "
            "answering adds at its peak. PyTorch models carry torch and transformers.",
        ),
        bar_chart(
            f"Kinds of memory on {target}",
            kinds,
            "MB, after the runs",
            legend=("anonymous", "from files"),
            caption="What is resident after the runs. Pages from files are shared between processes and dropped under "
            "pressure; anonymous memory is the process's own.",
        )
        if kinds
        else None,
        table((*header, *(("on the GPU\nMB",) if with_device else ())), rows, strong=_strong([m for m, _ in known])),
    ]


def _growth(found: Memory) -> tuple[float, float, float]:
    """Segments that end at the peak: something may have been freed in between."""
    imports = min(found.imports_mb, found.peak_mb)
    load = min(max(found.load_mb, imports), found.peak_mb)
    return imports, load - imports, found.peak_mb - load


def size_and_work(target: str, models: list[Model]) -> list[Element | None]:
    """Files, parameters, and multiply-adds for a token."""
    bars = [
        Bar(
            model.name,
            model.colour,
            (size.model_mb, (size.deployed_mb or size.model_mb) - size.model_mb),
            f"{fmt.number(size.deployed_mb or size.model_mb)} MB",
            model.chosen,
        )
        for model in models
        if (size := model.found.size).model_mb > 0
    ]
    deployed = any(model.found.size.deployed_mb is not None for model in models)
    legend = ("the model's files", "what else a device needs") if deployed else ()
    header = (
        "model",
        "model\nMB",
        "deployed\nMB",
        "parameters\n",
        "multiply-adds\nper token",
        "operators\n",
        "runs on\n",
    )
    rows = []
    for model in models:
        size, graph = model.found.size, model.found.graph
        rows.append(
            (
                model.name,
                fmt.number(size.model_mb),
                fmt.number(size.deployed_mb),
                fmt.count(size.parameters),
                fmt.count(graph.multiply_adds_per_token if graph else None),
                str(sum(graph.operators.values())) if graph and graph.operators else fmt.NA,
                ", ".join(f"{name} {count}" for name, count in graph.providers.items()) if graph else fmt.NA,
            )
        )
    kept = [i for i in range(7) if i < 2 or any(row[i] not in (fmt.NA, "") for row in rows)]
    shown = table(
        [header[i] for i in kept],
        [[row[i] for i in kept] for row in rows],
        words=[kept.index(6)] if 6 in kept else (),
        strong=_strong(models),
    )
    return [
        bar_chart(f"Size on disk, {target}", bars, "MB on disk", legend=legend) if bars else None,
        shown,
        *_operators(models),
    ]


def _operators(models: list[Model]) -> list[Element]:
    """What each engine executes after its own optimizations, most frequent first, to unfold."""
    parts = []
    for model in models:
        graph = model.found.graph
        if graph and graph.operators:
            counted = sorted(graph.operators.items(), key=lambda item: (-item[1], item[0]))
            words = ", ".join(f"{name} {count}" for name, count in counted)
            title = f"Operators of {model.name} for {graph.tokens} tokens"
            parts.append(tag("details", tag("summary", title), tag("p", words)))
    return parts


def _strong(models: list[Model]) -> list[int]:
    return [i for i, model in enumerate(models) if model.chosen]
