"""Recipes of classifiers, on tiny models."""

from __future__ import annotations

import bz2
import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from compressor import runtime
from tests import tiny
from tests.gguf_file import write_gguf
from tests.shipped.support import QUICK, SHORT, Runs, Studies, rotten_tomatoes

pytestmark = pytest.mark.slow

TRAINED = ("distill.epochs=1", "distill.learning_rate=3e-3")
LABELLED_ALONE = ("data.augment=null", "data.unlabelled=null")


def labelled(file: Path, header: tuple[str, str], names: dict[str, str], *, count: int = 120, seed: int = 0) -> Path:
    """Made-up reviews under other column names and labels."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(header)
        writer.writerows((text, names[label]) for text, label in tiny.reviews(count, seed=seed))
    return file


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


def flow(overrides: Sequence[str]) -> str:
    """Overrides as a YAML mapping in one line, as the key `set` takes them."""
    return "{" + ", ".join(override.replace("=", ": ", 1) for override in overrides) + "}"


def small(tmp_path: Path, teacher: Path) -> tuple[str, ...]:
    """Overrides of data and teacher that `reviews-small` and the recipes of its family share."""
    corpus = rotten_tomatoes(tmp_path)
    return (
        f"data.source={corpus}",
        "data.sha256=null",
        "data.max_length=32",
        "data.augment={copies: 2}",
        f"data.unlabelled=[{{source: {corpus}, columns: {{text: text}}, where: {{category: plot}}}}]",
        f"teacher.model={teacher}",
        "teacher.finetune.epochs=1",
    )


def begun_as(own: Sequence[str], student: Path) -> str:
    """The override of the recipe whose student that of `reviews-small` begins as."""
    start = (*own, *TRAINED, "distill.baseline=false", f"student.init={student}", "student.sha256=null")
    return f"student.set={flow(start)}"


def test_reviews_small(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Also texts that only the teacher labels, and a student that begins as another recipe's and is cut down."""
    own = small(tmp_path, deep_encoder)
    report = run("reviews-small", *own, *TRAINED, begun_as(own, deep_encoder), *QUICK)
    facts = {stage.name: stage.facts for stage in report.stages}
    assert facts["label/augment"]["examples"]["texts"] > facts["prepare"]["splits"]["train"]["rows"]
    made_once = ("teach", "label", "label/augment", "label/unlabelled")
    assert not {f"start/{name}" for name in made_once} & facts.keys(), "made once for both"
    assert facts["distill"]["parameters"] < facts["start/distill"]["parameters"]
    assert report.chosen == "int4"


