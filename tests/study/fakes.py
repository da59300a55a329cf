"""Studies of stages that cost nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compressor.engine.store import Store
from compressor.report.study import StudyReport
from compressor.study.members import Member
from compressor.study.plan import StudyRun
from compressor.study.run import run_study
from tests.engine.fakes import Action, Heard, fake_plan


def fake_run(
    folder: Path,
    ran: list[str],
    variant: str = "base",
    seed: int = 1,
    *,
    settings: Mapping[str, int] | None = None,
    actions: Mapping[str, Action] | None = None,
    gates: str = "{}",
) -> StudyRun:
    """A run whose stages are those of `CHAIN`."""
    plan = fake_plan(folder, ran, settings=settings, actions=actions, gates=gates)
    return StudyRun(Member(variant, seed, plan.recipe), plan)


def run(
    folder: Path, runs: Sequence[StudyRun], *, force: Sequence[str] = (), events: Heard | None = None
) -> tuple[StudyReport, int]:
    """Run a study below `folder`, with a store of its own."""
    store = Store(folder / "store")
    return run_study(
        runs[0].member.recipe, runs, out=folder / "study", events=events or Heard(), store=store, force=force
    )


def status(folder: Path) -> dict[str, Any]:
    """`run.json` of a study below `folder`."""
    found: dict[str, Any] = json.loads((folder / "study" / "run.json").read_text(encoding="utf-8"))
    return found
