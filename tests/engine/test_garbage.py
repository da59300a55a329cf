"""What little was used goes, and nothing that is needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compressor.engine import garbage
from compressor.engine.artifact import SEAL, Artifact
from compressor.engine.garbage import Collected, Item, Limits, collect, remove
from compressor.engine.store import Store
from compressor.errors import RecipeError
from compressor.events import Events
from tests.engine.fakes import CHAIN, Heard, fake_key, fake_plan, run, writes

NOW = time.time()
DAY = 86_400.0
EVERYTHING = Limits(older_than_s=0.0)


def stored(store: Store, name: str, *, days: float, size: int = 1000) -> Artifact:
    """A finished stage that was last used so many days ago."""
    key = fake_key({"name": name})
    made, _ = store.make(key, name, writes("x" * size), resume=False, force=False, events=Heard())
    used(made.folder / SEAL, days)
    return made


def interrupted(store: Store, name: str, *, days: float) -> Path:
    """What a run left that ended so many days ago."""
    folder = store.root / ".work" / name
    folder.mkdir(parents=True)
    (folder / "checkpoint").write_text("step 3", encoding="utf-8")
    used(folder / "checkpoint", days)
    used(folder, days)
    return folder


def used(path: Path, days: float) -> None:
    os.utime(path, (NOW - days * DAY, NOW - days * DAY))


def names(store: Store) -> set[str]:
    return {artifact.stage for artifact in store.artifacts()}


def gc(store: Store, limits: Limits, *, dry_run: bool = False) -> Collected:
    return collect(store, limits, Heard(), now=NOW, dry_run=dry_run)


def test_the_least_recently_used_go_until_the_rest_fits(store: Store) -> None:
    sizes = {name: gc_size(stored(store, name, days=days)) for name, days in (("old", 9), ("new", 1), ("mid", 5))}
    found = gc(store, Limits(max_bytes=sizes["new"] + sizes["mid"]))
    assert [item.stage for item in found.removed] == ["old"]
    assert (found.freed, found.size) == (sizes["old"], sizes["new"] + sizes["mid"])
    assert names(store) == {"mid", "new"}
    assert gc(store, Limits(max_bytes=found.size)).removed == ()


def gc_size(artifact: Artifact) -> int:
    return sum(path.stat().st_size for path in artifact.folder.rglob("*") if path.is_file())


def test_what_was_not_used_for_long_goes(store: Store) -> None:
    stored(store, "old", days=31)
    stored(store, "new", days=29)
    assert [item.stage for item in gc(store, Limits(older_than_s=30 * DAY)).removed] == ["old"]
    assert names(store) == {"new"}


def test_either_limit_is_enough(store: Store) -> None:
    for days in (40, 20, 10):
        stored(store, f"{days} days", days=days, size=10_000)
    found = gc(store, Limits(max_bytes=15_000, older_than_s=30 * DAY))
    assert [item.stage for item in found.removed] == ["40 days", "20 days"]


def test_a_result_that_a_run_finds_counts_as_used_and_is_the_same(store: Store) -> None:
    first, _ = stored(store, "first", days=9), stored(store, "second", days=8)
    sealed = (first.folder / SEAL).read_bytes()
    assert store.find(fake_key({"name": "first"}), Heard()) == first
    assert (first.folder / SEAL).read_bytes() == sealed
    assert first.damage(thorough=True) is None
    assert [item.stage for item in gc(store, Limits(older_than_s=7 * DAY)).removed] == ["second"]


def test_looking_is_no_use(store: Store) -> None:
    stored(store, "first", days=9)
    assert store.peek(fake_key({"name": "first"})) is not None
    assert [item.stage for item in gc(store, Limits(older_than_s=7 * DAY)).removed] == ["first"]


def test_a_dry_run_tells_the_same_and_removes_nothing(store: Store) -> None:
    stored(store, "first", days=9)
    interrupted(store, "fake-half", days=9)
    told = gc(store, EVERYTHING, dry_run=True)
    assert names(store) == {"first"} and len(store.interrupted()) == 1
    assert gc(store, EVERYTHING) == told
    assert len(told.removed) == 2
    assert names(store) == set() and store.interrupted() == []


def test_what_a_process_makes_again_stays(store: Store) -> None:
    stored(store, "first", days=9)
    with store.locks.held(fake_key({"name": "first"}).name, lambda: None):
        found = gc(store, EVERYTHING)
    assert found.removed == () and [item.stage for item in found.in_use] == ["first"]
    assert names(store) == {"first"}


def test_what_an_interrupted_run_left_goes_by_its_age_alone(store: Store) -> None:
    old, new = interrupted(store, "fake-old", days=31), interrupted(store, "fake-new", days=29)
    assert gc(store, Limits(max_bytes=0)).removed == ()
    assert [item.folder for item in gc(store, Limits(older_than_s=30 * DAY)).removed] == [old]
    assert store.interrupted() == [new]


def test_a_folder_that_a_process_works_in_stays_however_old_it_is(store: Store) -> None:
    folder = interrupted(store, "fake-long", days=99)
    with store.locks.held("fake-long", lambda: None):
        found = gc(store, EVERYTHING)
    assert found.removed == () and len(found.in_use) == 1
    assert store.interrupted() == [folder]


def test_a_damaged_result_is_garbage_too(store: Store) -> None:
    made = stored(store, "first", days=9)
    (made.folder / SEAL).write_text("{", encoding="utf-8")
    used(made.folder / SEAL, 9)
    assert [item.stage for item in gc(store, Limits(older_than_s=8 * DAY)).removed] == ["fake (damaged)"]
    assert not made.folder.exists()


def test_what_is_used_while_it_is_looked_at_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(store, "first", days=9)
    whole = garbage._items

    def used_meanwhile(store: Store) -> Iterator[Item]:
        found = list(whole(store))
        store.find(fake_key({"name": "first"}), Heard())
        yield from found

    monkeypatch.setattr(garbage, "_items", used_meanwhile)
    assert gc(store, Limits(older_than_s=8 * DAY)).removed == ()
    assert names(store) == {"first"}


def test_removal_by_the_beginning_of_a_key(store: Store) -> None:
    first, second = stored(store, "first", days=1), stored(store, "second", days=1)
    size = gc_size(first)
    found = remove(store, [first.key[:10]], Heard())
    assert ([item.stage for item in found.removed], found.freed) == (["first"], size)
    assert [artifact.key for artifact in store.artifacts()] == [second.key]


def test_an_unknown_key_removes_nothing(store: Store) -> None:
    first = stored(store, "first", days=1)
    with pytest.raises(RecipeError, match="begins with 'zzz'"):
        remove(store, [first.key[:10], "zzz"], Heard())
    assert names(store) == {"first"}


def test_interrupted_stages_are_removed_only_when_asked(store: Store) -> None:
    first, half = stored(store, "first", days=1), interrupted(store, "fake-half", days=1)
    assert len(remove(store, [first.key], Heard()).removed) == 1
    assert half.exists()
    assert [item.folder for item in remove(store, [], Heard(), interrupted=True).removed] == [half]
    assert not half.exists()


def test_everything_includes_what_is_damaged(store: Store) -> None:
    made = stored(store, "first", days=1)
    (made.folder / SEAL).write_text("{", encoding="utf-8")
    assert store.artifacts() == []
    assert len(remove(store, [], Heard(), everything=True).removed) == 1
    assert not made.folder.exists()


def test_what_is_named_stays_while_a_process_needs_it(store: Store) -> None:
    first, second = stored(store, "first", days=1), stored(store, "second", days=1)
    with store.using([fake_key({"name": "first"})], Heard()):
        found = remove(store, [first.key, second.key], Heard())
    assert [item.stage for item in found.in_use] == ["first"]
    assert names(store) == {"first"}


def test_nothing_is_made_where_there_is_no_store(tmp_path: Path) -> None:
    assert gc(Store(tmp_path / "nowhere"), EVERYTHING) == Collected((), (), 0)
    assert remove(Store(tmp_path / "nowhere"), [], Heard(), everything=True) == Collected((), (), 0)
    assert not (tmp_path / "nowhere").exists()


def test_nothing_that_a_run_needs_goes_while_it_lasts(tmp_path: Path) -> None:
    """Also what it found finished at its start and reads only later."""
    found: list[Collected] = []

    def collect_all(out: Path, events: Events) -> None:
        found.append(gc(Store(tmp_path / "store"), Limits(max_bytes=0, older_than_s=-1e12)))

    run(fake_plan(tmp_path, []), tmp_path)
    ran: list[str] = []
    run(fake_plan(tmp_path, ran, settings={"export": 1}, actions={"export": collect_all}), tmp_path)
    assert ran == ["export", "bundle"]
    assert {item.stage for item in found[0].in_use if item.finished} == {"first", "second", "side"}
    assert {item.stage for item in found[0].removed} == {"export", "bundle"}, "those of the first run"
    assert gc(Store(tmp_path / "store"), Limits(max_bytes=0)).in_use == (), "the run is over"


@pytest.mark.parametrize("left", [0, 10**9])
def test_a_run_after_it_makes_what_is_missing_and_finds_the_rest(tmp_path: Path, left: int) -> None:
    before = run(fake_plan(tmp_path, []), tmp_path)
    store = Store(tmp_path / "store")
    if left:
        oldest = next(artifact for artifact in store.artifacts() if artifact.stage == "first")
        used(oldest.folder / SEAL, 40)
        gc(store, Limits(max_bytes=left, older_than_s=30 * DAY))
    else:
        gc(store, Limits(max_bytes=left))
    ran: list[str] = []
    after = run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == (["first"] if left else list(CHAIN))
    assert [stage.facts for stage in after.stages] == [stage.facts for stage in before.stages]


def holding(store: Store) -> subprocess.Popen[str]:
    """A process that needs the stage `first`."""
    program = """
import sys, time
from pathlib import Path
from compressor.engine.store import Store
from tests.engine.fakes import Heard, fake_key
with Store(Path(sys.argv[1])).using([fake_key({"name": "first"})], Heard()):
    print("held", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(store.root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_run_that_was_killed_holds_nothing(store: Store) -> None:
    stored(store, "first", days=9)
    process = holding(store)
    assert len(gc(store, EVERYTHING).in_use) == 1
    killed(process)
    assert [item.stage for item in gc(store, EVERYTHING).removed] == ["first"]
    assert list((store.root / ".leases").iterdir()) == []


def test_what_a_killed_run_held_is_forgotten_by_the_next_one(store: Store) -> None:
    killed(holding(store))
    (store.root / ".locks" / "lease-1").touch()  # of one that was killed between its two files
    assert len(list((store.root / ".leases").iterdir())) == 1
    with store.using([fake_key({"name": "first"})], Heard()):
        assert len(list((store.root / ".leases").iterdir())) == 1
        assert len(list((store.root / ".locks").glob("lease-*"))) == 1
    assert list((store.root / ".leases").iterdir()) == []
    assert list((store.root / ".locks").glob("lease-*")) == []
