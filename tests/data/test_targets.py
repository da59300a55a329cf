"""Kinds of target whose values are labels or numbers: what is read, what is written, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compressor.data import load_labels, load_prepared, load_split
from compressor.data.targets import TARGETS
from compressor.errors import DataError
from tests.data.support import ENCODERS, Listener, Row, install, made_spec, rows_of, run, write

MANY = made_spec("many-labels", "text", "label")
NUMBER = made_spec("number", "text", "label")
SCORE = made_spec("score", "text", "text_pair", "score")
OPTIONAL = made_spec("score", "text", optional=("text_pair", "score"))


def test_every_kind_of_target_is_found_by_its_name() -> None:
    assert set(TARGETS.names) >= {"many-labels", "number", "one-label", "score", "spans", "tags", "unlabelled"}
    assert all(isinstance(target, type) for target in TARGETS.all().values())


# Many labels


def labelled(count: int, value: Callable[[int], Any]) -> list[Row]:
    return [{"text": f"message {i}", "label": value(i)} for i in range(count)]


TOPICS: tuple[list[str], ...] = ([], ["billing"], ["billing", "urgent"], ["login"])


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet"])
def test_a_list_of_labels_becomes_a_one_for_each(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, labelled(60, lambda i: TOPICS[i % 4]), kind)
    facts = run(tmp_path / "out", path, spec=MANY)
    assert load_labels(tmp_path / "out") == ["billing", "login", "urgent"] == facts["labels"]
    found = {row["text"]: row["label"] for row in rows_of(tmp_path / "out")}
    assert len(found) == 60
    assert found["message 4"] == [0.0, 0.0, 0.0]
    assert found["message 6"] == [1.0, 0.0, 1.0]
    assert found["message 7"] == [0.0, 1.0, 0.0]
    counts = [split["labels"] for split in facts["splits"].values()]
    assert sum(split["billing"] for split in counts) == 30
    assert sum(split["urgent"] for split in counts) == 15


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_several_labels_in_one_field_are_parted_by_the_separator(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, labelled(60, lambda i: "; ".join(TOPICS[i % 4])), kind)
    run(tmp_path / "out", path, spec=MANY, label_separator=";")
    found = {row["text"]: row["label"] for row in rows_of(tmp_path / "out")}
    assert load_labels(tmp_path / "out") == ["billing", "login", "urgent"]
    assert found["message 4"] == [0.0, 0.0, 0.0]
    assert found["message 6"] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_column_for_each_label_is_read(tmp_path: Path, kind: str) -> None:
    rows = [{"text": f"comment {i}", "toxic": i % 2, "rude": int(i % 3 == 0)} for i in range(60)]
    columns = {"text": "text", "label": ("toxic", "rude")}
    facts = run(tmp_path / "out", write(tmp_path, rows, kind), spec=MANY, columns=columns)
    assert facts["labels"] == ["toxic", "rude"]
    found = {row["text"]: row["label"] for row in rows_of(tmp_path / "out")}
    assert found["comment 3"] == [1.0, 1.0]
    assert found["comment 4"] == [0.0, 0.0]


def test_a_label_column_that_is_neither_0_nor_1_is_counted(tmp_path: Path) -> None:
    rows = [{"text": f"comment {i}", "toxic": i % 2, "rude": 1} for i in range(60)]
    rows[5]["toxic"] = 7
    columns = {"text": "text", "label": ("toxic", "rude")}
    facts = run(tmp_path / "out", write(tmp_path, rows), spec=MANY, columns=columns)
    assert facts["rejected"]["train"]["reasons"] == {"with a label that is neither 0 nor 1": 1}


def test_a_rare_label_is_in_every_split(tmp_path: Path) -> None:
    rows = labelled(300, lambda i: ["common", "rare"] if i % 60 == 0 else ["common"])
    facts = run(tmp_path / "out", write(tmp_path, rows), spec=MANY)
    assert all(split["labels"]["rare"] >= 1 for split in facts["splits"].values())


def test_labels_can_be_mapped_and_rows_dropped(tmp_path: Path) -> None:
    rows = labelled(60, lambda i: [["b"], ["u", "b"], ["spam"]][i % 3])
    facts = run(
        tmp_path / "out", write(tmp_path, rows), spec=MANY, labels={"b": "billing", "u": "urgent"},
        drop_labels=("spam",),
    )  # fmt: skip
    assert facts["labels"] == ["billing", "urgent"]
    assert facts["dropped_labels"]["train"] == {"spam": 20}


def test_an_unknown_label_in_a_list_is_counted_with_its_name(tmp_path: Path) -> None:
    rows = labelled(60, lambda i: ["good"] if i else ["god"])
    with pytest.raises(DataError, match=r"1 with an unknown label \('god' 1\)[\s\S]*Did you mean 'good'"):
        run(tmp_path / "out", write(tmp_path, rows), spec=MANY, labels=("good", "bad"), max_rejected=0)


def test_a_separator_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    rows = labelled(60, lambda i: ",".join(TOPICS[i % 4]))
    with pytest.raises(DataError, match=r"combinations of others: 'billing,urgent'[\s\S]*label_separator: ','"):
        run(tmp_path / "out", write(tmp_path, [*rows, *labelled(3, lambda i: "urgent")], "csv"), spec=MANY)


# Numbers


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_number_is_read_from_every_format(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, labelled(50, lambda i: i / 10), kind)
    facts = run(tmp_path / "out", path, spec=NUMBER)
    assert load_labels(tmp_path / "out") == [] == facts["labels"]
    assert load_prepared(tmp_path / "out")["numbers"] == ["label"]
    assert {row["text"]: row["label"] for row in rows_of(tmp_path / "out")} == {
        f"message {i}": [i / 10] for i in range(50)
    }


def test_several_columns_are_several_numbers(tmp_path: Path) -> None:
    rows = [{"text": f"essay {i}", "grammar": i, "style": -i / 2} for i in range(30)]
    run(tmp_path / "out", write(tmp_path, rows, "csv"), spec=NUMBER,
        columns={"text": "text", "label": ("grammar", "style")})  # fmt: skip
    assert load_prepared(tmp_path / "out")["numbers"] == ["grammar", "style"]
    assert {"text": "essay 3", "label": [3.0, -1.5]} in rows_of(tmp_path / "out")


def test_a_list_of_numbers_is_as_wide_as_the_first(tmp_path: Path) -> None:
    rows = [*labelled(30, lambda i: [i, 2.5]), {"text": "odd", "label": [1]}]
    facts = run(tmp_path / "out", write(tmp_path, rows), spec=NUMBER)
    assert load_prepared(tmp_path / "out")["numbers"] == ["label_0", "label_1"]
    assert facts["rejected"]["train"]["reasons"] == {"with 1 numbers instead of 2": 1}


@pytest.mark.parametrize("bad", ["n/a", "", "nan", "inf", "4,5"])
def test_what_is_no_finite_number_is_counted(tmp_path: Path, bad: str) -> None:
    rows = [*labelled(40, lambda i: i), {"text": "bad", "label": bad}]
    facts = run(tmp_path / "out", write(tmp_path, rows, "csv"), spec=NUMBER)
    assert facts["rejected"]["train"]["reasons"] == {"without a number": 1}


def test_a_column_without_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'label' holds no numbers[\s\S]*decimal point"):
        run(tmp_path / "out", write(tmp_path, labelled(30, lambda i: "good")), spec=NUMBER)


def test_settings_about_labels_are_refused_where_there_are_none(tmp_path: Path) -> None:
    path = write(tmp_path, labelled(30, lambda i: i))
    with pytest.raises(DataError, match=r"data\.labels is for tasks with labels; made-up-task has none"):
        run(tmp_path / "out", path, spec=NUMBER, labels=("a", "b"))


def test_a_separator_is_refused_where_a_text_has_one_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, MANY)
    with pytest.raises(DataError, match=r"data\.label_separator is for several labels[\s\S]*Set `task: made-up-task`"):
        run(tmp_path / "out", write(tmp_path, labelled(30, lambda i: "ab"[i % 2])), label_separator=",")


def test_a_delimiter_is_refused_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.delimiter is for csv and tsv files, and reviews\.jsonl is jsonl"):
        run(tmp_path / "out", write(tmp_path, labelled(30, lambda i: "ab"[i % 2])), delimiter=";")


# Pairs with a score, and texts with nothing


def pairs(count: int) -> list[Row]:
    return [{"text": f"a {i}", "text_pair": f"b {i}", "score": i % 5 + 0.5} for i in range(count)]


def test_a_score_of_a_pair_is_one_number_between_0_and_1(tmp_path: Path) -> None:
    run(tmp_path / "out", write(tmp_path, pairs(30), "csv"), spec=SCORE)
    data = load_split(tmp_path / "out", "train")
    assert data.column_names == ["text", "text_pair", "score", "example_id"]
    assert {row["text"]: row["score"] for row in data} == {
        row["text"]: (row["score"] - 0.5) / 4 for row in pairs(30) if row["text"] in data["text"][:]
    }
    assert load_prepared(tmp_path / "out")["score_scale"] == [0.5, 4.5]


def test_a_score_that_may_be_a_cosine_stays_as_it_is(tmp_path: Path) -> None:
    rows = [{**row, "score": row["score"] / 5 - 0.4} for row in pairs(30)]
    run(tmp_path / "out", write(tmp_path, rows, "csv"), spec=SCORE)
    known = {row["text"]: row["score"] for row in rows}
    assert all(row["score"] == pytest.approx(known[row["text"]]) for row in load_split(tmp_path / "out", "train"))


def test_without_a_column_for_an_optional_target_texts_are_unlabelled(tmp_path: Path) -> None:
    path = write(tmp_path, pairs(30))
    run(tmp_path / "texts", path, spec=OPTIONAL)
    assert load_split(tmp_path / "texts", "train").column_names == ["text", "example_id"]
    assert load_prepared(tmp_path / "texts")["target"] == "unlabelled"
    assert load_prepared(tmp_path / "texts")["target_role"] is None
    columns = {"text": "text", "text_pair": "text_pair", "score": "score"}
    run(tmp_path / "scored", path, spec=OPTIONAL, columns=columns)
    assert load_prepared(tmp_path / "scored")["target"] == "score"


def test_unlabelled_texts_are_cleaned_and_split_like_others(tmp_path: Path) -> None:
    spec = made_spec("unlabelled", "text", "label")
    rows = [*({"text": f"plot {i}"} for i in range(40)), {"text": "PLOT 3"}]
    events = Listener()
    facts = run(tmp_path / "out", write(tmp_path, rows), spec=spec, events=events)
    assert {name: split["rows"] for name, split in facts["splits"].items()} == {
        "train": 32,
        "validation": 4,
        "test": 4,
    }
    assert facts["duplicates"]["within"] == 1
    assert events.warnings == []


# Whatever a column holds

SPECS = {
    "one-label": made_spec("one-label", "text", "label"),
    "many-labels": MANY,
    "number": NUMBER,
    "score": SCORE,
    "tags": made_spec("tags", "text", "spans"),
    "spans": made_spec("spans", "question", "context", "answers"),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["start", "end", "label", "text", "answer_start"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", SPECS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_value_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    spec, folder = SPECS[kind], tmp_path_factory.mktemp("any")
    values = data.draw(st.lists(JSON, min_size=4, max_size=12))
    odd = data.draw(st.lists(st.text(max_size=3) | JSON, max_size=2)) if kind == "tags" else []
    rows = [dict.fromkeys(spec.roles, f"text number {i}") | {spec.target_role: v} for i, v in enumerate(values)]
    rows += [{"text": text, "spans": []} for text in odd]
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        facts = run(folder / "out", path, spec=spec, max_rejected=0.9)
    except DataError:
        return
    kept = sum(split["rows"] for split in facts["splits"].values())
    assert kept + sum(facts["rejected"]["train"]["reasons"].values()) + facts["duplicates"]["within"] == len(rows)
    assert len(rows_of(folder / "out")) == kept
