"""Digests of folders: what changes them and what doesn't."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.sources.digest import content_files, content_sha256


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


FILES = {"config.json": b"{}", "1_Pooling/config.json": b"[]", "vocab.txt": b"a\nb\n"}


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"abc")
    assert content_sha256(tmp_path / "a.csv") == hashlib.sha256(b"abc").hexdigest()


def test_place_and_order_of_writing_do_not_matter(tmp_path: Path) -> None:
    first = write(tmp_path / "first", FILES)
    second = write(tmp_path / "elsewhere" / "second", dict(reversed(FILES.items())))
    assert content_sha256(first) == content_sha256(second)


def test_hidden_files_git_and_bytecode_do_not_matter(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", FILES)
    before = content_sha256(folder)
    write(folder, {".gitattributes": b"x", ".git/HEAD": b"x", "__pycache__/a.pyc": b"x", "1_Pooling/.DS_Store": b"x"})
    assert content_sha256(folder) == before


@pytest.mark.parametrize(
    "change",
    [
        {"vocab.txt": b"a\nc\n"},
        {"new.txt": b""},
        {"1_Pooling/new.txt": b""},
    ],
)
def test_any_changed_or_added_file_matters(tmp_path: Path, change: dict[str, bytes]) -> None:
    folder = write(tmp_path / "m", FILES)
    before = content_sha256(folder)
    write(folder, change)
    assert content_sha256(folder) != before


def test_a_renamed_file_matters(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", FILES)
    before = content_sha256(folder)
    (folder / "vocab.txt").rename(folder / "words.txt")
    assert content_sha256(folder) != before


def test_links_are_followed_as_in_a_hub_cache(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", FILES)
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("config.json", "vocab.txt", "1_Pooling"):
        (linked / name).symlink_to(plain / name)
    assert content_sha256(linked) == content_sha256(plain)


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", FILES)
    (folder / "1_Pooling" / "up").symlink_to(folder)
    assert set(content_files(folder)) == set(FILES)


contents = st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=4), max_size=4)


@given(contents, contents)
def test_two_folders_agree_only_when_their_files_do(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    for name, files in (("one", one), ("other", other)):
        (folder / name).mkdir()
        write(folder / name, files)
    assert (content_sha256(folder / "one") == content_sha256(folder / "other")) == (one == other)
