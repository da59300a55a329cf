"""What people read: the console of a run, closing tables, report.md, the model card. Knows results, nothing else."""

from __future__ import annotations

from compressor.report.markdown import markdown
from compressor.report.model_card import model_card
from compressor.report.table import bench_table, closing_table

__all__ = ["bench_table", "closing_table", "markdown", "model_card"]
