"""Which checkpoint of an interrupted training can be trusted."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from compressor.events import Events

__all__ = ["newest_complete", "step_of"]

_STATE = "trainer_state.json"
_WEIGHTS = "model.safetensors"
_ARCHIVES = ("optimizer.pt", "scheduler.pt")
_RANDOM = "rng_state*.pth"
"""One a process. Other processes than those that wrote it may go on from a checkpoint; they draw anew."""


def newest_complete(folder: Path, events: Events) -> Path | None:
    """The newest checkpoint in `folder` that was written to its end; None where there is none.

    A killed process can leave one cut off in the middle. Newer ones that are incomplete are removed: they'd be
    counted when the Trainer makes room for the next.
    """
    found = sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True)
    for checkpoint in found:
        if _is_complete(checkpoint):
            return checkpoint
        events.note(f"{checkpoint.name} was cut off while it was written: not used.")
        shutil.rmtree(checkpoint)
    return None


def step_of(checkpoint: Path) -> int:
    """The step it was written at: `checkpoint-120` -> 120."""
    return int(checkpoint.name.rpartition("-")[2])


def _is_complete(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
        with safe_open(checkpoint / _WEIGHTS, framework="np") as weights:  # refuses a file shorter than its header says
            weights.keys()
    except (OSError, ValueError, SafetensorError):
        return False
    random = list(checkpoint.glob(_RANDOM))
    # The directory of a zip archive, which torch.save writes, stands at its end.
    return bool(random) and all(map(zipfile.is_zipfile, [*(checkpoint / name for name in _ARCHIVES), *random]))
