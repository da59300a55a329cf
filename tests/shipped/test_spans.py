"""Recipes that find pieces of texts, on tiny models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.shipped.support import QUICK, SHORT, Runs

pytestmark = pytest.mark.slow


def span_rows(group: str, groups: int) -> list[dict[str, Any]]:
    """Made-up tagged sentences as rows of spans in characters, as the scripts of benchmarks/data write them."""
    rows = []
    for number, sentence in enumerate(tiny.tagged_texts(160)):
        text, spans = "", list[dict[str, Any]]()
        for token, tag in sentence:
            start, text = len(text), f"{text}{token} "
            if tag.startswith("I-"):
                spans[-1]["end"] = start + len(token)
            elif tag != "O":
                spans.append({"start": start, "end": start + len(token), "label": tag[2:]})
        rows.append({"text": text.strip(), "spans": spans, group: f"{group} {number % groups}"})
    return rows


def on_spans(folder: Path, rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Overrides for a recipe of tagged texts."""
    (folder / "spans.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return (
        f"data.source={folder / 'spans.jsonl'}",
        f"teacher.model={tiny.write_name_encoder(folder / 'encoder', layers=6, hidden=16)}",
        "teacher.sha256=null",
        "teacher.finetune.epochs=1",
        *SHORT,
        *QUICK,
    )


def test_entities(run: Runs, tmp_path: Path) -> None:
    """Spans in a CoNLL file; the outputs have other names than the labels."""
    report = run(
        "entities",
        f"data.source={tiny.write_conll(tmp_path / 'names.conll', 160)}",
        f"teacher.model={tiny.write_name_encoder(tmp_path / 'encoder', layers=6, hidden=16)}",
        "teacher.finetune.epochs=1",
        *SHORT,
        *QUICK,
    )
    assert report.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is not None and fp32.accuracy.metric == "f1_entity"


def test_film_entities(run: Runs, tmp_path: Path) -> None:
    """Spans in characters, grouped by film."""
    report = run("film-entities", *on_spans(tmp_path, span_rows("film", 20)))
    assert report.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    prepare = next(stage.facts for stage in report.stages if stage.name == "prepare")
    assert "20" in json.dumps(prepare["groups"])


def test_identities(run: Runs, tmp_path: Path) -> None:
    report = run("identities", *on_spans(tmp_path, span_rows("template", 16)))
    int8 = report.measurement("int8")
    assert int8 is not None and int8.accuracy is not None and int8.accuracy.metric == "f1_entity"


def test_squad_minilm(run: Runs, tmp_path: Path, deep_encoder: Path, encoder_folder: Path) -> None:
    """Also a column of groups, and contexts of several windows."""
    files = {}
    for split, count in (("train", 80), ("validation", 20)):
        rows = tiny.questions(count, longest=40, seed=count)
        titled = [json.dumps({**row, "title": f"{split} {index % 20}"}) for index, row in enumerate(rows)]
        files[split] = tmp_path / f"{split}.jsonl"
        files[split].write_text("\n".join(titled), encoding="utf-8")
    report = run(
        "squad-minilm",
        f"data.source={{train: {files['train']}, validation: {files['validation']}}}",
        "data.split.validation=0.2",
        f"teacher.model={deep_encoder}",
        "teacher.finetune.epochs=1",
        f"student.init={encoder_folder}",
        *SHORT,
        *QUICK,
    )
    int8 = report.measurement("int8")
    assert int8 is not None and int8.accuracy is not None
    assert int8.accuracy.n == 20 and set(int8.accuracy.metrics) == {"f1", "exact_match"}


def test_questions(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Questions grouped by person, some without an answer."""
    asked = tiny.questions(160, unanswered=0.2, longest=20)
    rows = [json.dumps({**row, "person": f"person {n % 40}"}) for n, row in enumerate(asked)]
    (tmp_path / "questions.jsonl").write_text("\n".join(rows), encoding="utf-8")
    report = run(
        "questions",
        f"data.source={tmp_path / 'questions.jsonl'}",
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        "teacher.finetune.epochs=1",
        *SHORT,
        *QUICK,
    )
    manifest = json.loads((tmp_path / "run" / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    assert "no_answer_threshold" in manifest["options"]
    assert report.task == "question-answering"
