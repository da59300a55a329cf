"""Unlabelled text from a file: what of it is taken, and that nothing of evaluation gets in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.data import load_prepared, load_split, load_texts, read_unlabelled
from compressor.data.clean import group_key
from compressor.data.prepared import load_evaluation_groups
from compressor.errors import DataError, RecipeError
from compressor.recipe.augment import UnlabelledSection
from compressor.task_specs import TaskSpec, task_spec
from tests import tiny
from tests.data.support import Listener, Row, rows_of, run, texts, write


def read(data: Path, out: Path, file: Path, spec: TaskSpec | None = None, seed: int = 1, **settings: Any) -> Row:
    return read_unlabelled(
        UnlabelledSection.model_validate({"source": "some/data", **settings}),
        spec or task_spec("text-classification"),
        data=data,
        files={"train": file},
        out=out,
        seed=seed,
        events=Listener(),
    )


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of reviews and plots of 40 films."""
    rows = [
        {"text": f"a {word} review of film {i}", "category": word, "movie": f"film {i}"}
        for i in range(40)
        for word in ("fresh", "rotten")
    ]
    plots = [
        {"text": f"Film {i} begins. It ends badly, {i} die.", "category": "plot", "movie": f"film {i}"}
        for i in range(40)
    ]
    return write(tmp_path_factory.mktemp("films"), rows + plots, "csv")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, films: Path) -> Path:
    """The reviews, all of a film in one split. Read only."""
    out = tmp_path_factory.mktemp("data")
    run(out, films, columns={"label": "category"}, drop_labels=("plot",), split={"group": "movie"})
    return out


def test_rows_that_the_data_drops_are_taken_and_their_sentences_are_texts(
    data: Path, films: Path, tmp_path: Path
) -> None:
    facts = read(data, tmp_path, films, where={"category": "plot"}, sentences=True, max_words=4)
    found = load_texts(tmp_path)
    assert found.column_names == ["text", "label", "example_id", "origin", "parent"]
    assert {"Film 7 begins.", "7 die.", "Film 39 begins.", "39 die."} < set(found["text"])
    assert list(found["text"]).count("It ends badly,") == 1
    assert {*found["origin"], *found["parent"], *found["label"]} == {"unlabelled", None}
    assert facts["read"] == 120 and facts["made"] == 120 and facts["dropped"] == {"made_before": 39}


def test_texts_of_groups_in_evaluation_are_left_out(data: Path, films: Path, tmp_path: Path) -> None:
    facts = read(data, tmp_path, films, where={"category": ("plot", "none")}, group="movie")
    held_out = {text.split()[-1] for split in ("validation", "test") for text in texts(data, split)}
    assert len(held_out) >= 8
    assert {text.split()[1] for text in load_texts(tmp_path)["text"]} == {str(i) for i in range(40)} - held_out
    assert facts["dropped"] == {"group_in_evaluation": len(held_out)}
    groups = load_evaluation_groups(data)
    assert groups is not None
    assert set(groups.tolist()) == {group_key(f"film {i}") for i in held_out} and groups.dtype == np.uint64


def test_texts_of_evaluation_and_training_are_left_out(data: Path, films: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"None of 80 texts can be used: in evaluation \d+, in training \d+\."):
        read(data, tmp_path, films, where={"category": ("fresh", "rotten")})


def test_groups_need_splits_by_group(reviews_csv: Path, films: Path, tmp_path: Path) -> None:
    run(tmp_path / "data", reviews_csv)
    assert load_evaluation_groups(tmp_path / "data") is None
    with pytest.raises(DataError, match=r"Name the column in data\.split\.group"):
        read(tmp_path / "data", tmp_path / "out", films, group="movie")


