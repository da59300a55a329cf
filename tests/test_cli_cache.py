"""The commands that look after the store, as a user calls them; `tests/test_cli.py` has `ls`, `rm` and `why`."""

from __future__ import annotations

import os
import time

import pytest

from compressor.engine.artifact import SEAL, Artifact
from compressor.engine.store import Store
from tests.command import compressor
from tests.engine.fakes import Heard, fake_key, rot, writes


@pytest.fixture
def two() -> tuple[Artifact, Artifact]:
    """Two finished stages of 2 MB, last used 40 and 10 days ago."""
    made = []
    for days in (40, 10):
        key = fake_key({"days": days})
        artifact, _ = Store().make(
            key, f"{days}-days", writes("x" * 2_000_000), resume=False, force=False, events=Heard()
        )
        os.utime(artifact.folder / SEAL, (time.time() - days * 86_400,) * 2)
        made.append(artifact)
    return made[0], made[1]


def test_gc_removes_what_is_little_used(two: tuple[Artifact, Artifact]) -> None:
    shown = compressor("cache", "gc", "--older-than", "30d", "--dry-run").succeeds().out
    assert "40-days" in shown and "10-days" not in shown
    assert "Would remove 1 stages, 2 MB; 2 MB stay" in shown
    found = compressor("cache", "gc", "--older-than", "30d", "--format", "json").succeeds().json
    assert [item["stage"] for item in found["removed"]] == ["40-days"]
    assert (round(found["freed_mb"]), round(found["size_mb"]), found["dry_run"]) == (2, 2, False)
    left = compressor("cache", "ls", "--format", "json").json["artifacts"]
    assert [row["stage"] for row in left] == ["10-days"]
    assert left[0]["used"] < left[0]["created"]
    assert "Removed 1 stages, 2 MB; 0 MB stay" in compressor("cache", "gc", "--max-size", "1MB").succeeds().out
    assert "Removed 0 stages" in compressor("cache", "gc", "--max-size", "1MB").succeeds().out


def test_gc_says_what_a_running_process_needs(two: tuple[Artifact, Artifact]) -> None:
    with Store().using([fake_key({"days": 40})], Heard()):
        shown = compressor("cache", "gc", "--max-size", "0B").succeeds().out
    assert f"Needed by a running process, and kept: 40-days {two[0].key[:12]}" in shown
    assert two[0].folder.exists() and not two[1].folder.exists()


def test_gc_without_a_limit_or_with_an_odd_one_removes_nothing(two: tuple[Artifact, Artifact]) -> None:
    compressor("cache", "gc").fails(2, "--max-size", "--older-than")
    compressor("cache", "gc", "--max-size", "20").fails(2, "--max-size: '20' is not a size", "20GB")
    compressor("cache", "gc", "--older-than", "soon").fails(2, "--older-than: 'soon' is not an age", "30d")
    assert all(artifact.folder.exists() for artifact in two)


def test_verify_names_what_is_damaged(two: tuple[Artifact, Artifact]) -> None:
    assert "2 stages and 0 downloads were hashed; 0 are damaged" in compressor("cache", "verify").succeeds().out
    rot(two[0].folder / "model" / "weights")
    (Store().root / ".work" / "fake-half").mkdir()
    found = compressor("cache", "verify")
    assert found.code == 1
    assert "model/weights has changed" in found.out and "Half made: " in found.out
    found = compressor("cache", "verify", "--format", "json")
    assert found.code == 1 and not found.json["sound"]
    assert found.json["damaged"][0]["folder"] == str(two[0].folder)
    assert two[0].folder.exists()
    assert "removed" in compressor("cache", "verify", "--remove").succeeds().out
    assert not two[0].folder.exists()
    compressor("cache", "verify").succeeds()
