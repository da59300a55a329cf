"""The graphs that were tried by `export.optimize: auto`, as a part of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compressor.compare.fastest import GAIN
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Pairs, Prose, table

__all__ = ["graph_finding"]

_DIFFERENCE = "largest difference from PyTorch"


def graph_finding(facts: Mapping[str, Any]) -> Finding:
    """A sentence, a row for each graph, and what each candidate changes.

    `facts` are those of the stage `optimize`.
    """
    title = "Choice of the graph"
    if facts["target"] is None:
        return Finding(title, (Prose("No target of the recipe is here to time graphs on: the exported one stays."),))
    candidates: Mapping[str, Mapping[str, Any]] = facts["candidates"]
    shapes = list(dict.fromkeys(one["shape"] for found in candidates.values() for one in found["timed"]))
    rows = [("export", *_built(facts["export"]), *("" for _ in shapes), _chosen(facts, "export", "stays"))]
    for name, found in candidates.items():
        times = {one["shape"]: one for one in found["timed"]}
        shown = (_change(times[shape]) if shape in times else fmt.NA for shape in shapes)
        rows.append((name, *_built(found), *shown, _chosen(facts, name, _outcome(found))))
    header = ("graph", _DIFFERENCE, "nodes", "size, MB", *(f"time, {shape}" for shape in shapes), "outcome")
    blocks: list[Block] = [
        Prose(_sentence(facts)),
        table(header, rows, words={len(header) - 1}, strong={[row[0] for row in rows].index(facts["chosen"])}),
        Pairs(tuple((name, found["title"]) for name, found in candidates.items() if " + " not in name)),
    ]
    return Finding(title, tuple(blocks))


def _sentence(facts: Mapping[str, Any]) -> str:
    said = "The exported graph stays" if facts["chosen"] == "export" else f"The graph {facts['chosen']} is taken"
    counts = [one["ratio"]["n"] for found in facts["candidates"].values() for one in found["timed"]]
    processes = f", {min(counts)} or more fresh processes each" if counts else ""
    return (
        f"{said}, by the time of {facts['timed']} on {facts['target']}{processes}. Times are of the exported graph's "
        f"(99% bounds). A candidate takes its place where it saves more than {GAIN:.0%} for sure, measured twice, with "
        "one kind of input, and is slower with none."
    )


def _built(found: Mapping[str, Any]) -> tuple[str, str, str]:
    difference = "" if found["difference"] is None else f"{found['difference']:.1e}"
    return difference or fmt.NA, str(found["nodes"] or fmt.NA), fmt.number(found["size_mb"])


def _change(timed: Mapping[str, Any]) -> str:
    ratio = timed["ratio"]
    return f"{ratio['value']:+.1%} ({ratio['low']:+.1%} to {ratio['high']:+.1%})"


def _outcome(found: Mapping[str, Any]) -> str:
    timed: Sequence[Mapping[str, Any]] = found["timed"]
    if found["reason"]:
        return str(found["reason"])
    if any(one["ratio"]["low"] > 0 for one in timed):
        return "slower"
    if any(one["faster"] for one in timed):
        return "faster"
    return next((one["note"] for one in timed if one["note"]), "") or "no gain"


def _chosen(facts: Mapping[str, Any], name: str, outcome: str) -> str:
    if name != facts["chosen"]:
        return "" if name == "export" else outcome
    return "stays" if name == "export" else f"{outcome}: taken"
