"""A report as a text of the kind that is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from compressor.bench.results import Measurement
from compressor.compare.results import Comparison
from compressor.errors import RecipeError
from compressor.report.comparison import comparison_markdown
from compressor.report.document import RunReport
from compressor.report.html import bench_page, comparison_page, report_page
from compressor.report.markdown import bench_markdown, markdown

__all__ = ["write_file", "written"]


def written(found: RunReport | Comparison | list[Measurement], kind: Literal["html", "md", "json"]) -> str:
    """The document as HTML, as Markdown, or as the JSON this version writes."""
    if kind == "json":
        data = [one.to_json() for one in found] if isinstance(found, list) else found.to_json()
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    if isinstance(found, RunReport):
        return report_page(found) if kind == "html" else markdown(found)
    if isinstance(found, Comparison):
        return comparison_page(found) if kind == "html" else comparison_markdown(found)
    return bench_page(found) if kind == "html" else bench_markdown(found)


def write_file(file: Path, text: str) -> None:
    """Write a report where the user asks for it.

    Raises:
        RecipeError: it can't be written there.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{file} can't be written: {error.strerror}.", hint="Choose another with --out.") from error