def test_a_text_file_has_a_text_a_line(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "more.txt"
    file.write_text("\ufeffone text, here\n\n  another “one” \r\none TEXT, here\n", encoding="utf-8")
    read(data, tmp_path / "out", file)
    assert rows_of_texts(tmp_path / "out") == ["one text, here", "another “one”"]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("packing", ["", ".gz"])
def test_every_format_of_labelled_data_is_read(data: Path, tmp_path: Path, kind: str, packing: str) -> None:
    file = write(tmp_path, [{"body": f"text {i}", "n": i} for i in range(5)], kind, packing)
    read(data, tmp_path / "out", file, columns={"text": "body"}, where={"n": ("1", "3")})
    assert rows_of_texts(tmp_path / "out") == ["text 1", "text 3"]


def rows_of_texts(out: Path) -> list[str]:
    return list(load_texts(out)["text"])


def test_a_file_without_a_header_is_read_by_the_numbers_of_its_columns(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text('plot,"one text,\nin two lines"\nreview,another\nplot,a third\n', encoding="utf-8")
    facts = read(data, tmp_path / "out", file, header=False, columns={"text": 2}, where={"1": "plot"})
    assert rows_of_texts(tmp_path / "out") == ["one text,\nin two lines", "a third"] and facts["read"] == 3
    lines = tmp_path / "more.txt"
    lines.write_text("one\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"data\.unlabelled\.header is for csv and tsv[\s\S]*data\.unlabelled\.format"):
        read(data, tmp_path / "out", lines, header=False, columns={"text": 1})


def test_tagged_files_are_read_without_their_tags(tmp_path: Path) -> None:
    spec = task_spec("token-classification")
    run(tmp_path / "data", tiny.write_conll(tmp_path / "names.conll", 60), spec=spec)
    more = tiny.write_conll(tmp_path / "more.conll", 30, seed=7)
    read(tmp_path / "data", tmp_path / "out", more, spec)
    assert rows_of_texts(tmp_path / "out") == [
        text
        for text in (" ".join(token for token, _ in one) for one in tiny.tagged_texts(30, seed=7))
        if text not in {row["text"] for row in rows_of(tmp_path / "data")}
    ]
    lists = write(tmp_path, [{"text": ["Anna", "was", "in", str(i)]} for i in range(3)], "jsonl", stem="lists")
    read(tmp_path / "data", tmp_path / "tokens", lists, spec)
    assert rows_of_texts(tmp_path / "tokens")[0] == "Anna was in 0"


def test_pairs_need_both_texts(tmp_path: Path) -> None:
    rows = [{"text": f"a {i}", "text_pair": f"b {i}", "label": "xy"[i % 2]} for i in range(50)]
    run(tmp_path / "data", write(tmp_path, rows), columns={"text_pair": "text_pair"})
    more = write(tmp_path, [{"text": "a", "second": "b"}, {"text": "a", "second": None}], stem="more")
    facts = read(tmp_path / "data", tmp_path / "out", more, columns={"text_pair": "second"})
    assert rows_of_texts(tmp_path / "out") == ["a"] and facts["dropped"] == {"empty": 1}
    with pytest.raises(DataError, match="text and text_pair"):
        read(tmp_path / "data", tmp_path / "out", more, sentences=True)


def test_sentences_of_one_column_are_pairs_with_themselves(tmp_path: Path) -> None:
    rows = [{"text": f"a {i}", "text_pair": f"b {i}", "label": "xy"[i % 2]} for i in range(50)]
    run(tmp_path / "data", write(tmp_path, rows), columns={"text_pair": "text_pair"})
    more = write(tmp_path, [{"whole": "It begins well. It ends badly."}], stem="more")
    columns = {"text": "whole", "text_pair": "whole"}
    read(tmp_path / "data", tmp_path / "out", more, columns=columns, sentences=True)
    found = load_texts(tmp_path / "out")
    assert list(found["text"]) == list(found["text_pair"]) == ["It begins well.", "It ends badly."]
    short = read(tmp_path / "data", tmp_path / "short", more, columns=columns, sentences=True, max_words=4)
    assert "It begins" in load_texts(tmp_path / "short")["text"] and not short["dropped"], "2 words, twice"


def test_a_limit_takes_a_sample_that_the_seed_decides(data: Path, tmp_path: Path) -> None:
    file = write(tmp_path, [{"text": f"text {i}"} for i in range(100)])
    found = []
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        facts = read(data, tmp_path / name, file, limit=10, seed=seed)
        assert (facts["kept"], facts["dropped"]) == (10, {"over_limit": 90})
        found.append(rows_of_texts(tmp_path / name))
    assert found[0] == found[1] != found[2]
    assert list(load_texts(tmp_path / "a")["example_id"]) == list(range(10))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["texts.arrow"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"no column 'text' \(for the role 'text'\)[\s\S]*data\.unlabelled\.columns"),
        ({"columns": {"text": "body"}, "where": {"kind": "x"}}, r"for data\.unlabelled\.where\.kind"),
        ({"columns": {"text": "body"}, "where": {"n": "9"}}, "no texts to choose from"),
        ({"columns": {"text": "body"}, "delimiter": ";"}, r"data\.unlabelled\.delimiter is for csv"),
        ({"columns": {"text": "body"}, "min_words": 9}, r"None of 3 texts can be used: too short 3"),
    ],
)
def test_what_is_wrong_is_said_by_its_own_name(
    data: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    file = write(tmp_path, [{"body": f"text {i}", "n": i} for i in range(3)])
    with pytest.raises(DataError, match=message):
        read(data, tmp_path / "out", file, **settings)
    assert not (tmp_path / "out" / ".scratch").exists()


def test_roles_that_are_no_texts_are_refused(data: Path, films: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"columns\.label: text-classification has no text 'label'"):
        read(data, tmp_path, films, columns={"label": "category"})
    with pytest.raises(DataError, match=r"is not there"):
        read(data, tmp_path, tmp_path / "gone.csv")


def test_texts_that_quote_an_evaluation_text_are_left_out_where_asked_for(data: Path, tmp_path: Path) -> None:
    quoted, trained_on = texts(data, "test")[0], texts(data, "train")[0]
    file = tmp_path / "more.txt"
    file.write_text(f"They say, it is: {quoted.upper()}!\nThey say {trained_on}\nanother text\n", encoding="utf-8")
    assert read(data, tmp_path / "all", file)["kept"] == 3
    facts = read(data, tmp_path / "apart", file, overlap_words=len(quoted.split()))
    assert facts["dropped"] == {"overlaps_evaluation": 1}
    assert rows_of_texts(tmp_path / "apart") == [f"They say {trained_on}", "another text"]


def test_a_second_source_is_read_without_what_the_first_holds(data: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("one\ntwo\n", encoding="utf-8")
    second.write_text("Two\nthree\n", encoding="utf-8")
    read(data, tmp_path / "a", first)
    facts = read_unlabelled(
        UnlabelledSection(source="second.txt"),
        task_spec("text-classification"),
        data=data,
        files={"train": second},
        out=tmp_path / "b",
        seed=1,
        events=(events := Listener()),
        known=[tmp_path / "a"],
        name="unlabelled-2",
    )
    assert rows_of_texts(tmp_path / "b") == ["three"] and facts["dropped"] == {"made_before": 1}
    assert events.notes == ["unlabelled-2: 1 of 2 texts kept; left out: 1 made before."]


def test_messages_name_the_entry_of_a_list_and_leave_file_names_alone(data: Path, tmp_path: Path) -> None:
    file = write(tmp_path, [{"body": "a text"}], "csv", stem="data")
    with pytest.raises(DataError) as caught:
        read_unlabelled(
            UnlabelledSection(source=str(file)),
            task_spec("text-classification"),
            data=data,
            files={"train": file},
            out=tmp_path / "out",
            seed=1,
            events=Listener(),
            path="data.unlabelled.1",
        )
    assert caught.value.message.startswith("data.csv has no column 'text'")
    assert "data.unlabelled.1.columns" in str(caught.value.hint)


def test_the_prepared_data_stay_as_they_were(data: Path) -> None:
    assert "evaluation_groups" not in load_prepared(data)
    assert load_split(data, "train").column_names == ["text", "label", "example_id"]
