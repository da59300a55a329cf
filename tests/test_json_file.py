"""JSON that somebody else wrote: a value, or one plain error."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor import json_file
from compressor.json_file import BadJson, parse_json, read_json, read_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_every_ordinary_value_is_read_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value)) == value


@given(st.binary(max_size=60))
def test_whatever_the_bytes_are_there_is_a_value_or_the_one_error(content: bytes) -> None:
    try:
        parse_json(content)
    except BadJson as error:
        assert str(error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[" * 101 + "]" * 101, "nested too deeply"),
        ("9" * 5_000, "a number has 5000 digits"),
        ('{"a": [-' + "9" * 400 + "]}", "digits"),
        ("{'a': 1}", "line 1"),
        ("", "not valid JSON"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_what_is_refused_is_said_in_words(text: str | bytes, said: str) -> None:
    with pytest.raises(BadJson, match=said):
        parse_json(text)


def test_a_hundred_levels_are_read() -> None:
    assert parse_json("[" * 100 + "]" * 100)


def test_a_file_that_is_missing_a_folder_or_too_large_is_the_same_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadJson, match="No such file"):
        read_json(tmp_path / "absent.json")
    with pytest.raises(BadJson, match="directory"):
        read_json(tmp_path)
    monkeypatch.setattr(json_file, "MAX_BYTES", 1 << 20)
    (tmp_path / "large.json").write_bytes(b"[" + b" " * (1 << 20) + b"]")
    with pytest.raises(BadJson, match="larger than 1 MiB"):
        read_json(tmp_path / "large.json")


def test_an_object_is_asked_for_where_names_are_looked_up(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]", encoding="utf-8")
    assert read_json(tmp_path / "list.json") == [1]
    with pytest.raises(BadJson, match="not a JSON object"):
        read_object(tmp_path / "list.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(BadJson, match="not a plain file"):
        read_json(tmp_path / "pipe.json")
