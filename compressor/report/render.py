"""What was found as a text of the kind that is asked for, or as what a terminal shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from compressor.bench.results import Measurement
from compressor.compare.results import Comparison
from compressor.errors import RecipeError
from compressor.report.audit import AuditReport
from compressor.report.blocks import Block
from compressor.report.content.audit import audit_blocks, audit_document
from compressor.report.content.comparison import comparison_blocks, comparison_document
from compressor.report.content.explanation import explanation_blocks, explanation_document
from compressor.report.content.failure import failure_blocks, failure_document
from compressor.report.content.run import Document, as_report, closing_blocks, run_document
from compressor.report.content.study import study_blocks, study_document
from compressor.report.content.tune import tune_blocks, tune_document
from compressor.report.document import RunReport
from compressor.report.explanation import ExplainedText
from compressor.report.failure import FailureReport
from compressor.report.printers.markdown import blocks_markdown, escape
from compressor.report.study import StudyReport
from compressor.report.tune import TuneReport

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Found", "console_table", "html_page", "markdown", "render", "write_file"]

Reported = RunReport | FailureReport | StudyReport | TuneReport | Comparison | AuditReport | ExplainedText
"""What a run, one that failed, a study, a search, a comparison, an audit or an explanation found."""
Found = Reported | Sequence[Measurement]
"""The same, or what a benchmark found."""


class _Drawn(NamedTuple):
    """How a kind of report is drawn."""

    document: Callable[[Any], Document]
    """All of it."""
    blocks: Callable[[Any], Iterable[Block]]
    """What a terminal shows."""


_DRAWN: dict[type[Reported], _Drawn] = {
    RunReport: _Drawn(run_document, closing_blocks),
    FailureReport: _Drawn(failure_document, failure_blocks),
    StudyReport: _Drawn(study_document, study_blocks),
    TuneReport: _Drawn(tune_document, tune_blocks),
    Comparison: _Drawn(comparison_document, comparison_blocks),
    AuditReport: _Drawn(audit_document, audit_blocks),
    ExplainedText: _Drawn(explanation_document, explanation_blocks),
}


def _report(found: Found) -> Reported:
    return found if isinstance(found, Reported) else as_report(found)


def _document(found: Found) -> Document:
    report = _report(found)
    return _DRAWN[type(report)].document(report)


def console_table(found: Found) -> RenderableType:
    """The tables that a command ends with, and its verdict."""
    from compressor.report.printers.console import blocks_console

    report = _report(found)
    return blocks_console(_DRAWN[type(report)].blocks(report))


def markdown(found: Found) -> str:
    """One GitHub Markdown document, for a CI summary, a pull request or a README."""
    document = _document(found)
    verdict = f": {document.verdict.text}" if document.verdict else ""
    parts = [f"# {escape(document.title)}{escape(verdict)}", blocks_markdown(document.blocks)]
    return "\n\n".join([*parts, escape(f"{document.about[:1].upper()}{document.about[1:]}. {document.footer}")]) + "\n"


def html_page(found: Found) -> str:
    """One HTML file that needs no network and no script."""
    from compressor.report.printers.html import page

    return page(_document(found))


def render(found: Found, kind: Literal["html", "md", "json"]) -> str:
    """The document as HTML, as Markdown, or as the JSON this version writes."""
    if kind == "json":
        data = found.to_json() if isinstance(found, Reported) else [one.to_json() for one in found]
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    return html_page(found) if kind == "html" else markdown(found)


def write_file(file: Path, text: str) -> None:
    """Write a report where the user asks for it.

    Raises:
        RecipeError: it can't be written there.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{file} can't be written: {error.strerror}.", hint="Choose another with --out.") from error
