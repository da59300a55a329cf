"""Recipes of numbers and vectors, on tiny models."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests import tiny
from tests.shipped.support import QUICK, SHORT, Runs, rotten_tomatoes

pytestmark = pytest.mark.slow


def test_ratings(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    report = run(
        "ratings",
        f"data.source={tiny.write_ratings(tmp_path / 'ratings.csv', 120)}",
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        "teacher.finetune.epochs=1",
        *SHORT,
        *QUICK,
    )
    int8 = report.measurement("int8")
    assert int8 is not None and int8.accuracy is not None and int8.accuracy.metric == "spearman"


def test_word_pleasantness(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    words = [(f"w{n} {'good' if n % 2 else 'bad'}", 2.5 if n % 2 else 1.25) for n in range(120)]
    with (tmp_path / "words.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("word", "pleasantness"), *words])
    report = run(
        "word-pleasantness",
        f"data.source={tmp_path / 'words.csv'}",
        "data.sha256=null",
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        "teacher.finetune.epochs=1",
        *SHORT,
        *QUICK,
    )
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is not None and fp32.accuracy.metric == "spearman"


def test_embeddings_minilm(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Texts without labels: the teacher judges the student."""
    report = run(
        "embeddings-minilm",
        f"data.source={rotten_tomatoes(tmp_path)}",
        "data.sha256=null",
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        *SHORT,
        *QUICK,
    )
    int8 = report.measurement("int8")
    assert int8 is not None and int8.accuracy is not None and int8.accuracy.metric == "teacher_similarity"


def pairs_of_reviews(folder: Path, second: str) -> list[str]:
    """Settings that have a recipe read made-up pairs: 80 to train, 20 to validate and to test."""
    settings = []
    for split, count in (("train", 80), ("validation", 20), ("test", 20)):
        texts = [text for text, _ in tiny.reviews(2 * count, seed=count + len(split))]
        pairs = [{"review": one, second: other} for one, other in zip(texts[::2], texts[1::2], strict=True)]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
        settings.append(f"data.source.{split}={folder / f'{split}.jsonl'}")
    return settings


def test_film_retrieval(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Pairs: the second text of each is looked for among all."""
    report = run(
        "film-retrieval",
        *pairs_of_reviews(tmp_path, "plot"),
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        *SHORT,
        *QUICK,
    )
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is not None and fp32.accuracy.n == 20
    assert "recall_at_1" in fp32.accuracy.metrics


def test_film_reviews(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Pairs without a score: the same student is trained by them alone, too. It begins as one that read sentences of
    other texts, each a pair with itself."""
    more = tmp_path / "more.txt"
    more.write_text("\n".join(f"{text} It says more." for text, _ in tiny.reviews(30, seed=99)), encoding="utf-8")
    pairs = {split: str(tmp_path / f"{split}.jsonl") for split in ("train", "validation", "test")}
    columns = {"text": "review", "text_pair": "other"}
    unlabelled = {"source": str(more), "columns": {"text": "text", "text_pair": "text"}, "sentences": True}
    teacher = {"teacher.model": str(deep_encoder), "teacher.sha256": None}
    data = {"source": pairs, "columns": columns, "max_length": 64, "unlabelled": unlabelled}
    report = run(
        "film-reviews",
        *pairs_of_reviews(tmp_path, "other"),
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        "data.max_length=64",
        f"student.set={json.dumps({'data': data, **teacher, 'distill.epochs': 1})}",
        *SHORT,
        *QUICK,
    )
    for subject in ("baseline", "int8"):
        measured = report.measurement(subject)
        assert measured is not None and measured.accuracy is not None and "recall_at_1" in measured.accuracy.metrics
    facts = {stage.name: stage.facts for stage in report.stages}
    assert facts["start/unlabelled"]["made"] > 0
