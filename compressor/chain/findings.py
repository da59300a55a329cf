"""What evaluations found, as the stage `evaluate` leaves it in its artifact."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from compressor.engine.artifact import Artifact
from compressor.report.blocks import Finding

__all__ = ["read_findings", "write_findings"]

_FINDINGS = "findings.json"


def write_findings(findings: Sequence[Finding], out: Path) -> None:
    """Put them into the folder of a stage."""
    text = json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False)
    (out / _FINDINGS).write_text(text, encoding="utf-8")


def read_findings(artifacts: Iterable[Artifact]) -> list[Finding]:
    """The findings among these artifacts, in their order."""
    from pydantic import TypeAdapter

    files = (artifact.folder / _FINDINGS for artifact in artifacts if _FINDINGS in artifact.files)
    texts = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    return [found for text in texts for found in TypeAdapter(list[Finding]).validate_python(text)]
