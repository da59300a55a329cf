from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from compressor.engine.artifact import SEAL, Made
from compressor.engine.store import Store
from compressor.errors import RecipeError
from tests.engine.fakes import KEY, Heard, make, writes


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
from tests.engine.fakes import KEY, Heard, fake_key, make, rot, writes

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


def test_a_store_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    store = Store(tmp_path / "nowhere")
    assert store.artifacts() == []
    assert store.interrupted() == []
    assert store.find(KEY, Heard()) is None


def test_a_store_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RecipeError, match="COMPRESSOR_HOME"):
        make(Store(tmp_path / "file" / "store"))
