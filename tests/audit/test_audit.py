"""Audits of a finished bundle, as a user asks for them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from compressor.report.audit import AuditReport
from tests import tiny
from tests.command import compressor
from tests.tiny_run import TinyRun


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews with a column that is neither text nor label."""
    file = tmp_path_factory.mktemp("audit") / "reviews.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("review", "label", "place"))
        writer.writerows(
            (text, label, "north" if i % 2 else "south") for i, (text, label) in enumerate(tiny.reviews(120))
        )
    return file


def test_a_bundle_is_audited_beside_its_fp32_variant(finished: TinyRun, reviews: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    named = ("--column", "text=review", "--slice", "place", "--terms", "good,dull", "--out", out)
    more = ("--training", reviews, "--validation", reviews, "--outside", reviews, "--variant", "int8", "--texts", "30")
    synonyms = tmp_path / "synonyms.tsv"
    synonyms.write_text("good\tgreat\ndull\tboring\n", encoding="utf-8")
    attack = ("--attack", "10", "--attack-queries", "30", "--synonyms", synonyms)
    done = compressor("audit", finished.bundle, "--data", reviews, *named, *more, *attack).succeeds()
    titles = (
        "Robustness",
        "Attack",
        "Synonyms",
        "Groups of texts",
        "Certainty",
        "Leakage",
        "Texts of another domain",
        "exchanged",
    )
    assert all(title in done.out for title in titles)
    found = AuditReport.from_json(json.loads((out / "audit.json").read_text(encoding="utf-8")))
    assert [one.name for one in found.models] == ["onnx int8", "onnx fp32"] and found.texts == 120
    assert found.figures["membership_auc"] == pytest.approx(0.5), "training and test are the same file here"
    assert 0 <= found.figures["synonym_flipped"] <= 1
    assert 0 <= found.figures["attacked_accuracy"] <= 1 and found.figures.get("attack_queries", 1) <= 30
    assert "place = north" in (out / "audit.md").read_text(encoding="utf-8")
    assert found.figures["near_duplicates"] == 1.0 and "repeated_texts" in found.figures
    held = json.loads((finished.bundle / "golden.json").read_text(encoding="utf-8"))["examples"]
    assert found.figures["carried_texts"] == len(held) and held[0]["text"] in (out / "audit.md").read_text("utf-8")
    assert found.figures["near_duplicates_of_validation"] == 1.0
    page = (out / "audit.html").read_text(encoding="utf-8")
    assert "<h2" in page and "Robustness" in page
    again = compressor("report", out, "--format", "md").succeeds().out
    assert again == (out / "audit.md").read_text(encoding="utf-8")


def test_what_cannot_be_checked_is_listed_with_what_is_missing(finished: TinyRun, reviews: Path) -> None:
    call = ("audit", finished.bundle, "--data", reviews, "--column", "text=review", "--texts", "5", "--format", "json")
    found = compressor(*call).succeeds().json
    lacking = dict(found["unchecked"])
    assert "--training" in lacking["Leakage: who was in the training texts"]
    assert "--outside" in lacking["Texts of another domain"]


def test_the_teacher_in_pytorch_can_stand_beside_it(finished: TinyRun, reviews: Path, classifier_folder: Path) -> None:
    call = ("audit", finished.bundle, "--data", reviews, "--column", "text=review", "--texts", "5", "--format", "json")
    found = compressor(*call, "--variant", "int8", "--beside", classifier_folder).succeeds().json
    assert [one["name"] for one in found["models"]] == ["onnx int8", classifier_folder.name]


def test_the_teacher_and_the_fp32_variant_can_both_stand_beside_it(
    finished: TinyRun, reviews: Path, classifier_folder: Path
) -> None:
    call = ("audit", finished.bundle, "--data", reviews, "--column", "text=review", "--texts", "5", "--format", "json")
    beside = ("--beside", classifier_folder, "--beside", "fp32")
    found = AuditReport.from_json(compressor(*call, "--variant", "int8", *beside).succeeds().json)
    names = ["onnx int8", classifier_folder.name, "onnx fp32"]
    assert [one.name for one in found.models] == names
    (robustness,) = [one for one in found.findings if one.title == "Robustness"]
    assert all(name in str(robustness.blocks) for name in names)
    again = ("--variant", "int8", "--beside", "int8")
    assert [one["name"] for one in compressor(*call, *again).succeeds().json["models"]] == [
        "onnx int8",
        "onnx int8 (2)",
    ]


def test_a_training_file_may_have_no_right_answers_and_be_read_all_the_same(
    finished: TinyRun, reviews: Path, tmp_path: Path
) -> None:
    rows = list(csv.reader(reviews.read_text(encoding="utf-8").splitlines()))
    unlabelled = tmp_path / "training.jsonl"
    texts = [{"review": f"{row[0]}!"} for row in rows[1:13]]
    unlabelled.write_text("".join(f"{json.dumps(one)}\n" for one in texts), encoding="utf-8")
    call = ("audit", finished.bundle, "--data", reviews, "--column", "text=review", "--texts", "5", "--format", "json")
    found = compressor(*call, "--training", unlabelled).succeeds().json
    assert found["figures"]["near_duplicates"] >= 0.1
    assert "right answers of the training" in dict(found["unchecked"])["Leakage: who was in the training texts"]
    unlabelled.write_text(json.dumps({"comment": "a film"}), encoding="utf-8")
    compressor(*call, "--training", unlabelled).fails(2, "no `review`", str(unlabelled))


def test_without_examples_no_text_leaves_the_machine(finished: TinyRun, reviews: Path) -> None:
    call = ("audit", finished.bundle, "--data", reviews, "--column", "text=review", "--texts", "20", "--format", "json")
    texts = [text for text, _ in tiny.reviews(120)]
    shown, silent = (compressor(*call, *more).succeeds().out for more in ((), ("--no-examples",)))
    assert '"highlighted"' in shown and '"highlighted"' not in silent
    assert not any(text in silent for text in texts)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--column", "text"), "ROLE=COLUMN"),
        (("--column", "words=review"), "reads no 'words'"),
        (("--column", "text=comment"), "comment"),
        (("--column", "text=review", "--slice", "language"), "no column 'language'"),
        (("--column", "text=review", "--terms", "he"), "two words"),
        (("--column", "text=review", "--synonyms", "nowhere.tsv"), "nowhere.tsv"),
        (("--column", "text=review", "--variant", "int2"), "int2"),
        (("--column", "text=review", "--beside", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_call_is_told(finished: TinyRun, reviews: Path, arguments: tuple[str, ...], said: str) -> None:
    compressor("audit", finished.bundle, "--data", reviews, *arguments).fails(2, said)


def test_an_unknown_label_is_told_with_the_file(finished: TinyRun, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("text,label\na film,odd\n", encoding="utf-8")
    compressor("audit", finished.bundle, "--data", file).fails(2, "odd", str(file))


def test_a_folder_of_somebody_else_is_not_written_to(finished: TinyRun, reviews: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    call = ("audit", finished.bundle, "--data", reviews, "--column", "text=review", "--out", tmp_path)
    compressor(*call).fails(2, str(tmp_path))
