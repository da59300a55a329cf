"""What the first process and its helpers tell each other; the store is that of one process, and the group pretended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist

from compressor.engine import team
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.engine.team import ALONE, Leader, help_out
from compressor.errors import DataError, StageError
from compressor.events import Events, Silent
from compressor.processes import Place

SIZE = 3


@dataclass(frozen=True, kw_only=True)
class Shared(Stage):
    """Each process leaves a file that bears the name of its thread; some go wrong."""

    kind = "shared"

    wrong: str = ""
    how: str = ""
    alone: bool = False

    @property
    def config(self) -> dict[str, Json]:
        return {}

    @property
    def distributed(self) -> bool:
        return not self.alone

    def run(self, inputs: dict[str, Artifact], out: Path, events: Events) -> dict[str, Json]:  # type: ignore[override]
        me = threading.current_thread().name
        if me in self.wrong.split():
            raise {"bug": ZeroDivisionError("a bug"), "data": DataError("bad rows"), "lost": RuntimeError(GONE)}[
                self.how
            ]
        (out / me).touch()
        return {"by": me}


GONE = "Connection closed by peer [127.0.0.1]:4711"


@pytest.fixture(autouse=True)
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = dist.HashStore()  # type: ignore[attr-defined]

    @contextmanager
    def group(*_: Any) -> Iterator[None]:
        yield

    monkeypatch.setattr(team, "connect", lambda _: shared)
    monkeypatch.setattr(team, "together", group)


@pytest.fixture
def helpers(pretended: None) -> Iterator[list[threading.Thread]]:
    """Two more processes, as threads `1` and `2`."""
    started = [
        threading.Thread(target=help_out, args=[Place(rank, SIZE, rank)], name=str(rank), daemon=True)
        for rank in range(1, SIZE)
    ]
    for thread in started:
        thread.start()
    yield started
    for thread in started:
        thread.join(timeout=30)
        assert not thread.is_alive(), "it waits for work that never comes"


def run(leader: Leader, out: Path, **settings: Any) -> dict[str, Json]:
    return leader.run(Shared(name="shared", **settings), {}, out, Silent())


def test_all_run_a_stage_that_is_shared_and_the_first_alone_any_other(
    helpers: list[threading.Thread], tmp_path: Path
) -> None:
    shared, other = tmp_path / "shared", tmp_path / "other"
    shared.mkdir()
    other.mkdir()
    with Leader(Place(0, SIZE, 0)) as leader:
        assert run(leader, shared) == {"by": "MainThread"}
        run(leader, other, alone=True)
    assert {path.name for path in shared.iterdir()} == {"MainThread", "1", "2"}
    assert [path.name for path in other.iterdir()] == ["MainThread"]


@pytest.mark.parametrize(("how", "words"), [("data", "bad rows"), ("bug", "ZeroDivisionError: a bug")])
def test_the_failure_of_a_helper_ends_the_run_in_its_words(
    helpers: list[threading.Thread], tmp_path: Path, how: str, words: str
) -> None:
    with Leader(Place(0, SIZE, 0)) as leader, pytest.raises(StageError, match="Process 2, which helped") as caught:
        run(leader, tmp_path, wrong="2", how=how)
    assert words in str(caught.value)


def test_who_lost_a_process_that_failed_says_why_that_one_did(
    helpers: list[threading.Thread], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(store: Any, place: Place, *_: Any) -> tuple[str, str]:
        return ("lost", GONE) if place.rank == 1 else ("failed", "bad rows")

    monkeypatch.setattr(team, "_ended", ended)
    with Leader(Place(0, SIZE, 0)) as leader, pytest.raises(StageError, match=r"Process 2, .* failed: bad rows"):
        run(leader, tmp_path, wrong="MainThread", how="lost")


def test_a_process_that_ended_without_a_word_is_told_from_a_bug(
    helpers: list[threading.Thread], tmp_path: Path
) -> None:
    with Leader(Place(0, SIZE, 0)) as leader:
        with pytest.raises(StageError, match="Another process of this run ended"):
            run(leader, tmp_path, wrong="MainThread 1 2", how="lost")
        with pytest.raises(ZeroDivisionError):
            run(leader, tmp_path, wrong="MainThread", how="bug")


def test_after_a_failure_of_the_first_the_others_help_with_the_next_stage(
    helpers: list[threading.Thread], tmp_path: Path
) -> None:
    with Leader(Place(0, SIZE, 0)) as leader:
        with pytest.raises(DataError):
            run(leader, tmp_path, wrong="MainThread", how="data")
        (tmp_path / "next").mkdir()
        run(leader, tmp_path / "next")
    assert {path.name for path in (tmp_path / "next").iterdir()} == {"MainThread", "1", "2"}


def test_a_helper_that_never_comes_back_ends_the_run_instead_of_holding_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "_FAREWELL_SECONDS", 0.1)
    monkeypatch.setattr(team, "_PATIENCE_SECONDS", 0.1)
    with Leader(Place(0, 2, 0)) as leader:
        with pytest.raises(DataError):
            run(leader, tmp_path, wrong="MainThread", how="data")
        with pytest.raises(StageError, match="still busy with a stage that failed"):
            run(leader, tmp_path)


def test_a_folder_that_a_helper_does_not_see_is_named(helpers: list[threading.Thread], tmp_path: Path) -> None:

    with Leader(Place(0, SIZE, 0)) as leader, pytest.raises(StageError, match="need one store"):
        leader.run(Absent(name="absent"), {}, tmp_path / "absent", Silent())


@dataclass(frozen=True, kw_only=True)
class Absent(Shared):
    def run(self, inputs: Any, out: Path, events: Events) -> dict[str, Json]:
        return {}


def test_alone_a_stage_is_just_run(tmp_path: Path) -> None:
    assert ALONE.run(Shared(name="shared"), {}, tmp_path, Silent()) == {"by": "MainThread"}
