"""Data files of every task, a few hundred rows each at most."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests import tiny

__all__ = ["FILES", "write_csv", "write_lines", "write_topics"]


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_topics(path: Path, count: int = 200) -> Path:
    """A jsonl file whose rows have a list of labels each, sometimes an empty one."""
    kinds = ("film", "story", "plot", "actors")
    rows = ({"text": text, "topics": [kind for kind in kinds if kind in text]} for text, _ in tiny.reviews(count))
    return write_lines(path, rows)


FILES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "text-classification": ("reviews.csv", lambda path: tiny.write_reviews(path, 120)),
    "multi-label-classification": ("topics.jsonl", write_topics),
    "token-classification": ("names.conll", lambda path: tiny.write_conll(path, 120)),
    "question-answering": ("questions.jsonl", lambda path: tiny.write_questions(path, 120)),
    "regression": ("ratings.csv", lambda path: tiny.write_ratings(path, 120)),
    "sentence-embedding": ("pairs.jsonl", lambda path: tiny.write_pairs(path, 120)),
}
"""Task -> name of a file, and what writes it."""
