"""Memory, size, and the work a model does for a token."""

from __future__ import annotations

from collections import Counter

from compressor.bench.results import Graph, Memory
from compressor.report import format as fmt
from compressor.report.html.bars import Bar, bar_chart
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model
from compressor.report.html.tables import table

__all__ = ["MEMORY_REMARK", "memory", "size_and_work"]

MEMORY_REMARK = (
    "Resident memory of a process that does nothing but run this model: what is there after the imports (for PyTorch "
    "that is torch and transformers), what loading adds, what answering adds at its peak. Then of which kind it is "
    "after the runs: pages from files are shared between processes and dropped under pressure, anonymous memory is the "
    "process's own."
)


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
    header = ("model", "imports\nMB", "loaded\nMB", "peak\nMB", "anonymous\nMB", "from files\nMB", "on the GPU\nMB")
    rows = []
    for model, found in known:
        process = (found.imports_mb, found.load_mb, found.peak_mb, found.anonymous_mb, found.file_mb)
        rows.append((model.name, *map(fmt.number, process), fmt.number(found.device_mb)))
    return [
        bar_chart(
            f"Peak memory on {target}",
            growth,
            "MB, at the peak",
            legend=("imports", "loading the model", "answering"),
        ),
        bar_chart(
            f"Kinds of memory on {target}",
            kinds,
            "MB, after the runs",
            legend=("anonymous", "from files"),
        )
        if kinds
        else None,
        table(header, rows, strong=_strong([model for model, _ in known]), optional=(4, 5, 6)),
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
        "run on\n",
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
                _providers(graph),
            )
        )
    shown = table(header, rows, words=(6,), strong=_strong(models), optional=range(2, 7))
    return [
        bar_chart(f"Size on disk, {target}", bars, "MB on disk", legend=legend) if bars else None,
        shown,
        _operators(models),
    ]


def _providers(graph: Graph | None) -> str:
    """Where the operators run: `CPU 30`."""
    counted = graph.providers.items() if graph else ()
    return ", ".join(f"{name.removesuffix('ExecutionProvider')} {count}" for name, count in counted) or fmt.NA


def _operators(models: list[Model]) -> Element | None:
    """What each engine executes after its own optimizations, most frequent first, to unfold."""
    known = [(model.name, model.found.graph.operators) for model in models if model.found.graph is not None]
    known = [(name, operators) for name, operators in known if operators]
    if not known:
        return None
    total = Counter[str]()
    for _, operators in known:
        total.update(operators)
    rows = [(kind, *(str(operators.get(kind, 0)) for _, operators in known)) for kind, _ in total.most_common()]
    drawn = table(("operator", *(name for name, _ in known)), rows)
    return tag("details", tag("summary", "Operators executed for one text"), drawn)


def _strong(models: list[Model]) -> list[int]:
    return [i for i, model in enumerate(models) if model.chosen]
