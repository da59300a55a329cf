"""Everything that is kept is checked against the digests it was kept with."""

from __future__ import annotations

import errno
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compressor.engine.artifact import SEAL
from compressor.engine.check import Checked, check_kept
from compressor.engine.garbage import Limits, collect
from compressor.engine.store import Store
from compressor.home import home
from compressor.sources.digest import file_sha256
from tests.engine.fakes import KEY, Heard, fake_key, make, rot, writes
from tests.engine.test_store_damage import changed, half_a_seal, missing, no_seal, seal_of_another


def check(store: Store, *, remove: bool = False) -> Checked:
    return check_kept(store, Heard(), remove=remove)


def rotten(folder: Path) -> None:
    rot(folder / "model" / "weights")


def download() -> Path:
    """A download of a wheel with one file."""
    entry = home() / "downloads" / "wheels" / "tiny-1.0-0123456789abcdef"
    (entry / "files").mkdir(parents=True)
    (entry / "files" / "reviews.csv").write_text("text,label\n", encoding="utf-8")
    files = {"reviews.csv": file_sha256(entry / "files" / "reviews.csv")}
    (entry / "wheel.json").write_text(json.dumps({"sha256": "0" * 64, "files": files}), encoding="utf-8")
    return entry


def test_a_whole_store_is_sound(store: Store) -> None:
    make(store)
    store.make(fake_key({"setting": 2}), "other", writes(), resume=False, force=False, events=Heard())
    download()
    found = check(store)
    assert (found.stages, found.downloads, found.damaged, found.half_made, found.sound) == (2, 1, (), (), True)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (rotten, "model/weights has changed"),
        (changed, "model/weights has changed"),
        (missing, "facts.txt is missing"),
        (half_a_seal, SEAL),
        (no_seal, SEAL),
        (seal_of_another, "its key differs"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_damage_is_named_and_stays_unless_it_is_to_go(store: Store, harm: Callable[[Path], None], why: str) -> None:
    made, _ = make(store)
    harm(made.folder)
    found = check(store)
    assert not found.sound
    (damage,) = found.damaged
    assert damage.folder == made.folder and why in damage.why and not damage.removed
    assert made.folder.exists()
    again = check(store, remove=True)
    assert again.sound and again.damaged[0].removed
    assert not made.folder.exists()
    assert not make(store)[1], "it is made again"


def test_what_a_running_process_needs_is_not_removed(store: Store) -> None:
    made, _ = make(store)
    rotten(made.folder)
    for holding in (store.using([KEY], Heard()), store.locks.held(KEY.name, lambda: None)):
        with holding:
            found = check(store, remove=True)
        assert not found.sound and found.damaged[0].in_use
        assert made.folder.exists()


def test_half_made_folders_are_named_and_no_damage(store: Store) -> None:
    folder = store.root / ".work" / "fake-half"
    folder.mkdir(parents=True)
    left = home() / "downloads" / "wheels" / ".partial-left"
    left.mkdir(parents=True)
    os.utime(left, (1, 1))
    (home() / "downloads" / "wheels" / ".partial-running").mkdir()
    found = check(store, remove=True)
    assert found.sound and found.half_made == (folder, left)
    assert folder.exists() and left.exists()
    with store.locks.held("fake-half", lambda: None):
        assert check(store).half_made == (left,), "a process works in it"


def harm_file(entry: Path) -> None:
    rot(entry / "files" / "reviews.csv")


def take_file(entry: Path) -> None:
    (entry / "files" / "reviews.csv").unlink()


def add_file(entry: Path) -> None:
    (entry / "files" / "code.py").write_text("", encoding="utf-8")


def take_record(entry: Path) -> None:
    (entry / "wheel.json").unlink()


def spoil_record(entry: Path) -> None:
    (entry / "wheel.json").write_text('{"files": [1]}', encoding="utf-8")


def cut_record(entry: Path) -> None:
    (entry / "wheel.json").write_text("{", encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (harm_file, "reviews.csv has changed"),
        (take_file, "reviews.csv is missing"),
        (add_file, "code.py was added"),
        (take_record, "wheel.json can't be read"),
        (cut_record, "wheel.json can't be read"),
        (spoil_record, "wheel.json is no record"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_damaged_download_is_named_and_removed_when_asked(
    store: Store, harm: Callable[[Path], None], why: str
) -> None:
    entry = download()
    harm(entry)
    (damage,) = check(store).damaged
    assert damage.folder == entry and why in damage.why
    assert entry.exists()
    assert check(store, remove=True).sound
    assert list(entry.parent.iterdir()) == []


def test_what_may_not_be_looked_at_is_damaged(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = make(store)
    kept = (made.folder, download())
    exists, opened, lstat = Path.exists, io.open, Path.lstat

    def inside(path: Path) -> bool:
        return any(folder in path.parents for folder in kept)

    def refused(whole: Callable[..., Any]) -> Callable[..., Any]:
        def look(path: Path, *args: Any, **options: Any) -> Any:
            if inside(Path(path)):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return whole(path, *args, **options)

        return look

    monkeypatch.setattr(Path, "exists", refused(exists))
    monkeypatch.setattr(Path, "lstat", refused(lstat))
    monkeypatch.setattr(io, "open", refused(opened))
    assert [damage.folder for damage in check(store).damaged] == list(kept)
    assert all("Permission denied" in damage.why for damage in check(store).damaged)
    found = collect(store, Limits(older_than_s=-60), Heard(), now=time.time(), dry_run=True)
    assert [item.stage for item in found.removed] == ["fake (damaged)"]


def test_nothing_is_made_where_nothing_is_kept(tmp_path: Path) -> None:
    assert check(Store(tmp_path / "nowhere"), remove=True).sound
    assert not (tmp_path / "nowhere").exists()
