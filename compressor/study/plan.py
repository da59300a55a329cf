"""The plans of a study's runs, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compressor.chain.inspect import PlannedStage, planned
from compressor.chain.plan import RecipePlan, make_plan
from compressor.engine.store import Store
from compressor.study.members import Member

__all__ = ["SharedStage", "Sharing", "StudyRun", "plan_study", "shared_stages", "sharing"]


@dataclass(frozen=True)
class StudyRun:
    """One run of a study with its plan."""

    member: Member
    plan: RecipePlan


@dataclass(frozen=True)
class Sharing:
    """How much work the runs of a study have in common."""

    runs: int
    stages: int
    """Different ones, over all runs."""
    shared: int
    """Of these, those that several runs have."""

    def __str__(self) -> str:
        return f"It is {self.runs} runs of {self.stages} different stages; several runs share {self.shared} of them."


@dataclass(frozen=True)
class SharedStage:
    """A stage of a study, and the runs that need it."""

    stage: PlannedStage
    runs: tuple[Member, ...]


def plan_study(members: Sequence[Member]) -> tuple[StudyRun, ...]:
    """Lay out the stages of every run. Raises as `make_plan` does."""
    return tuple(StudyRun(member, make_plan(member.recipe)) for member in members)


def sharing(runs: Sequence[StudyRun]) -> Sharing:
    """Count what the runs have in common."""
    users = _users(runs)
    return Sharing(len(runs), len(users), sum(len(members) > 1 for members in users.values()))


def shared_stages(runs: Sequence[StudyRun], store: Store) -> list[SharedStage]:
    """Every stage once, in the order they run, and what `compressor run` would do with it."""
    users = _users(runs)
    found: dict[str, PlannedStage] = {}
    for run in runs:
        if new := {key.digest for key in run.plan.keys.values()} - found.keys():
            found |= {stage.key: stage for stage in planned(run.plan, store) if stage.key in new}
    return [SharedStage(stage, tuple(users[key])) for key, stage in found.items()]


def _users(runs: Sequence[StudyRun]) -> dict[str, list[Member]]:
    """Key of a stage -> the runs that have it."""
    users: dict[str, list[Member]] = {}
    for run in runs:
        for key in {key.digest for key in run.plan.keys.values()}:
            users.setdefault(key, []).append(run.member)
    return users
