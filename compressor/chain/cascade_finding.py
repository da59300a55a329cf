"""What other thresholds of a cascade would bring, in quality and in time, as a part of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from compressor.bench.results import Latency, Measurement
from compressor.recipe.cascade import CascadeSection
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Prose, table
from compressor.report.blocks.charts import Curve, LineChart

__all__ = ["cascade_finding"]

_FIGURES = {"accuracy": "accuracy", "first answers": "share", "as the second": "agreement"}
"""Title of a column -> what is known of a threshold on a split."""


@dataclass(frozen=True)
class _Times:
    """Mean latencies by the share of the texts that the first student answers.

    Every text takes the first student's time, and a text that it isn't sure of the second's too. Two of these means are
    measured, the second student's alone and the cascade's; the first student's follows from both, with what the graph
    itself takes.
    """

    target: str
    first_ms: float
    second_ms: float
    reference: str = ""
    """Name of the model that others compare with."""
    reference_ms: float | None = None
    """None where it wasn't measured."""

    def at(self, share: float) -> float:
        return self.first_ms + (1 - share) * self.second_ms


def cascade_finding(
    section: CascadeSection,
    facts: Mapping[str, Any],
    measured: Mapping[str, Measurement],
    reference: Measurement | None,
) -> Finding:
    """A sentence, a row for each threshold, and quality over time as a chart.

    Args:
        facts: of the stage.
        measured: variants by name, on the target that decides.
        reference: the model that others compare with.
    """
    chosen, curve = facts["threshold"], facts["curve"]
    splits = [split for split in ("validation", "test") if split in curve[0]["splits"]]
    times = _times(section, facts, measured, reference)
    tuned = facts["splits"]["validation"]
    blocks: list[Block] = [
        Prose(
            f"The first student answers by itself where its probability is at least {chosen:.3f}: "
            f"{fmt.percent(tuned['share'])} of {tuned['n']} validation texts, by which the threshold was chosen, so "
            f"that {fmt.percent(section.agreement)} are answered as by the second student alone. "
            "The mean of its latency tells what that saves, not the median."
        ),
        _table(section, curve, splits, times),
    ]
    if times is not None:
        blocks.append(Prose(_how(times), "remark"))
        blocks += _chart(curve, splits, times)
    return Finding("Cascade", tuple(blocks))


def _times(
    section: CascadeSection,
    facts: Mapping[str, Any],
    measured: Mapping[str, Measurement],
    reference: Measurement | None,
) -> _Times | None:
    """None where one of the two wasn't measured, or they contradict each other."""
    both, second = (_latency(measured.get(name)) for name in (section.name, section.variant))
    if both is None or second is None:
        return None
    # Latencies are those of the test texts, where there are any.
    share = (facts["splits"].get("test") or facts["splits"]["validation"])["share"]
    first = both.model.mean_ms - (1 - share) * second.model.mean_ms
    if first <= 0:
        return None
    found = _Times(measured[section.name].target, first, second.model.mean_ms)
    if reference is None or (theirs := _latency(reference)) is None:
        return found
    return replace(found, reference=reference.subject, reference_ms=theirs.model.mean_ms)


def _latency(found: Measurement | None) -> Latency | None:
    """Of texts one at a time."""
    return found.latency() if found else None


def _table(
    section: CascadeSection, curve: Sequence[Mapping[str, Any]], splits: Sequence[str], times: _Times | None
) -> Block:
    """Time and accuracy first: what is read where the page is too narrow for all."""
    header = ["agreement\nasked for", "threshold"]
    header += ["mean\nms", f"mean speed-up\n{times.reference}"] if times else []
    header += [f"{what}\n{split}" for what in _FIGURES for split in splits]
    rows = [
        (
            _name(section, one),
            "" if one["agreement"] is None else f"{one['threshold']:.3f}",
            *(_speed(one, splits[-1], times) if times else ()),
            *(fmt.percent(one["splits"][split][name]) for name in _FIGURES.values() for split in splits),
        )
        for one in curve
    ]
    return table(header, rows, optional=range(2, len(header)))


def _name(section: CascadeSection, one: Mapping[str, Any]) -> str:
    if one["agreement"] is None:
        return "first alone" if one["threshold"] == 0 else "second alone"
    return f"{fmt.percent(one['agreement'])}{' (chosen)' if one['agreement'] == section.agreement else ''}"


def _mean(one: Mapping[str, Any], split: str, times: _Times) -> float:
    """The second student alone needs no cascade."""
    if one["agreement"] is None and one["threshold"] > 1:
        return times.second_ms
    return times.at(one["splits"][split]["share"])


def _speed(one: Mapping[str, Any], split: str, times: _Times) -> tuple[str, str]:
    mean = _mean(one, split, times)
    return fmt.number(mean), "" if times.reference_ms is None else f"{fmt.number(times.reference_ms / mean)}x"


def _how(times: _Times) -> str:
    return (
        f"Mean times of a text on {times.target}: those of the chosen threshold and of the second student alone are "
        "measured. The others follow from these two by the share of test texts that each student answers, as if texts "
        "that are passed on were as long as others; the first student's includes what joining the two takes."
    )


def _chart(curve: Sequence[Mapping[str, Any]], splits: Sequence[str], times: _Times) -> list[Block]:
    """Nothing where labels aren't known."""
    curves = []
    for split in splits:
        found = [(_mean(one, splits[-1], times), one["splits"][split]["accuracy"]) for one in curve]
        points = [(mean, 100 * accuracy) for mean, accuracy in found if accuracy is not None]
        if len(points) == len(curve):
            last = split == splits[-1]
            curves.append(Curve(split, "v0" if last else "neutral", tuple(points[:-1]), dashed=not last, strong=last))
            curves.append(Curve("second alone" if last else "", "v1", (points[-1],), dashed=not last))
    title = "Quality over the mean time of a text, from the first student alone on"
    return [LineChart(title, f"mean on {times.target}, ms", "accuracy, %", tuple(curves))] if curves else []
