"""Throughput, cold start, memory, size and the work for a token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from compressor.bench.results import ColdStart, Graph, Memory, Profile, Size, Throughput
from compressor.report import format as fmt
from compressor.report.blocks import Block, Details, Prose, table
from compressor.report.content.tables import Targets, bar_chart, model_table, section
from compressor.report.models import Model

__all__ = ["cost_sections"]

THROUGHPUT = "Batches of real texts, sorted by length; padding isn't counted."
COLD_START = (
    "From starting a process to its first answer: medians over fresh processes, files already in the page cache. The "
    "whole is the median of the sums."
)
MEMORY = (
    "Resident memory of a process that does nothing but run this model: what is there after the imports (for PyTorch "
    "that is torch and transformers), what loading adds, what answering adds at its peak. Then of which kind it is "
    "after the runs: pages from files are shared between processes and dropped under pressure, anonymous memory is the "
    "process's own."
)

TIME = (
    "What each kind of operator takes of the time of all operators, as onnxruntime executes the graph after its own "
    "optimizations; operators that it fuses are a kind of their own. Time between operators isn't in it."
)


def cost_sections(targets: Targets) -> Iterator[Block]:
    """What a model takes, section by section."""
    yield from section("Throughput", targets, _throughput, THROUGHPUT)
    yield from section("Cold start", targets, _cold_start, COLD_START)
    yield from section("Memory", targets, _memory, MEMORY)
    yield from section("Size and work", targets, _size_and_work)
    yield from section("Where the time goes", targets, _time, TIME)


def _throughput(target: str, models: list[Model]) -> Iterator[Block | None]:
    def row(found: Throughput) -> tuple[str, ...]:
        rates = (fmt.number(found.samples_per_second), fmt.number(found.tokens_per_second))
        return (*rates, fmt.percent(found.padding_ratio), str(found.batch), str(found.n))

    known = [(model, found) for model in models if (found := model.found.throughput)]
    bars = [(model, (found.samples_per_second,), fmt.number(found.samples_per_second)) for model, found in known]
    yield bar_chart(f"Throughput on {target}", "texts a second", bars)
    header = ("texts\nper s", "tokens\nper s", "padding\nof positions", "batch\ntexts", "measured\ntexts")
    yield model_table(header, [(model, row(found)) for model, found in known])


def _cold_start(target: str, models: list[Model]) -> Iterator[Block | None]:
    def row(found: ColdStart) -> tuple[str, ...]:
        times = (found.import_ms, found.load_ms, found.first_answer_ms, found.total_ms)
        return (*map(fmt.number, times), str(found.n))

    known = [(model, found) for model in models if (found := model.found.cold_start)]
    bars = [
        (model, (found.import_ms, found.load_ms, found.first_answer_ms), f"{fmt.number(found.total_ms)} ms")
        for model, found in known
    ]
    yield bar_chart(f"Cold start on {target}", "ms", bars, ("start and imports", "load", "first answer"))
    header = ("imports\nms", "load\nms", "first answer\nms", "in all\nms", "processes")
    yield model_table(header, [(model, row(found)) for model, found in known])


def _memory(target: str, models: list[Model]) -> Iterator[Block | None]:
    def row(found: Memory) -> tuple[str, ...]:
        process = (found.imports_mb, found.load_mb, found.peak_mb, found.anonymous_mb, found.file_mb)
        return tuple(map(fmt.number, (*process, found.device_mb)))

    known = [(model, found) for model in models if (found := model.found.memory)]
    growth = [(model, _growth(found), f"{fmt.number(found.peak_mb)} MB") for model, found in known]
    kinds = [
        (model, (own, file), f"{fmt.number(own)} + {fmt.number(file)} MB")
        for model, found in known
        if (own := found.anonymous_mb) is not None and (file := found.file_mb) is not None
    ]
    legend = ("imports", "loading the model", "answering")
    yield bar_chart(f"Peak memory on {target}", "MB, at the peak", growth, legend)
    yield bar_chart(f"Kinds of memory on {target}", "MB, after the runs", kinds, ("anonymous", "from files"))
    header = ("imports\nMB", "loaded\nMB", "peak\nMB", "anonymous\nMB", "from files\nMB", "on the GPU\nMB")
    yield model_table(header, [(model, row(found)) for model, found in known], optional=(4, 5, 6))


def _growth(found: Memory) -> tuple[float, float, float]:
    """Segments that end at the peak: something may have been freed in between."""
    imports = min(found.imports_mb, found.peak_mb)
    load = min(max(found.load_mb, imports), found.peak_mb)
    return imports, load - imports, found.peak_mb - load


def _size_and_work(target: str, models: list[Model]) -> Iterator[Block | None]:
    def row(size: Size, graph: Graph | None) -> tuple[str, ...]:
        sizes = (fmt.number(size.model_mb or None), fmt.number(size.deployed_mb), fmt.count(size.parameters))
        operators = str(sum(graph.operators.values())) if graph and graph.operators else fmt.NA
        counted = graph.providers.items() if graph else ()
        providers = ", ".join(f"{name.removesuffix('ExecutionProvider')} {count}" for name, count in counted)
        return (*sizes, fmt.count(graph.multiply_adds_per_token if graph else None), operators, providers or fmt.NA)

    bars = [
        (model, (size.model_mb, whole - size.model_mb), f"{fmt.number(whole)} MB")
        for model in models
        if (size := model.found.size).model_mb > 0 and (whole := size.deployed_mb or size.model_mb)
    ]
    yield bar_chart(f"Size on disk, {target}", "MB on disk", bars, ("the model's files", "what else a device needs"))
    header = ("model\nMB", "deployed\nMB", "parameters", "multiply-adds\nper token", "operators", "run on")
    rows = [(model, row(model.found.size, model.found.graph)) for model in models]
    yield model_table(header, rows, words=(6,), optional=range(2, 7))
    yield _operators(models)


def _time(target: str, models: list[Model]) -> Iterator[Block | None]:
    """Of fp32 and of the variant that ships; of every variant where none does."""
    known = [model for model in models if model.found.graph and model.found.graph.profile]
    shown = [model for model in known if model.chosen or model.found.subject == "fp32"]
    shown = shown if any(model.chosen for model in shown) else known
    graphs = [graph for model in shown if (graph := model.found.graph)]
    profiles = [graph.profile for graph in graphs if graph.profile]
    if not profiles:
        return
    kinds = sorted({kind: None for one in profiles for kind in one.shares}, key=lambda kind: -_largest(profiles, kind))
    rows = [(kind, *(fmt.percent(one.shares.get(kind, 0)) for one in profiles)) for kind in kinds]
    tokens = ", ".join(map(str, sorted({graph.tokens for graph in graphs})))
    yield table(("operator", *(model.name for model in shown)), rows)
    yield Prose(f"Medians of {profiles[0].runs} runs of one text of {tokens} tokens.", style="remark")


def _largest(profiles: Sequence[Profile], kind: str) -> float:
    return max(one.shares.get(kind, 0) for one in profiles)


def _operators(models: list[Model]) -> Block | None:
    """What each engine executes after its own optimizations, most frequent first."""
    known = [(model.name, graph.operators) for model in models if (graph := model.found.graph) and graph.operators]
    if not known:
        return None
    total = sum((Counter(operators) for _, operators in known), Counter[str]())
    rows = [(kind, *(str(operators.get(kind, 0)) for _, operators in known)) for kind, _ in total.most_common()]
    return Details("Operators executed for one text", (table(("operator", *(name for name, _ in known)), rows),))
