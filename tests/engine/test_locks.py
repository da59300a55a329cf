"""What a store does where files can't be locked."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path
from typing import NoReturn

import pytest

from compressor.engine.garbage import Limits, collect
from compressor.engine.store import Store
from compressor.errors import RecipeError
from tests.engine.fakes import Heard, fake_plan, make, run

UNSUPPORTED = [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP]


def no_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize("number", UNSUPPORTED, ids=lambda number: errno.errorcode[number])
def test_a_file_system_without_locks_is_refused_before_anything_is_made(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    no_locks(monkeypatch, number)
    with pytest.raises(RecipeError, match="locks no files") as refused:
        make(store)
    assert str(store.root) in str(refused.value)
    assert "COMPRESSOR_HOME" in str(refused.value)
    assert store.artifacts() == [] and store.interrupted() == []


def test_nothing_is_removed_where_nobody_can_say_what_is_in_use(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = make(store)
    no_locks(monkeypatch, errno.ENOLCK)
    with pytest.raises(RecipeError, match="locks no files"):
        collect(store, Limits(max_bytes=0), Heard(), now=0.0)
    assert made.damage() is None


def test_a_finished_run_needs_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    no_locks(monkeypatch, errno.ENOLCK)
    ran: list[str] = []
    run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == []
