"""What accuracy control tried, as a part of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compressor.recipe.quantize import QuantizeSection
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Prose, table
from compressor.report.blocks.charts import Curve, LineChart
from compressor.task_specs import MetricSpec, metric_spec

__all__ = ["control_finding"]

_SHOWN = 8
"""Weights in the table of what each one's rounding costs."""


def control_finding(section: QuantizeSection, found: Mapping[str, Any]) -> Finding:
    """A sentence, the files that were tried as table and chart, and the weights whose rounding costs most."""
    assert section.control is not None
    metric = metric_spec(None, found["metric"])
    bounds = [f"{section.control.quality_lost} lost"]
    bounds += [f"{section.control.size_mb} MB"] if section.control.size_mb else []
    kept = len(found["chosen"])
    verdict = (
        f"{kept} weights stay in float, and the budget ({', '.join(bounds)}) holds"
        if found["met"]
        else f"No file keeps the budget ({', '.join(bounds)}); the one that loses least keeps {kept} weights in float"
    )
    blocks: list[Block] = [
        Prose(
            f"{verdict}. Judged by {metric.title} on {found['n']} validation texts, where the graph before has "
            f"{fmt.quality(found['before'], metric)}."
        ),
        table(
            ("weights in float", "size, MB", metric.title, "lost", "error of the outputs"),
            [_row(step, metric, found) for step in found["steps"]],
        ),
    ]
    if len(found["steps"]) > 1:
        scale = 100 if metric.unit == "share" else 1
        points = tuple((step["size_mb"], scale * step["quality"]) for step in found["steps"])
        axis = f"{metric.title}, %" if metric.unit == "share" else metric.title
        curve = Curve(section.name, "v0", points)
        blocks.append(LineChart("What each further weight in float brings", "size, MB", axis, (curve,)))
    if found["removes"]:
        worst = sorted(found["removes"].items(), key=lambda item: item[1], reverse=True)[:_SHOWN]
        rows = [(name, fmt.percent(share)) for name, share in worst]
        blocks.append(table(("weight", "of the squared error that goes when it alone stays in float"), rows))
    return Finding(f"Accuracy control of {section.name}", tuple(blocks))


def _row(step: Mapping[str, Any], metric: MetricSpec, found: Mapping[str, Any]) -> tuple[str, ...]:
    chosen = " (chosen)" if list(step["kept"]) == found["chosen"] else ""
    lost = step["lost"] / 100 if metric.unit == "share" else step["lost"]
    return (
        f"{len(step['kept'])}{chosen}",
        fmt.number(step["size_mb"]),
        fmt.quality(step["quality"], metric),
        fmt.change(lost, metric).lstrip("+"),
        fmt.percent(step["error"]),
    )
