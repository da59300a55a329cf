from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from compressor.engine.artifact import SEAL, Artifact, Made
from compressor.engine.store import Store
from compressor.errors import RecipeError
from tests.engine.fakes import Heard, fake_key, rot

KEY = fake_key({"setting": 1})


def writes(text: str = "made") -> Callable[[Path], Made]:
    def run(out: Path) -> Made:
        (out / "model").mkdir(exist_ok=True)
        (out / "model" / "weights").write_text(text, encoding="utf-8")
        (out / "facts.txt").write_text("beside", encoding="utf-8")
        return Made({"rows": 3}, 1.5, 123.44)

    return run


def make(store: Store, text: str = "made", events: Heard | None = None) -> tuple[Artifact, bool]:
    return store.make(KEY, "fake", writes(text), resume=False, force=False, events=events or Heard())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_was_made_is_found_with_its_facts(store: Store) -> None:
    made, was_found = make(store)
    assert not was_found
    found = store.find(KEY, Heard())
    assert found == made
    assert found.facts == {"rows": 3}
    assert (found.seconds, found.peak_mb) == (1.5, 123.4)
    assert found.document == KEY.document
    assert set(found.files) == {"model/weights", "facts.txt"}
    assert found.size == len("made") + len("beside")
    assert make(store, "again") == (made, True)


def test_what_an_earlier_version_sealed_without_its_peak_of_memory_is_still_whole(store: Store) -> None:
    made, _ = make(store)
    seal = json.loads((made.folder / SEAL).read_text(encoding="utf-8"))
    del seal["peak_mb"]
    (made.folder / SEAL).write_text(json.dumps(seal), encoding="utf-8")
    events = Heard()
    found = store.find(KEY, events)
    assert found is not None and found.peak_mb is None
    assert events.warnings == []


def test_nothing_can_be_seen_before_it_is_finished(store: Store) -> None:
    def look(out: Path) -> Made:
        (out / "half").write_text("half", encoding="utf-8")
        assert store.find(KEY, Heard()) is None
        assert store.artifacts() == []
        assert store.interrupted() == [out]
        return Made({}, 0.0)

    store.make(KEY, "fake", look, resume=False, force=False, events=Heard())
    assert len(store.artifacts()) == 1
    assert store.interrupted() == []


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


def test_a_failed_stage_leaves_nothing_that_counts(store: Store) -> None:
    def fail(out: Path) -> Made:
        (out / "half").write_text("half", encoding="utf-8")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.make(KEY, "fake", fail, resume=False, force=False, events=Heard())
    assert store.find(KEY, Heard()) is None
    assert [path.name for path in store.interrupted()] == [f"fake-{KEY.short}"]


@pytest.mark.parametrize(("resume", "seen"), [(True, ["checkpoint"]), (False, [])])
def test_leftovers_are_there_only_for_a_stage_that_resumes(store: Store, resume: bool, seen: list[str]) -> None:
    store.work(KEY).mkdir(parents=True)
    (store.work(KEY) / "checkpoint").write_text("step 3", encoding="utf-8")
    found: list[str] = []

    def run(out: Path) -> Made:
        found.extend(path.name for path in out.iterdir())
        return Made({}, 0.0)

    store.make(KEY, "fake", run, resume=resume, force=False, events=Heard())
    assert found == seen


def test_killed_between_seal_and_rename_it_can_still_be_finished(store: Store) -> None:
    made, _ = make(store)
    made.folder.rename(store.work(KEY))
    again, _ = store.make(KEY, "fake", writes("resumed"), resume=True, force=False, events=Heard())
    assert again.damage() is None
    events = Heard()
    assert store.find(KEY, events) == again
    assert events.warnings == []


def test_force_replaces_what_was_there(store: Store) -> None:
    make(store)
    again, was_found = store.make(KEY, "fake", writes("forced"), resume=False, force=True, events=Heard())
    assert not was_found
    assert (again.folder / "model" / "weights").read_text(encoding="utf-8") == "forced"


def test_two_processes_at_once_make_it_once(tmp_path: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from compressor.engine.artifact import Made
from compressor.engine.store import Store
from tests.engine.fakes import Heard, fake_key

def run(out):
    with open(sys.argv[2], "a") as log:
        log.write("made\\n")
    time.sleep(0.5)
    (out / "file").write_text("text")
    return Made({}, 0.5)

events = Heard()
artifact, found = Store(Path(sys.argv[1])).make(
    fake_key({"setting": 1}), "fake", run, resume=False, force=False, events=events
)
print(found, len(events.notes))
"""
    log = tmp_path / "log"
    command = [sys.executable, "-c", program, str(tmp_path / "store"), str(log)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].strip() for process in both]
    assert log.read_text(encoding="utf-8") == "made\n"
    assert sorted(word.split()[0] for word in said) == ["False", "True"]
    assert [process.returncode for process in both] == [0, 0]


def test_removal_by_the_beginning_of_a_key(store: Store) -> None:
    make(store)
    other = fake_key({"setting": 2})
    store.make(other, "fake", writes(), resume=False, force=False, events=Heard())
    removed, freed = store.remove([KEY.digest[:10]])
    assert removed == 1
    assert freed > len("made")
    assert [artifact.key for artifact in store.artifacts()] == [other.digest]


def test_an_unknown_key_removes_nothing(store: Store) -> None:
    make(store)
    with pytest.raises(RecipeError, match="begins with 'zzz'"):
        store.remove([KEY.digest[:10], "zzz"])
    assert len(store.artifacts()) == 1


def test_interrupted_stages_are_removed_only_when_asked(store: Store) -> None:
    make(store)
    half = store.root / ".work" / "fake-half"
    half.mkdir(parents=True)
    assert store.remove([KEY.digest])[0] == 1
    assert half.exists()
    assert store.remove([], interrupted=True)[0] == 1
    assert not half.exists()


def test_everything_includes_what_is_damaged(store: Store) -> None:
    made, _ = make(store)
    half_a_seal(made.folder)
    assert store.artifacts() == []
    assert store.remove([], everything=True)[0] == 1
    assert not made.folder.exists()


def test_a_store_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    store = Store(tmp_path / "nowhere")
    assert store.artifacts() == []
    assert store.interrupted() == []
    assert store.find(KEY, Heard()) is None
    assert store.remove([], everything=True) == (0, 0)


def test_a_store_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RecipeError, match="COMPRESSOR_HOME"):
        make(Store(tmp_path / "file" / "store"))
