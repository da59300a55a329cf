"""The prepare stage as a whole: what it keeps, counts, refuses, and that no text leaks between splits."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compressor.data import load_labels, load_prepared, load_split
from compressor.data.clean import normalise
from compressor.errors import DataError
from tests import tiny
from tests.data.support import SPLITS, Listener, Row, reviews, run, texts, write


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_csv_becomes_three_stratified_splits(tmp_path: Path, reviews_csv: Path) -> None:
    facts = run(tmp_path / "out", reviews_csv)
    assert load_labels(tmp_path / "out") == ["bad", "good"] == facts["labels"]
    written = dict(tiny.reviews(200))
    for split in SPLITS:
        data = load_split(tmp_path / "out", split)
        assert data["example_id"][:] == list(range(len(data)))
        assert all(["bad", "good"][row["label"]] == written.pop(row["text"]) for row in data)
        assert facts["splits"][split]["rows"] == len(data)
        assert abs(len(data) - 200 * {"train": 0.8}.get(split, 0.1)) <= 2
    assert not written
    assert facts["read"] == {"train": 200}
    words = [len(text.split()) for split in SPLITS for text in texts(tmp_path / "out", split)]
    assert facts["words"]["mean"] == pytest.approx(sum(words) / len(words))
    assert facts["words"]["max"] == max(words)


def test_nothing_but_the_splits_and_the_labels_is_left_behind(tmp_path: Path, reviews_csv: Path) -> None:
    run(tmp_path / "out", reviews_csv)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "labels.json",
        "prepared.json",
        "test.arrow",
        "train.arrow",
        "validation.arrow",
    ]
    with pytest.raises(DataError):
        run(tmp_path / "failed", reviews_csv, labels=("only", "others"))
    assert list((tmp_path / "failed").iterdir()) == []


def test_the_same_content_and_seed_give_the_same_bytes(tmp_path: Path, reviews_csv: Path) -> None:
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        run(tmp_path / name, reviews_csv, seed=seed)
    assert digests(tmp_path / "first") == digests(tmp_path / "again")
    assert texts(tmp_path / "first", "test") != texts(tmp_path / "other", "test")


def test_another_process_with_another_hash_seed_gives_the_same_bytes(tmp_path: Path, reviews_csv: Path) -> None:
    run(tmp_path / "here", reviews_csv)
    script = (
        "import sys; from pathlib import Path; from tests.data.support import run;"
        f"run(Path({str(tmp_path / 'there')!r}), Path({str(reviews_csv)!r}))"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path)}
    )
    assert digests(tmp_path / "here") == digests(tmp_path / "there")


def test_bad_rows_are_counted_by_reason_and_told(tmp_path: Path) -> None:
    rows = [
        *reviews(90),
        {"text": "", "label": "good"},
        {"text": "  \t", "label": "bad"},
        {"text": None, "label": "good"},
    ]
    rows += [{"text": "w", "label": "plot"}] * 5 + [{"text": "x", "label": None}, {"text": "y", "label": "god"}]
    events = Listener()
    facts = run(
        tmp_path / "out", write(tmp_path, rows), labels=("good", "bad"), drop_labels=("plot",), max_rejected=0.06,
        events=events,
    )  # fmt: skip
    assert facts["read"] == {"train": 100}
    assert facts["rejected"]["train"] == {
        "missing_text": 3,
        "unknown_label": 2,
        "unknown_values": {"": 1, "god": 1},
        "reasons": {"without a text": 3, "with an unknown label": 2},
        "share": pytest.approx(5 / 95),
    }
    assert facts["dropped_labels"] == {"train": {"plot": 5}}
    assert sum(split["rows"] for split in facts["splits"].values()) == 90
    assert any("5 rows can't be used: 3 without a text, 2 with an unknown label" in note for note in events.notes)
    assert any("5 rows left out by data.drop_labels ('plot' 5)" in note for note in events.notes)


def test_more_bad_rows_than_allowed_are_refused_with_a_way_out(tmp_path: Path) -> None:
    rows = [*reviews(20), *[{"text": f"t{i}", "label": "Good"} for i in range(4)]]
    path = write(tmp_path, rows)
    with pytest.raises(DataError) as caught:
        run(tmp_path / "out", path, labels=("good", "bad"))
    assert "4 of 24 rows (16.7%) of reviews.jsonl can't be used: 4 with an unknown label ('Good' 4)" in str(
        caught.value
    )
    assert "Did you mean 'good'?" in str(caught.value)
    run(tmp_path / "out", path, labels=("good", "bad"), max_rejected=4 / 24)


def test_rows_dropped_on_purpose_are_not_held_against_the_rest(tmp_path: Path) -> None:
    rows = [*reviews(40), *[{"text": f"t{i}", "label": "plot"} for i in range(400)]]
    facts = run(tmp_path / "out", write(tmp_path, rows), drop_labels=("plot",), max_rejected=0)
    assert facts["labels"] == ["bad", "good"]


def test_a_pair_needs_both_texts_and_is_compared_by_both(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"premise": "it rains", "claim": f"claim {i}", "label": "yes" if i % 2 else "no"} for i in range(20)
    ]
    path = write(tmp_path, [*rows, {"premise": "it rains", "claim": None, "label": "yes"}])
    facts = run(tmp_path / "out", path, columns={"text": "premise", "text_pair": "claim", "label": "label"})
    assert facts["rejected"]["train"]["missing_text"] == 1
    assert facts["duplicates"]["within"] == 0
    assert load_split(tmp_path / "out", "train").column_names == ["text", "text_pair", "label", "example_id"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (None, ["1", "2", "10"]),
        (("10", "2", "1"), ["10", "2", "1"]),
        ({"1": "low", "2": "low", "10": "high"}, ["low", "high"]),
    ],
)
def test_labels_are_found_listed_or_mapped(tmp_path: Path, labels: Any, names: list[str]) -> None:
    path = write(tmp_path, reviews(60, ("10", "1", "2")))
    facts = run(tmp_path / "out", path, labels=labels)
    assert facts["labels"] == names
    total = Counter[str]()
    for split in facts["splits"].values():
        total.update(split["labels"])
    assert total == ({"low": 40, "high": 20} if "low" in names else dict.fromkeys(names, 20))


@pytest.mark.parametrize(
    ("rows", "section", "says"),
    [
        ([], {}, r"reviews\.jsonl holds no rows"),
        (reviews(20, ("good",)), {}, "has one label only, 'good'"),
        (reviews(20), {"drop_labels": ("bad",)}, "has one label only, 'good'"),
        ([{"text": "a", "label": None}], {}, "has no labels"),
        (reviews(20), {"labels": ("bad", "good", "neutral")}, "'train' has no example of 'neutral'"),
        (reviews(20), {"labels": ("bad", "bad")}, "names a label twice"),
        (reviews(20), {"labels": ("bad", "good"), "drop_labels": ("bad",)}, "in data.labels and in data.drop_labels"),
        (reviews(4), {}, "'validation' is empty: 4 rows are too few to be in every split"),
        (reviews(1100, [f"l{i}" for i in range(1001)]), {}, "more than 1000 different values"),
        (reviews(20, ("good", "b" * 1001)), {}, "a value of 1,001 characters; a label has at most 1,000"),
        (reviews(20), {"columns": {"text": "text", "lable": "label"}}, "the role 'lable'[\\s\\S]*Did you mean 'label'"),
        (reviews(20), {"columns": {"text": "text", "label": "text"}}, "the column 'text' for two roles"),
        (reviews(20), {"limit": 1}, "too few to be in every split"),
    ],
)
def test_unusable_data_is_refused(tmp_path: Path, rows: list[Row], section: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        run(tmp_path / "out", write(tmp_path, rows), **section)


def test_a_csv_with_a_header_only_holds_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n")
    with pytest.raises(DataError, match=r"a\.csv holds no rows"):
        run(tmp_path / "out", path)


def test_a_csv_without_a_header_is_prepared_by_the_numbers_of_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "films.csv"
    lines = [f'"{"np"[i % 2]}{"eo"[i % 2]}","film {i},\nand what became of it",{i}' for i in range(40)]
    file.write_text("\n".join(lines), encoding="utf-8")
    facts = run(tmp_path / "out", file, header=False, columns={"text": 2, "label": 1}, split={"by": 3})
    assert facts["read"] == {"train": 40} and facts["labels"] == ["ne", "po"] and facts["ordered_by"] == "3"
    assert texts(tmp_path / "out", "test")[-1] == "film 39,\nand what became of it"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv is not there"):
        run(tmp_path / "out", tmp_path / "nowhere.csv")


def test_given_evaluation_splits_stay_whole_and_the_training_copies_go(tmp_path: Path) -> None:
    train, test = reviews(40), reviews(10, start=100)
    leaked = [{"text": row["text"].upper() + "  ", "label": row["label"]} for row in test[:4]]
    files = {
        "train": write(tmp_path, train + leaked, stem="train"),
        "test": write(tmp_path, test, "csv", ".gz", stem="test"),
    }
    events = Listener()
    facts = run(tmp_path / "out", files, events=events)
    assert texts(tmp_path / "out", "test") == [row["text"] for row in test]
    assert facts["duplicates"] == {"within": 0, "across": 4, "conflicting_labels": 0}
    assert facts["splits"]["train"]["rows"] + facts["splits"]["validation"]["rows"] == 40
    assert any("4 duplicates dropped" in note for note in events.notes)


def test_duplicates_can_be_an_error_instead(tmp_path: Path) -> None:
    files = {"train": write(tmp_path, reviews(40), stem="train"), "test": write(tmp_path, reviews(2), stem="test")}
    with pytest.raises(
        DataError, match=r"2 rows repeat a text: 0 within a split, 2 of another split.*'review number 0'"
    ):
        run(tmp_path / "out", files, duplicates="error")
    run(tmp_path / "out", files["train"], duplicates="error")


def test_the_first_of_several_copies_stays_and_conflicts_are_counted(tmp_path: Path) -> None:
    copies = [{"text": f"REVIEW  number {i}", "label": "good" if i < 3 else reviews(40)[i]["label"]} for i in range(6)]
    facts = run(tmp_path / "out", write(tmp_path, reviews(40) + copies))
    # Rows 0 and 2 are "bad", and their copies say "good".
    assert facts["duplicates"] == {"within": 6, "across": 0, "conflicting_labels": 2}
    kept = [row for split in SPLITS for row in load_split(tmp_path / "out", split) if row["text"] == "review number 0"]
    assert [row["label"] for row in kept] == [0]


def test_an_evaluation_label_the_training_split_lacks_is_unknown(tmp_path: Path) -> None:
    files = {
        "train": write(tmp_path, reviews(40), stem="train"),
        "test": write(tmp_path, reviews(9, ("bad", "good", "meh"), start=90), stem="test"),
    }
    with pytest.raises(DataError, match=r"3 of 9 rows .* of test\.jsonl can't be used: 3 .*'meh' 3"):
        run(tmp_path / "out", files)


def test_an_evaluation_split_without_a_class_is_warned_of(tmp_path: Path) -> None:
    files = {
        "train": write(tmp_path, reviews(40), stem="train"),
        "test": write(tmp_path, reviews(5, ("good",), start=90), stem="test"),
    }
    events = Listener()
    run(tmp_path / "out", files, events=events)
    assert any("'test' has no example of 'bad'" in warning for warning in events.warnings)


def test_a_class_only_evaluation_has_is_refused(tmp_path: Path) -> None:
    files = {
        "train": write(tmp_path, reviews(40), stem="train"),
        "validation": write(tmp_path, reviews(9, ("bad", "good", "meh"), start=90), stem="validation"),
        "test": write(tmp_path, reviews(9, ("bad", "good", "meh"), start=100), stem="test"),
    }
    with pytest.raises(DataError, match=r"'train' has no example of 'meh'|'meh' has 0 examples"):
        run(tmp_path / "out", files, labels=("bad", "good", "meh"))


def test_limit_takes_a_seeded_sample_of_every_split_of_the_source(tmp_path: Path) -> None:
    files = {
        "train": write(tmp_path, reviews(400), stem="train"),
        "test": write(tmp_path, reviews(90, start=900), stem="test"),
    }
    facts = run(tmp_path / "out", files, limit=50)
    assert facts["splits"]["test"]["rows"] == 50
    assert facts["splits"]["train"]["rows"] + facts["splits"]["validation"]["rows"] == 50
    run(tmp_path / "again", files, limit=50)
    assert texts(tmp_path / "out", "test") == texts(tmp_path / "again", "test")
    assert texts(tmp_path / "out", "test") != [row["text"] for row in reviews(50, start=900)]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_text_is_in_two_splits_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("leak")
    disguises: list[Callable[[str], str]] = [
        str,
        str.upper,
        str.title,
        lambda t: f"  {t} ",
        lambda t: t.replace(" ", "\u00a0\t"),
        lambda t: t.replace("é", "e\u0301"),
    ]
    disguise = st.sampled_from(disguises)
    number = st.integers(0, 25)

    def rows(count: int) -> list[Row]:
        drawn = data.draw(st.lists(st.tuples(number, disguise), min_size=count, max_size=3 * count))
        return [{"text": write_as(f"film é {i}"), "label": "ab"[i % 2]} for i, write_as in drawn]

    every = [{"text": f"safe é {i}", "label": "ab"[i % 2]} for i in range(8)]
    files = {
        "train": write(folder, every + rows(10), stem="train"),
        "test": write(folder, [{"text": "only here", "label": "a"}, *rows(3)], "csv", stem="test"),
    }
    if data.draw(st.booleans()):
        files["validation"] = write(folder, [{"text": "only there", "label": "b"}, *rows(3)], stem="validation")
    facts = run(folder / "out", files, seed=data.draw(st.integers(0, 99)))
    seen = [normalise(text) for split in SPLITS for text in texts(folder / "out", split)]
    assert len(seen) == len(set(seen))
    given_rows = sum(facts["read"].values())
    assert len(seen) + facts["duplicates"]["within"] + facts["duplicates"]["across"] == given_rows
    raw = [normalise(row["text"]) for row in map(json.loads, files["train"].read_text().splitlines())]
    assert set(raw) <= set(seen)


def test_order_of_the_rows_is_kept_inside_a_split(tmp_path: Path) -> None:
    rows = reviews(60)
    random.Random(3).shuffle(rows)
    run(tmp_path / "out", write(tmp_path, rows))
    order = {row["text"]: i for i, row in enumerate(rows)}
    for split in SPLITS:
        places = [order[text] for text in texts(tmp_path / "out", split)]
        assert places == sorted(places)


def test_more_rows_than_a_batch_keep_texts_and_labels_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compressor.data.json_files.BATCH", 7)
    rows = reviews(100)
    run(tmp_path / "out", write(tmp_path, rows))
    known = {row["text"]: row["label"] for row in rows}
    for split in SPLITS:
        data = load_split(tmp_path / "out", split)
        assert data["example_id"][:] == list(range(len(data)))
        assert all(known.pop(row["text"]) == ["bad", "good"][row["label"]] for row in data)
    assert not known


def test_a_test_set_is_used_whole_and_is_all_there_is(tmp_path: Path) -> None:
    path = write(tmp_path, reviews(50))
    facts = run(tmp_path / "out", {"test": path}, source=None, test=str(path))
    assert {name: split["rows"] for name, split in facts["splits"].items()} == {"test": 50}
    assert load_labels(tmp_path / "out") == ["bad", "good"]
    assert load_prepared(tmp_path / "out")["splits"] == ["test"]
    with pytest.raises(DataError, match="no split 'train'; it has: test"):
        load_split(tmp_path / "out", "train")
    run(tmp_path / "again", {"test": path}, source={"test": str(path)})
    assert digests(tmp_path / "out") == digests(tmp_path / "again")


def test_a_class_with_few_examples_does_not_stop_500_texts(tmp_path: Path) -> None:
    rows = [*reviews(500), {"text": "odd one", "label": "meh"}, {"text": "odd two", "label": "meh"}]
    events = Listener()
    facts = run(tmp_path / "out", write(tmp_path, rows), events=events)
    assert {name: split["labels"]["meh"] for name, split in facts["splits"].items()} == {
        "train": 2,
        "validation": 0,
        "test": 0,
    }
    assert any("Too few examples of 'meh' to be in every split" in warning for warning in events.warnings)


def test_lengths_are_told_in_words_and_characters(tmp_path: Path) -> None:
    facts = run(tmp_path / "out", write(tmp_path, reviews(60)))
    assert facts["words"] == {"mean": 3.0, "p95": 3.0, "max": 3}
    assert facts["characters"]["max"] == len("review number 59")
