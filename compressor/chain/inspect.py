"""Answers about a plan and the store without running anything: what is cached, and why something isn't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compressor.engine.artifact import Artifact
from compressor.engine.key import Json, Key, differences
from compressor.engine.plan import Plan
from compressor.engine.store import Store

__all__ = ["PlannedStage", "Reason", "planned", "why"]


@dataclass(frozen=True)
class PlannedStage:
    """A stage of a plan, and whether it would run."""

    name: str
    key: str
    state: str
    """`cached`, `interrupted` (begun, would go on) or `to run`."""
    seconds: float | None
    """What it took, where it is cached."""
    size: int | None
    """Bytes, where it is cached."""


@dataclass(frozen=True)
class Reason:
    """Why a stage isn't cached: how its key differs from the nearest one in the store."""

    stage: str
    nearest: str | None
    """Digest of the stored key that differs least; None where there is none of this kind."""
    changes: Sequence[tuple[str, Json, Json]]
    """(dotted path, stored, wanted)."""


def planned(plan: Plan, store: Store) -> list[PlannedStage]:
    """What `compressor run` would do with each stage."""
    found = []
    for stage in plan.stages:
        key = plan.keys[stage.name]
        artifact = store.peek(key)
        if artifact is not None:
            found.append(PlannedStage(stage.name, key.digest, "cached", artifact.seconds, artifact.size))
        else:
            state = "interrupted" if stage.resumable and store.work(key).exists() else "to run"
            found.append(PlannedStage(stage.name, key.digest, state, None, None))
    return found


def why(plan: Plan, store: Store) -> list[Reason]:
    """For each stage that would run: what differs from the nearest stored result of its kind."""
    artifacts = store.artifacts()
    reasons = []
    for stage in plan.stages:
        key = plan.keys[stage.name]
        if store.peek(key) is not None:
            continue
        candidates = [(list(differences(a.document, key.document)), a) for a in artifacts if _comparable(a, key)]
        if candidates:
            changes, nearest = min(candidates, key=lambda pair: len(pair[0]))
            reasons.append(Reason(stage.name, nearest.key, changes))
        else:
            reasons.append(Reason(stage.name, None, ()))
    return reasons


def _comparable(artifact: Artifact, key: Key) -> bool:
    config, wanted = artifact.document["config"], key.document["config"]
    return bool(artifact.document["kind"] == key.kind and config.get("subject") == wanted.get("subject"))
