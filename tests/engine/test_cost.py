"""What a run tells of what its stages cost."""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path
from typing import Any

import pytest

from compressor.events import Events
from tests.engine.fakes import Fake, fake_plan, run


def test_what_a_stage_cost_is_kept_with_it(tmp_path: Path) -> None:
    report = run(fake_plan(tmp_path, []), tmp_path)
    peaks = {stage.name: stage.peak_mb for stage in report.stages}
    assert all(peak is not None and peak > 1 for peak in peaks.values())
    again = run(fake_plan(tmp_path, []), tmp_path)
    assert {stage.name: stage.peak_mb for stage in again.stages} == peaks, "of a cached stage, what it was when it ran"


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="this system can't reset a peak of memory")
def test_the_peak_of_a_stage_is_not_that_of_the_stage_before(tmp_path: Path) -> None:
    def greedy(out: Path, events: Events) -> None:
        bytearray(200_000_000).replace(b"\1", b"")

    report = run(fake_plan(tmp_path, [], actions={"second": greedy}), tmp_path)
    peak = {stage.name: stage.peak_mb or 0.0 for stage in report.stages}
    assert peak["second"] > peak["first"] + 150
    assert peak["side"] < peak["second"] - 150


def test_what_a_stage_leaves_in_circles_is_gone_before_the_next_one_runs(tmp_path: Path) -> None:
    class Trainer:
        def __init__(self) -> None:
            self.me = self

    left: list[weakref.ref[Trainer]] = []
    seen: list[bool] = []
    actions = {
        "first": lambda out, events: left.append(weakref.ref(Trainer())),
        "second": lambda out, events: seen.append(left[0]() is None),
    }
    gc.disable()
    try:
        run(fake_plan(tmp_path, [], actions=actions), tmp_path)
    finally:
        gc.enable()
    assert seen == [True]


def test_where_other_processes_do_the_work_their_peak_is_the_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Fake.run

    def measuring(stage: Fake, *args: Any) -> dict[str, Any]:
        return {**plain(stage, *args), **({"peak_mb": 0.5} if stage.name == "side" else {})}

    monkeypatch.setattr(Fake, "run", measuring)
    report = run(fake_plan(tmp_path, []), tmp_path)
    assert [stage.name for stage in report.stages if stage.peak_mb == 0.5] == ["side"]
