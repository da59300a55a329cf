from __future__ import annotations

import os
import subprocess
import sys

import pytest

from compressor.bench.placement import Placement, apply_affinity
from compressor.errors import TargetUnavailable
from compressor.recipe.benchmark import Target

pins = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system can't pin a process to CPUs")


def test_it_is_the_target_of_the_recipe() -> None:
    target = Target(device="cuda", threads=2, affinity=(1, 0), spinning=True, io_binding=True)

    assert Placement.of(target) == Placement("cuda", 2, (1, 0), arena=True, spinning=True, io_binding=True)
    assert Placement.of(Target(arena=False)) == Placement(arena=False)


@pins
def test_a_pinned_process_and_the_threads_it_starts_stay_where_they_are_put() -> None:
    """In a process of its own: being pinned can't be undone for threads that run."""
    last = max(os.sched_getaffinity(0))
    code = f"""
import os, threading
from compressor.bench.placement import apply_affinity
apply_affinity(({last},))
found = []
thread = threading.Thread(target=lambda: found.append(os.sched_getaffinity(threading.get_native_id())))
thread.start()
thread.join()
print(os.sched_getaffinity(0), found[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [f"{{{last}}}"] * 2


@pins
def test_cpus_that_are_not_there_are_refused() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(TargetUnavailable, match="can't be pinned to the CPUs 1000"):
        apply_affinity((1000,))
    assert os.sched_getaffinity(0) == before


def test_cpus_that_the_system_drops_silently_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    with pytest.raises(TargetUnavailable, match=r"pinned to \[0\], and the CPUs 0, 7 were asked for"):
        apply_affinity((7, 0))


def test_a_system_that_cannot_pin_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with pytest.raises(TargetUnavailable, match="can't pin a process"):
        apply_affinity((0,))
