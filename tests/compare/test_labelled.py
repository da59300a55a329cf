from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor.compare.labelled import read_labelled
from compressor.errors import DataError

ROWS = [{"text": "good, really", "label": "good"}, {"text": "dull", "label": "bad"}]


def written(folder: Path, name: str, content: str, encoding: str = "utf-8") -> Path:
    file = folder / name
    file.write_text(content, encoding=encoding)
    return file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label,other\n"good, really",good,1\ndull,bad,2\n'),
        ("a.tsv", "label\ttext\ngood\tgood, really\nbad\tdull\n"),
        ("a.jsonl", "\n\n".join(map(json.dumps, ROWS))),
    ],
)
def test_every_kind_of_file_is_read(tmp_path: Path, name: str, content: str) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        found = read_labelled(written(tmp_path, name, content, encoding), ["text"], "label")

        assert found.examples == ({"text": "good, really"}, {"text": "dull"})
        assert found.targets == ("good", "bad")


def test_pairs_are_read_and_right_answers_stay_as_they_are(tmp_path: Path) -> None:
    row = {"text": "a", "text_pair": "b", "label": 1}
    found = read_labelled(written(tmp_path, "a.jsonl", json.dumps(row)), ["text", "text_pair"], "label")

    assert found.examples == ({"text": "a", "text_pair": "b"},)
    assert found.targets == (1,)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "txt,label\na,b\n", "no `text` in row 1"),
        ("a.csv", "text,label\na,b\nc\n", "no `label` in row 2"),
        ("a.csv", "text,label\n", "has no rows"),
        ("a.csv", "", "has no rows"),
        ("a.jsonl", '{"text": "a", "label": null}', "no `label` in row 1"),
        (
            "a.jsonl",
            '{"text": "a", "text_pair": "b", "label": 1}\n{"text": "a", "label": 1}',
            "no `text_pair` in row 2",
        ),
        ("a.jsonl", "[1, 2]", r"no JSON object: \[1, 2\]"),
        ("a.jsonl", "{", "can't be read"),
        ("a.txt", "text", "of no known kind"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(tmp_path: Path, name: str, content: str, said: str) -> None:
    roles = ["text", "text_pair"] if "text_pair" in content else ["text"]
    with pytest.raises(DataError, match=said) as caught:
        read_labelled(written(tmp_path, name, content), roles, "label")
    assert name in caught.value.message
    assert caught.value.hint and "csv" in caught.value.hint


def test_what_is_no_text_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,label\n\xff\xfe,b\n")
    (tmp_path / "folder.csv").mkdir()
    for name in ("a.csv", "folder.csv", "none.csv"):
        with pytest.raises(DataError, match="can't be read"):
            read_labelled(tmp_path / name, ["text"], "label")