def test_reviews_static(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Also a student without layers, whose table is all there is to quantize."""
    own = small(tmp_path, deep_encoder)
    report = run(
        "reviews-static",
        *own,
        f"student.init={deep_encoder}",
        "student.sha256=null",
        "student.build=[{kind: vocabulary}, {kind: static, size: 8}]",
        *TRAINED,
        *QUICK,
    )
    facts = {stage.name: stage.facts for stage in report.stages}
    assert facts["distill"]["parameters"] < facts["teach"]["parameters"]


def test_reviews_cascade(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Also a second recipe, whose student stands in front of this one's."""
    own = small(tmp_path, deep_encoder)
    build = "student.build=[{kind: vocabulary, min_count: 2}, {kind: static, size: 8}]"
    first = (*own, *TRAINED, f"student.init={deep_encoder}", "student.sha256=null", build)
    report = run("reviews-cascade", *own, *TRAINED, begun_as(own, deep_encoder), f"cascade.set={flow(first)}", *QUICK)
    assert report.chosen == "cascade"
    facts = {stage.name: stage.facts for stage in report.stages}
    assert facts["cascade"]["splits"]["validation"]["agreement"] >= 0.98


def test_reviews_builders(study: Studies, tmp_path: Path, deep_encoder: Path) -> None:
    """Also students that are made smaller in several ways, in one table."""
    own = small(tmp_path, deep_encoder)
    smaller = {
        2: "{kind: layers, keep: [0, 2]}",
        4: "{kind: width, size: 8}",
        5: "{kind: width, size: 4}",
        6: "{kind: vocabulary}, {kind: factorize-embeddings, size: 8}",
    }
    builds = [f"variants.{index}.set={{student.build: [{build}]}}" for index, build in smaller.items()]
    compared = study("reviews-builders", *own, *LABELLED_ALONE, *TRAINED, begun_as(own, deep_encoder), *builds, *QUICK)
    assert [variant.members[0].error for variant in compared.variants] == 8 * [""]


def test_reviews_ablation(study: Studies, tmp_path: Path, deep_encoder: Path, decoder_folder: Path) -> None:
    """A study, with an objective that has the teacher run beside the student and texts that a language model writes."""
    own = small(tmp_path, deep_encoder)
    plots = f"source: {tmp_path / 'corpus.csv'}, columns: {{text: text}}, where: {{category: plot}}"
    relations = "{kind: relations, heads: 2, weight: {start: 1.0, end: 0.0, over: [0.0, 0.5]}}"
    written = f"model: {decoder_folder}, count: 20, max_new_tokens: 16, finetune: {{epochs: 1}}"
    compared = study(
        "reviews-ablation",
        *own,
        *LABELLED_ALONE,
        f"student.init={deep_encoder}",
        "student.sha256=null",
        *TRAINED,
        "seeds=[1]",
        f"variants.1.set={{data.unlabelled: {{{plots}}}}}",
        f"variants.3.set={{data.generate: {{{written}}}}}",
        "variants.4.set={distill.epochs: 2}",
        f"variants.5.set={{distill.objectives: [{{kind: soft-targets}}, {relations}]}}",
        *QUICK,
    )
    assert [variant.members[0].error for variant in compared.variants] == 8 * [""]
    assert all(variant.members[0].divergence for variant in compared.variants)


def test_reviews_zero_label(run: Runs, tmp_path: Path, deep_encoder: Path, decoder_folder: Path) -> None:
    """Also labels that are kept for the test split alone."""
    report = run(
        "reviews-zero-label",
        f"data.source={rotten_tomatoes(tmp_path)}",
        "data.sha256=null",
        f"teacher.prompt.model={decoder_folder}",
        "teacher.prompt.sha256=null",
        "teacher.prompt.gguf_file=null",
        f"student.init={deep_encoder}",
        "student.sha256=null",
        *SHORT,
        *QUICK,
    )
    facts = {stage.name: stage.facts for stage in report.stages}
    assert not facts["label"]["validation"] and facts["label"]["test"]["accuracy"] >= 0
    int8 = report.measurement("int8")
    assert int8 is not None and int8.accuracy is not None and int8.accuracy.agreement is not None


def test_reviews_zero_label_assistant(
    run: Runs, tmp_path: Path, deep_encoder: Path, encoder_folder: Path, decoder_folder: Path
) -> None:
    """Also an assistant whose teacher is asked."""
    file = rotten_tomatoes(tmp_path)
    asked = f"teacher.prompt.model: {decoder_folder}, teacher.prompt.sha256: null, teacher.prompt.gguf_file: null"
    assistant = f"student.init: {deep_encoder}, student.sha256: null, student.layers: null, distill.epochs: 1"
    report = run(
        "reviews-zero-label-assistant",
        f"data.source={file}",
        "data.sha256=null",
        f"teacher.set={{data.source: {file}, data.sha256: null, data.max_length: 32, {asked}, {assistant}}}",
        f"student.init={encoder_folder}",
        "student.sha256=null",
        *SHORT,
        *QUICK,
    )
    facts = {stage.name: stage.facts for stage in report.stages}
    assert "accuracy" not in facts["label"]["validation"] and facts["label"]["test"]["accuracy"] >= 0
    assert facts["distill"]["parameters"] != facts["assistant/distill"]["parameters"]  # two models, each trained


def test_reviews_gpt(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Also a teacher that writes, and comes as GGUF."""
    write_gguf(tmp_path / "small.gguf")
    report = run(
        "reviews-gpt",
        f"data.source={rotten_tomatoes(tmp_path)}",
        "data.sha256=null",
        "data.max_length=48",
        f"teacher.model={tmp_path}",
        "teacher.sha256=null",
        "teacher.gguf_file=small.gguf",
        "teacher.finetune.epochs=1",
        f"student.init={deep_encoder}",
        "student.sha256=null",
        *SHORT,
        *QUICK,
    )
    facts = {stage.name: stage.facts for stage in report.stages}
    assert facts["teach"]["finetuned"] and facts["label"]["test"]["accuracy"] >= 0


def test_reviews_ensemble(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Also the baseline of a student that several models teach."""
    members = ", ".join(f"{{model: {deep_encoder}, finetune: {{epochs: 1}}, seed: {seed}}}" for seed in (1, 2, 3))
    report = run(
        "reviews-ensemble",
        f"data.source={rotten_tomatoes(tmp_path)}",
        "data.sha256=null",
        f"teacher.ensemble.members=[{members}]",
        f"student.init={deep_encoder}",
        "student.sha256=null",
        *SHORT,
        *QUICK,
    )
    facts = {stage.name: stage.facts for stage in report.stages}
    assert len(facts["label"]["weights"]) == 3
    assert facts["baseline"]["parameters"] == facts["distill"]["parameters"]


def test_reviews_answers(run: Runs, tmp_path: Path, deep_encoder: Path) -> None:
    """Also the script that asks a bundle in the place of a service."""
    file = rotten_tomatoes(tmp_path)
    own = (f"data.source={file}", "data.sha256=null", *SHORT, *QUICK)
    run("quickstart", f"teacher.model={deep_encoder}", "teacher.sha256=null", "teacher.finetune.epochs=1", *own)
    service, corpus, answers = tmp_path / "service", tmp_path / "corpus.csv.bz2", tmp_path / "answers.csv"
    (tmp_path / "run").rename(service)
    corpus.write_bytes(bz2.compress(file.read_bytes()))
    script = Path(__file__).parents[2] / "benchmarks" / "data" / "review_answers.py"
    subprocess.run([sys.executable, script, service / "bundle", corpus, answers], check=True)
    report = run(
        "reviews-answers",
        f"teacher.answers.source={answers}",
        f"student.init={deep_encoder}",
        "student.sha256=null",
        *own,
    )
    facts = {stage.name: stage.facts for stage in report.stages}
    service_report = json.loads((service / "report.json").read_text(encoding="utf-8"))
    (int8,) = (one for one in service_report["measurements"] if one["subject"] == "int8" and one["accuracy"])
    assert facts["label"]["test"]["accuracy"] == pytest.approx(int8["accuracy"]["value"], abs=0.1)


def test_reviews_assistant(run: Runs, tmp_path: Path, deep_encoder: Path, encoder_folder: Path) -> None:
    """Also a recipe whose teacher is the student of another one."""
    file = rotten_tomatoes(tmp_path)
    first = (
        f"data.source: {file}, data.sha256: null, data.max_length: 32, "
        f"teacher.model: {deep_encoder}, teacher.finetune.epochs: 1, "
        f"student.init: {deep_encoder}, student.sha256: null, distill.epochs: 1, distill.baseline: false"
    )
    report = run(
        "reviews-assistant",
        f"data.source={file}",
        "data.sha256=null",
        f"teacher.set={{{first}}}",
        *SHORT,
        *QUICK,
    )
    facts = {stage.name: stage.facts for stage in report.stages}
    assert facts["distill"]["parameters"] < facts["assistant/distill"]["parameters"]


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
