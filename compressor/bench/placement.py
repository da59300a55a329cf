"""A target as plain data, for workers that don't load the recipe language: their memory is being measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Target

__all__ = ["Device", "Placement"]

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
