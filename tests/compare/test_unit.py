from __future__ import annotations

import os
import sys
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.compare import unit
from compressor.compare.arm import CallSpec, ModelSpec
from compressor.compare.unit import SHORTEST_MS, WARM_UP_CALLS, UnitJob, main, measure_arms

SPECS = tuple(CallSpec(name, "") for name in ("a", "copy", "b"))


class Arms:
    """Arms that take as long as they are told, the first call of a block ten times as long."""

    def __init__(self, **taking_ms: float) -> None:
        self.taking_ms = taking_ms
        self.blocks: list[tuple[str, int, int]] = []
        """(arm, calls, repeats)."""
        self.opened: list[str] = []
        self.closed: list[str] = []

    def open(self, spec: CallSpec) -> Arms._Arm:
        self.opened.append(spec.call)
        return Arms._Arm(self, spec.call)

    class _Arm:
        def __init__(self, all_: Arms, name: str) -> None:
            self.all, self.name = all_, name

        def block(self, calls: int, repeats: int) -> list[float]:
            self.all.blocks.append((self.name, calls, repeats))
            taking = self.all.taking_ms[self.name]
            return [10 * taking, *[taking] * (calls - 1)]

        def close(self) -> None:
            self.all.closed.append(self.name)


@pytest.fixture
def arms(monkeypatch: pytest.MonkeyPatch) -> Arms:
    found = Arms(a=1.0, copy=1.0, b=2.0)
    monkeypatch.setattr(unit, "open_arm", found.open)
    return found


def test_blocks_are_interleaved_in_every_order_equally_often_and_begin_with_a_call_that_does_not_count(
    arms: Arms,
) -> None:
    taken = measure_arms(SPECS, np.random.default_rng(0), blocks=12, calls=5)

    warm_up, blocks = arms.blocks[:3], arms.blocks[3:]
    assert {calls for _, calls, _ in warm_up} == {WARM_UP_CALLS}
    assert {calls for _, calls, _ in blocks} == {5}
    orders = Counter(tuple(name for name, *_ in blocks[start : start + 3]) for start in range(0, len(blocks), 3))
    assert orders == dict.fromkeys(permutations(("a", "copy", "b")), 2)
    assert taken.shape == (3, 12, 4)
    assert [set(times.ravel()) for times in taken] == [{1.0}, {1.0}, {2.0}], "the slow first calls are left out"


def test_no_arm_is_always_loaded_first_or_warmed_up_last(arms: Arms) -> None:
    for seed in range(20):
        measure_arms(SPECS, np.random.default_rng(seed), blocks=1, calls=2)

    warmed_up = [name for name, calls, _ in arms.blocks if calls == WARM_UP_CALLS]
    assert set(arms.opened[::3]) == {"a", "copy", "b"}
    assert set(warmed_up[2::3]) == {"a", "copy", "b"}
    assert sorted(arms.closed) == sorted(arms.opened)


def test_calls_too_short_to_be_timed_are_taken_together_as_many_for_each_arm(arms: Arms) -> None:
    arms.taking_ms |= {"a": SHORTEST_MS / 8, "copy": SHORTEST_MS / 8}
    measure_arms(SPECS, np.random.default_rng(0), blocks=2, calls=3)

    assert {repeats for _, _, repeats in arms.blocks[3:]} == {8}


def job(tmp_path: Path, **settings: Any) -> Path:
    file = tmp_path / "job.json"
    a, _, b = SPECS
    UnitJob(a, b, seed=1, out=str(tmp_path / "times.npy"), **settings).write(file)
    return file


def test_a_job_survives_the_way_into_another_process(tmp_path: Path) -> None:
    given = UnitJob(ModelSpec("m", "i"), CallSpec("c", "p"), 3, "out.npy", loads=2, blocks=7, calls=4, pinned=True)
    given.write(tmp_path / "job.json")

    assert UnitJob.read(tmp_path / "job.json") == given


def test_every_arm_is_loaded_anew_for_its_share_of_the_blocks(arms: Arms, tmp_path: Path) -> None:
    main(job(tmp_path, loads=3, blocks=7, calls=3))

    assert Counter(arms.opened) == {"a": 6, "b": 3}, "the copy is A, loaded once more"
    assert np.load(tmp_path / "times.npy").shape == (3, 7, 2)


def test_more_loads_than_blocks_are_one_a_block(arms: Arms, tmp_path: Path) -> None:
    main(job(tmp_path, loads=5, blocks=2, calls=2))

    assert len(arms.opened) == 2 * 3


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system can't pin")
def test_a_pinned_unit_stays_on_one_of_its_cpus(arms: Arms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cpus: pinned.append(set(cpus)))
    main(job(tmp_path, blocks=1))
    assert pinned == []

    main(job(tmp_path, blocks=1, pinned=True))
    assert pinned in ([{3}], [{5}])


def test_where_the_system_cannot_pin_arms_roam(arms: Arms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    main(job(tmp_path, blocks=1, pinned=True))

    assert (tmp_path / "times.npy").exists()


def test_the_process_imports_nothing_that_is_not_timed() -> None:
    import subprocess

    code = (
        "import sys, compressor.compare.unit; print(*{'torch', 'transformers', 'scipy', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
