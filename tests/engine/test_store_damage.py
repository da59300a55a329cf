"""What is damaged in a store is found out, told, and made again."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from compressor.engine.artifact import SEAL
from compressor.engine.store import Store
from compressor.errors import RecipeError
from tests.engine.fakes import KEY, Heard, make, rot


def changed(folder: Path) -> None:
    (folder / "model" / "weights").write_text("evil", encoding="utf-8")


def cut_short(folder: Path) -> None:
    os.truncate(folder / "model" / "weights", 1)


def missing(folder: Path) -> None:
    (folder / "facts.txt").unlink()


def half_a_seal(folder: Path) -> None:
    text = (folder / SEAL).read_text(encoding="utf-8")
    (folder / SEAL).write_text(text[: len(text) // 2], encoding="utf-8")


def foreign_seal(folder: Path) -> None:
    (folder / SEAL).write_text('{"stage": "fake"}', encoding="utf-8")


def seal_of_another(folder: Path) -> None:
    seal = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    (folder / SEAL).write_text(json.dumps(seal | {"key": "0" * 64}), encoding="utf-8")


def edit(folder: Path, **changes: Any) -> None:
    seal = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    (folder / SEAL).write_text(json.dumps(seal | changes), encoding="utf-8")


def list_for_a_seal(folder: Path) -> None:
    (folder / SEAL).write_text("[]", encoding="utf-8")


def deep_seal(folder: Path) -> None:
    (folder / SEAL).write_text("[" * 100_000, encoding="utf-8")


def huge_number(folder: Path) -> None:
    (folder / SEAL).write_text('{"seconds": ' + "1" * 5000 + "}", encoding="utf-8")


def no_text(folder: Path) -> None:
    (folder / SEAL).write_bytes(b"\xff\xfe")


def files_as_a_list(folder: Path) -> None:
    edit(folder, files=[1, 2])


def size_in_words(folder: Path) -> None:
    edit(folder, files={"facts.txt": {"size": "six", "mtime_ns": 1, "sha256": "0"}})


def file_outside(folder: Path) -> None:
    (folder.parent / "outside").write_text("x", encoding="utf-8")
    edit(folder, files={"../outside": {"size": 1, "mtime_ns": 1, "sha256": "0" * 64}})


def seconds_in_words(folder: Path) -> None:
    edit(folder, seconds="long")


def document_without_a_kind(folder: Path) -> None:
    edit(folder, document={"config": {}})


def facts_as_text(folder: Path) -> None:
    edit(folder, facts="none")


def unknown_field(folder: Path) -> None:
    edit(folder, mood="good")


EDITED = [
    list_for_a_seal,
    deep_seal,
    huge_number,
    no_text,
    files_as_a_list,
    size_in_words,
    file_outside,
    seconds_in_words,
    document_without_a_kind,
    facts_as_text,
    unknown_field,
]


def no_seal(folder: Path) -> None:
    (folder / SEAL).unlink()


@pytest.mark.parametrize(
    "harm",
    [changed, cut_short, missing, half_a_seal, foreign_seal, seal_of_another, no_seal, *EDITED],
    ids=lambda f: f.__name__,
)
def test_a_damaged_result_is_made_again_with_a_warning(store: Store, harm: Callable[[Path], None]) -> None:
    made, _ = make(store)
    harm(made.folder)
    events = Heard()
    again, was_found = make(store, "anew", events)
    assert not was_found
    assert (again.folder / "model" / "weights").read_text(encoding="utf-8") == "anew"
    assert len(events.warnings) == 1
    assert "damaged" in events.warnings[0]
    assert store.find(KEY, Heard()) == again


@pytest.mark.parametrize("harm", EDITED, ids=lambda f: f.__name__)
def test_an_edited_seal_is_passed_over_where_the_store_is_listed(store: Store, harm: Callable[[Path], None]) -> None:
    made, _ = make(store)
    harm(made.folder)
    assert store.artifacts() == []
    assert store.peek(KEY) is None


def test_a_file_that_may_not_be_read_is_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = make(store)
    os.utime(made.folder / "facts.txt", (1, 1))

    def refuse(self: Path, *args: Any, **options: Any) -> IO[bytes]:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    assert made.damage() == "facts.txt can't be read: Permission denied"


def test_a_folder_of_the_store_without_permissions_is_a_clear_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = make(store)

    def refuse(path: Path, *args: Any, **options: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", refuse)
    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(RecipeError, match="can't be removed: Permission denied") as caught:
        store.find(KEY, Heard())
    assert str(made.folder) in str(caught.value)
    assert "chmod" in str(caught.value)


def test_a_byte_that_rotted_is_found_where_every_file_is_hashed(store: Store) -> None:
    made, _ = make(store)
    rot(made.folder / "model" / "weights")
    assert made.damage() is None
    assert made.damage(thorough=True) == "model/weights has changed"


def test_a_file_of_the_same_size_and_another_content_is_found_out(store: Store) -> None:
    made, _ = make(store, "made")
    (made.folder / "model" / "weights").write_text("MADE", encoding="utf-8")
    assert made.damage() == "model/weights has changed"


def test_a_copied_store_with_new_times_is_still_whole(store: Store, tmp_path: Path) -> None:
    made, _ = make(store)
    for path in made.folder.rglob("*"):
        os.utime(path, (1, 1))
    events = Heard()
    assert store.find(KEY, events) == made
    assert events.warnings == []
    shutil.copytree(store.root, tmp_path / "copy")
    assert Store(tmp_path / "copy").find(KEY, events) is not None
