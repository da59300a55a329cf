"""`report.html`: one file that needs no network and no script, drawn from a report's JSON alone."""

from __future__ import annotations

from collections.abc import Sequence

from compressor.bench.results import Measurement
from compressor.report.document import RunReport
from compressor.report.html.comparison import comparison_page
from compressor.report.html.machine import cost, environment, facts
from compressor.report.html.markup import tag
from compressor.report.html.measured import measured_sections
from compressor.report.html.page import Section, page
from compressor.report.html.summary import gates_table, summary

__all__ = ["bench_page", "comparison_page", "report_page"]


def report_page(report: RunReport) -> str:
    """Everything a run found."""
    overview, *others = measured_sections(report.measurements, report.chosen, report.differences)
    sections = [
        Section("Gates", [gates_table(report.gates)] if report.gates else []),
        overview,
        *others,
        Section("Cost of the compression", cost(report.stages)),
        Section("What each stage found", facts(report.stages)),
        Section("Machine", environment(report.environment, report.measurements)),
    ]
    footer = f"Written by compressor, {_moment(report.created)}. All of it is drawn from report.json beside it."
    return page(report.name, summary(report), sections, footer)


def bench_page(measurements: Sequence[Measurement], title: str = "Benchmark") -> str:
    """What `compressor bench` found, or any other list of measurements."""
    machine = next((found.environment for found in measurements if found.environment), {})
    subjects = ", ".join(dict.fromkeys(found.subject for found in measurements))
    targets = ", ".join(dict.fromkeys(found.target for found in measurements))
    sections = [
        *measured_sections(measurements, None),
        Section("Machine", environment(machine, measurements)),
    ]
    about = f"{subjects} on {targets}" if measurements else "Nothing was measured."
    return page(title, [tag("p", about, class_="about")], sections, "Written by compressor.")


def _moment(created: str) -> str:
    """`2026-11-24T08:30:00+00:00` as people write it."""
    return f"{created[:10]} {created[11:16]} UTC" if len(created) > 16 else created
