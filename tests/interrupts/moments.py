"""When a signal is sent, which, and to whom: drawn from a moment's number, so that each can be had again."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Moment", "Receiver", "Scene", "moment"]


class Scene(StrEnum):
    """What the store holds when a run begins."""

    FINISHED = "finished"
    """Every stage: the run reads them and writes its report."""
    MEASURING = "measuring"
    """All but measurements and what reads them."""
    EMPTY = "empty"
    """Nothing."""


class Receiver(StrEnum):
    """Whom the signal is sent to."""

    COMMAND = "command"
    GROUP = "group"
    """The command and all that it started, as ctrl-C in a terminal does."""
    CHILD = "child"
    """A process that measures, alone."""


@dataclass(frozen=True)
class Moment:
    """One signal."""

    number: int
    signal: signal.Signals
    scene: Scene
    receiver: Receiver
    child: int
    """Which of the processes that measure the moment is in, counted from 1; 0 for the command."""
    share: float
    """Of the processor time that the command takes, or the child, when nothing interrupts it."""

    def __str__(self) -> str:
        inside = f"measuring process {self.child}" if self.child else "the command"
        return (
            f"{self.signal.name} {self.number}: to the {self.receiver}, {self.share:.1%} through {inside}, {self.scene}"
        )


_SCENES = [Scene.FINISHED] * 3 + [Scene.MEASURING, Scene.EMPTY]
_BEYOND = 1.05
"""The last moments are after the end, or rather in what Python does behind it."""


def moment(sent: signal.Signals, number: int) -> Moment:
    """The moment of this number. In all scenes the beginning has most of them; number 0 is the very beginning."""
    chance = random.Random(f"{sent.name} {number}")
    scene = _SCENES[number % len(_SCENES)]
    child = chance.choice([0, 1, 1, 2]) if scene is Scene.MEASURING else 0
    receivers = [Receiver.COMMAND] * 4 + [Receiver.GROUP] + [Receiver.CHILD] * (2 if child else 0)
    power = 4 if scene is Scene.EMPTY else 2  # runs that begin with nothing go on where the last was interrupted
    share = chance.random() ** power * _BEYOND if number else 0.0
    return Moment(number, sent, scene, chance.choice(receivers), child, share)
