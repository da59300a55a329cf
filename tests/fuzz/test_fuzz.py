"""Whatever is in a recipe, a data file, a bundle or a checkpoint: it ends soon, by a documented exit code, with an
error that says where and what to do, in little memory, and nothing is written elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.command import Result
from tests.fuzz import misbehaviour, recipes
from tests.fuzz.batch import run_batch
from tests.fuzz.messages import faults_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches by /proc and by limits of Linux")

SOME = {"recipes": 150, "data_files": 80, "bundles": 100, "checkpoints": 40}
"""Cases of each kind, about ten seconds of processor time together with what the children load."""
MANY = {"recipes": 2_000, "data_files": 1_000, "bundles": 300, "checkpoints": 300}
FROM = 100_000
"""The first of the many: they are other cases than the some."""


@pytest.mark.parametrize("kind", SOME)
def test_spoilt_input_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    found = run_batch(kind, tmp_path / "root", SOME[kind])
    found.check()
    assert found.cases == SOME[kind]
    assert found.codes.keys() - {0}, "a mutation that nobody notices is none"


@pytest.mark.slow
@pytest.mark.parametrize("kind", MANY)
def test_much_more_of_it(tmp_path: Path, kind: str) -> None:
    found = run_batch(kind, tmp_path / "root", MANY[kind], FROM)
    found.check()
    assert found.cases == MANY[kind]


def test_the_watch_sees_what_it_is_for(tmp_path: Path) -> None:
    found = run_batch("misbehaviour", tmp_path / "root", len(misbehaviour.FAULTS))
    assert found.calls == found.cases == len(misbehaviour.FAULTS)
    told = "\n\n".join(found.faults)
    for number, fault in enumerate(misbehaviour.FAULTS.values()):
        mine = next((text for text in found.faults if text.startswith(f"case {number} of")), "")
        assert (f"FAULT: {fault}" in mine) if fault else not mine, told


def test_a_message_must_say_where_and_what_to_do() -> None:
    assert not list(faults_of(Result(2, "", "error: a.csv is odd.\n  Mend it.\n"), ("a.csv",)))
    assert list(faults_of(Result(2, "", "error: a.csv is odd.\n"), ("a.csv",)))
    assert list(faults_of(Result(2, "", "error: it is odd.\n  Mend it.\n"), ("a.csv",)))
    assert list(faults_of(Result(2, "{}", "error: a.csv is odd.\n  Mend it.\n"), ("a.csv",)))
    assert list(faults_of(Result(101, "", "Traceback ..."), ("a.csv",)))


def test_a_case_is_the_same_each_time(tmp_path: Path) -> None:
    def made(name: str) -> tuple[list[bytes], list[str]]:
        folder = tmp_path / name
        folder.mkdir()
        contents, told = [], []
        for seed in range(20):
            told.append(recipes.make(seed, tmp_path, folder).what)
            contents.append((folder / "recipe.yaml").read_bytes())
        return contents, told

    assert made("a") == made("b")
