"""A target as plain data, for workers that don't load the recipe language: their memory is being measured."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from compressor.errors import TargetUnavailable

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Target

__all__ = ["Device", "Placement", "apply_affinity"]

Device = Literal["cpu", "cuda", "tensorrt", "openvino"]


@dataclass(frozen=True)
class Placement:
    """Where a worker runs its model; the fields are those of the recipe's target."""

    device: Device = "cpu"
    threads: int = 1
    affinity: tuple[int, ...] | None = None
    arena: bool = True
    spinning: bool = False
    io_binding: bool = False

    @classmethod
    def of(cls, target: Target) -> Placement:
        """What the recipe says, without whether it is required."""
        return cls(
            target.device, target.threads, target.affinity, target.arena, target.spinning, io_binding=target.io_binding
        )


def apply_affinity(cpus: Collection[int]) -> None:
    """Pin this process, and with it every thread it starts from now on.

    Raises:
        TargetUnavailable: the system can't pin, or pinned it to other CPUs.
    """
    said = ", ".join(map(str, sorted(cpus)))
    if not hasattr(os, "sched_setaffinity"):
        raise TargetUnavailable("This system can't pin a process to CPUs.", hint="Leave `affinity` out of the target.")
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as error:
        raise TargetUnavailable(f"The process can't be pinned to the CPUs {said}: {error.strerror}.") from error
    # CPUs that aren't there, or that a container may not use, are dropped without a word.
    if (actual := os.sched_getaffinity(0)) != set(cpus):
        raise TargetUnavailable(f"The process was pinned to {sorted(actual)}, and the CPUs {said} were asked for.")
