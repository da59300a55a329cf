"""Local files and folders."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from compressor.errors import DataError, HashMismatch, RecipeError, SourceError
from compressor.events import Silent
from compressor.sources.path import PathSource
from compressor.sources.reference import open_source
from tests.sources.conftest import Heard


def test_a_home_relative_path_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "reviews.csv").write_text("text,label\n")
    assert PathSource("~/reviews.csv").fetch(Silent()) == tmp_path / "reviews.csv"


def test_a_relative_path_is_fetched_as_an_absolute_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reviews.csv").write_text("text,label\n")
    monkeypatch.chdir(tmp_path)
    path = PathSource("reviews.csv").fetch(Silent())
    monkeypatch.chdir("/")
    assert path.read_text() == "text,label\n"


def test_identity_follows_the_contents_and_not_the_place(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "sub" / "b.csv"
    second.parent.mkdir()
    first.write_text("same")
    second.write_text("same")
    assert PathSource(str(first)).identity() == PathSource(str(second)).identity()
    second.write_text("other")
    assert PathSource(str(first)).identity() != PathSource(str(second)).identity()


def test_the_same_bytes_under_another_format_are_another_source(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("same")
    shutil.copy(tmp_path / "a.csv", tmp_path / "a.tsv")
    assert PathSource(str(tmp_path / "a.csv")).identity() != PathSource(str(tmp_path / "a.tsv")).identity()


def test_a_missing_relative_path_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = PathSource("data/reviews.csv")
    for call in (source.identity, lambda: source.fetch(Silent())):
        with pytest.raises(SourceError) as caught:
            call()
        assert f"'data/reviews.csv' (looked in {tmp_path})" in caught.value.message
        assert f"no folder 'data' in {tmp_path}" in str(caught.value.hint)


@pytest.mark.parametrize(("wanted", "meant"), [("data/reviws.csv", "data/reviews.csv"), ("dta/reviews.csv", "data")])
def test_a_misspelt_path_names_the_one_that_is_there(tmp_path: Path, wanted: str, meant: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reviews.csv").write_text("")
    with pytest.raises(SourceError) as caught:
        PathSource(str(tmp_path / wanted)).identity()
    assert caught.value.hint == f"Did you mean {tmp_path / meant}?"


def test_a_path_below_a_file_is_missing_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "reviews.zip").write_text("")
    with pytest.raises(SourceError, match=r"Did you mean .*reviews\.zip"):
        PathSource(str(tmp_path / "reviews.zip" / "inner.csv")).fetch(Silent())


@pytest.mark.parametrize("name", ["./" + "x" * 5000, "./nul\0byte", "~nobody-of-this-name/x"])
def test_a_path_the_system_refuses_is_a_source_error(name: str) -> None:
    with pytest.raises(SourceError):
        PathSource(name).fetch(Silent())


def test_a_pinned_file_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    file.write_bytes(b"text")
    right, wrong = hashlib.sha256(b"text").hexdigest(), "0" * 64
    assert PathSource(str(file), sha256=right).fetch(Silent()) == file
    source = PathSource(str(file), sha256=wrong)
    for call in (source.identity, lambda: source.fetch(Silent())):
        with pytest.raises(HashMismatch, match=rf"{right}, not {wrong}"):
            call()


def test_a_digest_for_a_folder_is_refused_rather_than_ignored(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="pins one file"):
        PathSource(str(tmp_path), sha256="0" * 64).fetch(Silent())


def test_a_revision_that_is_not_used_is_said(tmp_path: Path, heard: Heard) -> None:
    PathSource(str(tmp_path), revision="abc").fetch(heard)
    assert "'abc' is not used" in heard.warnings[0]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["test.csv", "train.jsonl.gz", "notes.txt"], "It holds test.csv, train.jsonl.gz. Name one"),
        (["reviews.parquet"], "It holds reviews.parquet. Name it: "),
        (["notes.txt"], "Nothing in it has the name of a csv"),
        ([f"{number:03}.csv" for number in range(500)], "009.csv and 490 more"),
    ],
    ids=["several", "one", "none", "hundreds"],
)
def test_a_folder_given_for_data_is_called_one_and_lists_what_could_be_read(
    tmp_path: Path, files: list[str], told: str
) -> None:
    for name in files:
        (tmp_path / name).write_text("", encoding="utf-8")
    source = open_source(str(tmp_path), kind="data")
    for ask in (source.identity, lambda: source.fetch(Silent())):
        with pytest.raises(DataError, match="is a folder; data is read from one file") as caught:
            ask()
        assert told in str(caught.value.hint)


def test_a_folder_given_for_a_model_is_taken(tmp_path: Path) -> None:
    assert open_source(str(tmp_path), kind="model").fetch(Silent()) == tmp_path


@pytest.mark.parametrize("reference", ["./" + "x" * 100_000, "./a\0b", "x" * 100_000 + ".csv"])
def test_a_name_no_file_can_have_makes_a_short_error(reference: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(reference, kind="data").identity()
    assert len(str(caught.value)) < 2_000
